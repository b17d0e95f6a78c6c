import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.io.documents import write_document
from napari_graft.recipes.fingerprinting import renew_fingerprints
from napari_graft.recipes.recipe import read_recipe
from napari_graft.recipes.samples import Sample
from napari_graft.recipes.scoring import foreground_share, rescore_source
from napari_graft.recipes.training import train_source
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.source import open_source

ROOT = Path(__file__).parents[2]
TEXT = """
id: tiny
title: A tiny source
structure: neurites
license: CC0-1.0
spec: {{widths: [8, 16], pixel_size: [4, 4]}}
folder: images
images: [{{image: image.tif, labels: labels.tif}}]
datasets: [made_up]
schedule: {{steps: {steps}, patch: 64, batch_size: 1}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    sample = generate_neuropil((10, 96, 96), np.random.default_rng(0))
    tifffile.imwrite(tmp_path / "images" / "image.tif", sample.image)
    tifffile.imwrite(tmp_path / "images" / "labels.tif", sample.segments)
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT.format(steps=3))
    return path


def test_a_recipe_gives_a_complete_source(recipe: Path, tmp_path: Path) -> None:
    source = train_source(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())

    assert source is not None
    again = open_source(tmp_path / "tiny", "user")
    assert again.card.training.steps == 3
    assert again.card.training.datasets == ("made_up",)
    assert len(again.card.training.image_sha256s) == 1
    assert {"vi", "ap50", "dice"} <= again.card.validation.keys()
    assert {"foreground_threshold", "attraction_bias", "min_size"} <= set(again.card.decode)
    segments = tifffile.imread(tmp_path / "images" / "labels.tif")
    n_trained = 7  # of ten slices two are only scored, and one chooses
    assert again.card.foreground == round(float((segments[:n_trained] > 0).mean()), 4)
    assert again.load_weights().keys() == source.load_weights().keys()
    fingerprint = again.load_fingerprint()
    assert fingerprint is not None
    assert fingerprint.encoder == again.card.weights_sha256
    assert not list((tmp_path / "tiny").glob("checkpoint*"))


def test_the_share_of_foreground_counts_samples_by_their_size_and_weight() -> None:
    def sample(side: int, n_filled: int, weight: float) -> Sample:
        segments = np.zeros((side, side), np.int32)
        segments[:n_filled] = 1
        return Sample(np.zeros((side, side), np.float32), segments, 0, weight=weight)

    assert foreground_share([sample(4, 1, 1.0), sample(8, 8, 1.0)]) == 0.85  # (4 + 64) / (16 + 64)
    assert foreground_share([sample(4, 1, 8.0), sample(8, 8, 1.0)]) == 0.5  # (8 * 4 + 64) / (8 * 16 + 64)


def test_what_a_killed_training_was_writing_does_not_stop_the_next_one(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    left = folder / f".checkpoint.safetensors.{'0123abcd' * 4}.partial"
    left.write_bytes(b"half of it")

    assert train_source(recipe, folder, report=ignore_progress, cancel=CancelToken()) is not None
    assert not left.exists()


@pytest.mark.parametrize("name", [".notes.txt.0.partial", f".notes.txt.{'0' * 32}.partial", "a.partial"])
def test_other_unfinished_files_are_not_ours(recipe: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / name).write_bytes(b"half of it")

    with pytest.raises(InputError, match="did not write"):
        train_source(recipe, folder, report=ignore_progress, cancel=CancelToken())
    assert (folder / name).read_bytes() == b"half of it"


def test_a_recipe_may_train_on_copies_with_faults_too(recipe: Path, tmp_path: Path) -> None:
    plain, faulty = tmp_path / "plain", tmp_path / "faulty"
    first = train_source(recipe, plain, report=ignore_progress, cancel=CancelToken())
    recipe.write_text(f"{TEXT.format(steps=3)}faults: 3\n")
    second = train_source(recipe, faulty, report=ignore_progress, cancel=CancelToken())

    assert first is not None
    assert second is not None
    assert first.card.weights_sha256 != second.card.weights_sha256
    recipe.write_text(f"{TEXT.format(steps=3)}faults: -1\n")
    with pytest.raises(InputError, match="faults"):
        read_recipe(recipe)


def test_measuring_anew_changes_the_card_only_and_finds_the_same(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    source = train_source(recipe, folder, report=ignore_progress, cancel=CancelToken())
    assert source is not None
    files = {path: path.read_bytes() for path in folder.iterdir()}
    stale = source.card.model_copy(
        update={"decode": {"min_size": 9.0}, "validation": {"vi": 99.0}, "foreground": None}
    )
    write_document(folder / "card.json", stale)

    again = rescore_source(recipe, folder, report=ignore_progress, cancel=CancelToken())

    assert again.card == source.card
    assert {path: path.read_bytes() for path in folder.iterdir()} == files


def test_fingerprints_made_anew_are_those_of_the_training(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    train_source(recipe, folder, report=ignore_progress, cancel=CancelToken())
    files = {path: path.read_bytes() for path in folder.iterdir()}
    assert folder / "general.safetensors" in files
    for name in ("fingerprint.safetensors", "general.safetensors"):
        (folder / name).unlink()

    renew_fingerprints(recipe, folder, report=ignore_progress, cancel=CancelToken())

    assert {path: path.read_bytes() for path in folder.iterdir()} == files


def test_only_the_recipe_of_a_source_measures_it_anew(recipe: Path, tmp_path: Path) -> None:
    train_source(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())
    recipe.write_text(recipe.read_text().replace("id: tiny", "id: other"))

    with pytest.raises(InputError, match=r"not trained by the recipe 'other'"):
        rescore_source(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())
    with pytest.raises(InputError, match=r"not trained by the recipe 'other'"):
        renew_fingerprints(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())
    with pytest.raises(InputError, match="is missing"):
        rescore_source(recipe, tmp_path / "nowhere", report=ignore_progress, cancel=CancelToken())


def test_a_stopped_training_leaves_no_source_and_goes_on_later(recipe: Path, tmp_path: Path) -> None:
    token = CancelToken()
    done: list[float] = []

    def stop(state: Progress) -> None:
        if state.message == "training":
            done.append(state.done)
            token.cancel()

    first = train_source(recipe, tmp_path / "tiny", report=stop, cancel=token)
    second = train_source(recipe, tmp_path / "tiny", report=ignore_progress, cancel=CancelToken())

    assert first is None
    assert done == [1]
    assert second is not None
    assert second.card.training.steps == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("steps: 3", "steps: 0"), "schedule.steps"),
        (("structure: neurites", "structure: bones"), "structure"),
        (("images: [{image: image.tif, labels: labels.tif}]", ""), "images or generated"),
        (("id: tiny", "id: [tiny"), "not YAML"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused(recipe: Path, change: tuple[str, str], words: str) -> None:
    recipe.write_text(recipe.read_text().replace(*change))

    with pytest.raises(InputError, match=words):
        read_recipe(recipe)


def test_every_recipe_of_the_repository_is_valid_and_its_source_carries_its_terms() -> None:
    recipes = sorted((ROOT / "recipes").glob("*.yaml"))
    assert len(recipes) >= 15
    for path in recipes:
        recipe = read_recipe(path)
        assert path.stem in {recipe.id, "ancestor"}
        folder = "benchmarks/sources" if recipe.research_only else "src/napari_graft/data/sources"
        card = ROOT / folder / recipe.id / "card.json"
        assert card.is_file(), f"{recipe.id} is not trained"
        text = json.loads(card.read_text())
        assert text["license"] == recipe.license
        assert text["citation"] == recipe.citation
        assert text["training"]["steps"] == recipe.schedule.steps
        assert (card.parent / "weights.safetensors").stat().st_size < 6_000_000


def test_a_source_knows_all_sets_of_the_collection_that_it_was_trained_on() -> None:
    recipes = [read_recipe(path) for path in (ROOT / "recipes").glob("*.yaml")]
    collections = [
        {
            "dsb2018_bright_grey",
            "dsb2018_fluo_520",
            "dsb2018_fluo_large",
            "dsb2018_fluo_small",
            "dsb2018_fly_embryo",
            "dsb2018_he",
        },
        {"fly_medulla_fibsem", "fly_flyem_fibsem_small"},
    ]
    for collection in collections:
        concerned = [recipe for recipe in recipes if collection & set(recipe.datasets)]
        assert concerned
        for recipe in concerned:
            assert collection <= {*recipe.datasets, *recipe.related_datasets}, recipe.id


_FROM_FRESH_WEIGHTS = {"nuclei-fluorescence-all"}


def test_sources_in_the_wheel_weigh_less_than_80_megabytes_and_none_is_for_research_only() -> None:
    folder = ROOT / "src" / "napari_graft" / "data" / "sources"

    cards = [json.loads(path.read_text()) for path in folder.glob("*/card.json")]

    assert (
        sum(path.stat().st_size for path in folder.rglob("*.safetensors") if path.stem != "checkpoint")
        < 80_000_000
    )
    assert {"neurites", "axons", "cells", "nuclei", "organelles"} <= {card["structure"] for card in cards}
    assert not any(card["research_only"] for card in cards)
    # Each ancestor is 2-D; one normalises over groups: networks of another kind cannot start from it.
    by_norm = {"group": "ancestor-generated", "channel": "ancestor-local-contrast"}
    for card in cards:
        ancestor = by_norm[card["spec"]["norm"]] if card["spec"]["ndim"] == 2 else None
        assert card["ancestor"] == ancestor or card["id"] in _FROM_FRESH_WEIGHTS or card["structure"] == "any"
