from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from PIL import Image

from napari_graft.cli.app import run
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.fingerprints.fingerprint import general_fingerprint
from napari_graft.fingerprints.source_map import TARGET, map_of_distances
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import random_tiles, view_of
from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.session.ranking.source_map import (
    explain_distances,
    instrument,
    map_sources,
    microscopy,
    species,
)
from napari_graft.sources import catalogue
from napari_graft.sources.card import SourceCard, TrainingRecord
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec

CPU = torch.device("cpu")


def card(source_id: str, **fields: object) -> SourceCard:
    needed = {
        "id": source_id,
        "title": source_id,
        "structure": "nuclei",
        "spec": ModelSpec(),
        "license": "MIT",
    }
    return SourceCard.model_validate(needed | {"weights_sha256": "0" * 64} | fields)


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    return tmp_path / "p.graft"


@pytest.fixture
def mapped_sources(tmp_path: Path, sources: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one source remember other parts of the very image, and the other one noise."""
    copied = tmp_path / "sources"
    shutil.copytree(sources, copied)
    monkeypatch.setattr(catalogue, "default_folders", lambda: [(copied, "user")])
    with open_project(folder) as project:
        view = view_of(project, ModelSpec())
        own = [view.read(tile) for tile in random_tiles(view, (96, 96), 24, np.random.default_rng(5))]
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=(96, 96)).astype(np.float32) for _ in range(24)]
    for name, tiles in (("tiny-nuclei", own), ("tiny-neurites", noise)):
        fingerprint = general_fingerprint(tiles, None, Catalogue(), CPU)
        assert fingerprint is not None
        save_tensors(copied / name / "general.safetensors", fingerprint.to_tensors(), {})


@pytest.mark.usefixtures("mapped_sources")
def test_an_image_lands_beside_the_source_that_remembers_such_images(folder: Path) -> None:
    sources = candidate_sources(Catalogue())
    with open_project(folder) as project:
        mapped = map_sources(sources, project, report=ignore_progress, cancel=CancelToken())
    assert mapped is not None
    assert mapped.nearest_to(TARGET)[0][0] == "tiny-nuclei"
    assert {mapped.names[int(i)] for i in mapped.merges[0, :2]} == {TARGET, "tiny-nuclei"}
    alone = map_sources(sources, None, report=ignore_progress, cancel=CancelToken())
    assert alone is not None
    assert set(alone.names) == {"tiny-nuclei", "tiny-neurites"}


def test_without_fingerprints_in_the_common_encoder_there_is_no_map(folder: Path) -> None:
    sources = candidate_sources(Catalogue())
    with open_project(folder) as project:
        assert map_sources(sources, project, report=ignore_progress, cancel=CancelToken()) is None
    assert run(["sources", "map"]) == 2


@pytest.mark.usefixtures("mapped_sources")
def test_the_command_writes_a_picture_and_the_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sources", "map", str(folder), "--out", str(tmp_path / "map.png"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert imread(tmp_path / "map.png").shape[1] > 1000
    assert run(["sources", "map", str(folder), "--out", str(tmp_path / "map.json")]) == 0
    assert json.loads((tmp_path / "map.json").read_text()) == printed
    assert [one["id"] for one in printed["nearest"]] == ["tiny-nuclei", "tiny-neurites"]
    at = [one["id"] for one in printed["sources"]].index(None)
    near = [one["id"] for one in printed["sources"]].index("tiny-nuclei")
    assert printed["sources"][at]["title"] == "p"
    assert printed["distances"][at][near] == printed["nearest"][0]["distance"]
    assert run(["sources", "map", "--out", "map.svg"]) == 2


def _png() -> bytes:
    buffer = BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.usefixtures("mapped_sources")
@pytest.mark.parametrize("name", ["map.png", "map.json"])
def test_a_map_replaces_an_earlier_one_and_nothing_else(folder: Path, tmp_path: Path, name: str) -> None:
    command = ["sources", "map", str(folder), "--out", str(tmp_path / name)]
    (tmp_path / name).write_text("mine")
    assert run([*command, "--overwrite"]) == 2  # it is none of what its name says
    assert (tmp_path / name).read_text() == "mine"
    somebodys = b"[1, 2]" if name.endswith(".json") else _png()
    (tmp_path / name).write_bytes(somebodys)
    assert run(command) == 2
    assert (tmp_path / name).read_bytes() == somebodys
    assert run([*command, "--overwrite"]) == 0
    assert run(command) == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"instrument": "SBF-SEM", "species": "Mus musculus (assumed)"},
            ("electron", "SBEM", "Mus musculus"),
        ),
        ({"instrument": "volume EM", "species": "plant, not stated"}, ("electron", "volume EM", None)),
        ({"instrument": "bright field, IHC", "species": "mixed"}, ("light", "bright field", None)),
        ({"instrument": "FIB-SEM, ssTEM and SBEM", "species": "A and B"}, ("electron", None, None)),
    ],
)
def test_labels_are_read_off_the_cards(fields: dict[str, str], expected: tuple[str | None, ...]) -> None:
    one = card("one", **fields)
    assert (microscopy(one), instrument(one), species(one)) == expected


def test_pairs_that_share_a_data_set_or_are_relatives_explain_nothing() -> None:
    cards = [
        card("a", instrument="SEM", training=TrainingRecord(datasets=("one",))),
        card("b", instrument="SEM", training=TrainingRecord(datasets=("one", "two"))),
        card("c", instrument="SEM", training=TrainingRecord(datasets=("three",), related_datasets=("two",))),
        card("d", instrument="confocal"),
    ]
    at = np.array([0.0, 1, 3, 9])
    mapped = map_of_distances([one.id for one in cards], np.abs(at[:, None] - at))
    found = {one.label: one.effect for one in explain_distances(mapped, cards)}
    assert (found["instrument"].n_same, found["instrument"].n_different) == (1, 3)
    assert found["instrument"].mean_same == 3
    assert "structure" not in found
