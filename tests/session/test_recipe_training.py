"""Recipes that begin with a pretraining on images without labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.recipes.recipe import read_recipe
from napari_graft.recipes.training import train_source
from napari_graft.samples.em import generate_neuropil
from napari_graft.session import pretraining
from napari_graft.session.training.recipe_training import train_from_recipe

TEXT = """
id: tiny
title: A tiny source
structure: neurites
license: CC0-1.0
spec: {{widths: [8, 16], pixel_size: [4, 4]}}
folder: images
images: [{{image: image.tif, labels: labels.tif}}]
datasets: [made_up]
pretraining: {block}
schedule: {{steps: 2, patch: 64, batch_size: 1}}
"""
BLOCK = "{steps: 4, images: [{image: 'more_*.tif', pixel_size: [8, 8]}]}"


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pretraining, "N_PLACES", {2: 4, 3: 2})
    (tmp_path / "images").mkdir()
    sample = generate_neuropil((10, 96, 96), np.random.default_rng(0))
    tifffile.imwrite(tmp_path / "images" / "image.tif", sample.image)
    tifffile.imwrite(tmp_path / "images" / "labels.tif", sample.segments)
    for number in range(2):
        more = generate_neuropil((64, 64), np.random.default_rng(number + 1))
        tifffile.imwrite(tmp_path / "images" / f"more_{number}.tif", more.image)
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT.format(block=BLOCK))
    return path


def test_a_recipe_may_begin_with_a_pretraining_that_its_card_tells(recipe: Path, tmp_path: Path) -> None:
    quiet = {"device": "cpu", "report": ignore_progress, "cancel": CancelToken()}
    source = train_from_recipe(recipe, tmp_path / "tiny", **quiet)  # type: ignore[arg-type]
    recipe.write_text(TEXT.format(block="null"))
    plain = train_from_recipe(recipe, tmp_path / "plain", **quiet)  # type: ignore[arg-type]

    assert source is not None
    assert plain is not None
    told = source.card.training.pretraining
    assert told is not None
    assert (told.objective, told.replay, told.steps) == ("masked", ("labelled",), 4)
    assert told.images == ("more_*.tif",)
    assert told.n_images == 7 + 4  # the slices to train on, and places of the others
    assert plain.card.training.pretraining is None
    assert source.card.weights_sha256 != plain.card.weights_sha256
    assert {path.name for path in (tmp_path / "tiny").iterdir()} == {
        path.name for path in (tmp_path / "plain").iterdir()
    }


@pytest.mark.parametrize("at", ["pretraining", "training"])
def test_one_that_was_killed_goes_on_and_comes_to_the_same(recipe: Path, tmp_path: Path, at: str) -> None:
    quiet = {"device": "cpu", "cancel": CancelToken()}
    whole = train_from_recipe(recipe, tmp_path / "whole", report=ignore_progress, **quiet)  # type: ignore[arg-type]
    steps = list[str]()

    def die(state: Progress) -> None:
        phase = "training" if state.message == "training" else "pretraining"
        steps.extend([phase] if state.done else [])
        if phase == at and state.done == 1:
            raise _KilledError

    with pytest.raises(_KilledError):
        train_from_recipe(recipe, tmp_path / "cut", report=die, **quiet)  # type: ignore[arg-type]
    assert (tmp_path / "cut" / "prepared.safetensors").is_file() is (at == "training")
    told = list[str]()
    again = train_from_recipe(
        recipe,
        tmp_path / "cut",
        report=lambda state: told.append(state.message),
        **quiet,  # type: ignore[arg-type]
    )

    assert again is not None
    assert whole is not None
    assert again.card.training.pretraining is not None
    assert again.card.training.pretraining.steps == 4
    assert ("reading the images of the pretraining" in told) is (at == "pretraining")
    expected = whole.load_weights()
    for name, value in again.load_weights().items():
        np.testing.assert_allclose(value, expected[name], atol=2e-3)


def test_a_request_to_stop_leaves_a_pretraining_to_go_on_with(recipe: Path, tmp_path: Path) -> None:
    token = CancelToken()

    def stop(state: Progress) -> None:
        if state.done == 2:
            token.cancel()

    first = train_from_recipe(recipe, tmp_path / "tiny", device="cpu", report=stop, cancel=token)

    assert first is None
    assert (tmp_path / "tiny" / "pretraining.safetensors").is_file()
    assert not (tmp_path / "tiny" / "prepared.safetensors").exists()
    again = train_from_recipe(
        recipe, tmp_path / "tiny", device="cpu", report=ignore_progress, cancel=CancelToken()
    )
    assert again is not None


@pytest.mark.parametrize(
    ("block", "word"),
    [
        ("{steps: 0}", "pretraining.steps"),
        ("{steps: 2, objective: guess}", "guess"),
        ("{steps: 2, replay: [dreams]}", "dreams"),
        ("{steps: 2, images: [{image: 'none_*.tif'}]}", "none_"),
        ("{steps: 2, replay: []}", "pretraining.replay"),
    ],
)
def test_a_block_that_cannot_be_is_refused_by_what_is_wrong(
    recipe: Path, tmp_path: Path, block: str, word: str
) -> None:
    recipe.write_text(TEXT.format(block=block))
    with pytest.raises(InputError, match=word):
        train_from_recipe(
            recipe, tmp_path / "tiny", device="cpu", report=ignore_progress, cancel=CancelToken()
        )


def test_who_cannot_prepare_says_so(recipe: Path, tmp_path: Path) -> None:
    assert read_recipe(recipe).pretraining is not None
    with pytest.raises(InputError, match="begins with a pretraining"):
        train_source(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())
