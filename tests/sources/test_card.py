from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_graft.sources.card import Provenance, SourceCard, TrainingRecord
from napari_graft.sources.network_spec import ModelSpec


def _card(**fields: object) -> SourceCard:
    card = {
        "id": "fly-medulla",
        "title": "Fly medulla",
        "structure": "neurites",
        "license": "BSD-3-Clause",
        "spec": ModelSpec(pixel_size=(10.0, 10.0)),
        "weights_sha256": "0" * 64,
    }
    return SourceCard.model_validate(card | fields)


def test_a_full_card_survives_json() -> None:
    card = _card(
        training=TrainingRecord(
            datasets=("a", "b"), image_sha256s=("f" * 64,), steps=3, versions={"torch": "2"}
        ),
        validation={"vi": 0.5, "ap50": float("nan")},
        decode={"foreground_threshold": 0.5},
        provenance=Provenance(parent="ancestor", n_tiles=4),
    )

    again = SourceCard.model_validate_json(card.model_dump_json())

    assert again.training == card.training
    assert again.validation["vi"] == 0.5
    assert again.validation["ap50"] != again.validation["ap50"]
    assert again.provenance == card.provenance
    assert again.pixel_size == (10.0, 10.0)


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", "A", ".hidden", "a b", "a--b", "-a", "a\n", "x" * 81]
)
def test_an_id_that_could_be_misread_as_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        _card(id=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"structure": "ghosts"},
        {"weights_sha256": "xyz"},
        {"training": {"image_sha256s": ["short"]}},
        {"training": {"steps": -1}},
        {"provenance": {"parent": "a", "n_tiles": -1}},
        {"unknown": 1},
    ],
)
def test_an_impossible_card_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _card(**fields)


@pytest.mark.parametrize(
    ("structure", "scores", "is_weak"),
    [
        ("nuclei", {"ap50": 0.49, "vi": 0.1}, True),
        ("nuclei", {"ap50": 0.5, "vi": 3.0}, False),
        ("neurites", {"ap50": 0.1, "vi": 1.0}, False),
        ("neurites", {"ap50": 0.9, "vi": 1.1}, True),
        ("nuclei", {}, False),
    ],
)
def test_a_source_is_weak_by_the_score_of_its_structure(
    structure: str, scores: dict[str, float], is_weak: bool
) -> None:
    assert _card(structure=structure, validation=scores).is_weak is is_weak
