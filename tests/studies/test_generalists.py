from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.recipes.recipe import read_recipe
from napari_graft.samples.em import generate_neuropil
from napari_graft.scorers.order import family
from napari_graft.sources.source import Source, open_source, trained_on
from napari_graft.studies.generalists import POOLS, Generalists, is_generalist, leave_out
from napari_graft.studies.targets import RANKING_TARGETS, LabelledSet, collection_of

RECIPES = Path(__file__).parents[2] / "recipes"
SEEN = LabelledSet("first", "image.tif", "labels.tif", "neurites")
UNSEEN = LabelledSet("third", "image.tif", "labels.tif", "neurites")
POOL = """
id: neurites-em
title: Two made-up sets
structure: neurites
license: CC0-1.0
spec: {widths: [8, 16], pixel_size: [4, 4]}
folder: nowhere
images:
  - {image: first/image.tif, labels: first/labels.tif}
  - {image: second/image.tif, labels: second/labels.tif}
datasets: [first, second]
schedule: {steps: 3, patch: 64, batch_size: 1}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, name in enumerate(("first", "second")):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        sample = generate_neuropil((10, 96, 96), np.random.default_rng(seed))
        tifffile.imwrite(folder / "image.tif", sample.image)
        tifffile.imwrite(folder / "labels.tif", sample.segments)
    (tmp_path / "neurites-em.yaml").write_text(POOL)
    return tmp_path / "data"


@pytest.fixture
def generalists(tmp_path: Path, data: Path) -> Generalists:
    return Generalists(tmp_path / "out", tmp_path, data, report=ignore_progress, cancel=CancelToken())


def never(source: Source) -> bool:
    return False


def test_it_is_trained_on_the_pool_without_the_target_and_only_once(
    generalists: Generalists, tmp_path: Path, data: Path
) -> None:
    found = generalists.for_target(SEEN, never)

    assert found is not None and is_generalist(found)
    assert found.card.training.datasets == ("second",)
    assert not trained_on(found, data / "first" / "image.tif")
    assert trained_on(found, data / "second" / "image.tif")
    assert str(tmp_path) not in (tmp_path / "out" / f"{found.id}.yaml").read_text()
    weights = (found.path / "weights.safetensors").stat().st_mtime_ns
    again = generalists.for_target(SEEN, never)
    assert again is not None and again.card == found.card
    assert (found.path / "weights.safetensors").stat().st_mtime_ns == weights


@pytest.mark.parametrize("is_measured", [True, False])
def test_without_its_weights_it_is_trained_anew_only_where_something_is_unknown(
    generalists: Generalists, *, is_measured: bool
) -> None:
    found = generalists.for_target(SEEN, never)
    assert found is not None
    (found.path / "weights.safetensors").unlink()
    again = generalists.for_target(SEEN, lambda source: is_measured)
    assert again is not None and again.id == found.id
    assert (found.path / "weights.safetensors").exists() != is_measured


def test_where_the_one_that_ships_has_not_seen_the_target_no_other_is_needed(
    generalists: Generalists, tmp_path: Path
) -> None:
    assert generalists.for_target(UNSEEN, never) is None
    (tmp_path / "neurites-em.yaml").unlink()
    assert generalists.for_target(SEEN, never) is None


def test_a_training_that_was_stopped_leaves_no_source(tmp_path: Path, data: Path) -> None:
    cancel = CancelToken()

    def stop(state: Progress) -> None:
        cancel.cancel()

    stopped = Generalists(tmp_path / "out", tmp_path, data, report=stop, cancel=cancel)
    with pytest.raises(Cancelled):
        stopped.for_target(SEEN, never)
    assert not list((tmp_path / "out").glob("*/card.json"))


@pytest.mark.parametrize("target", RANKING_TARGETS, ids=lambda target: target.key)
def test_the_recipes_leave_a_pool_of_at_least_two_sets_without_any_relative_of_the_target(
    target: LabelledSet,
) -> None:
    collection, sets = collection_of(target.name)
    pool = POOLS[family(target.structure)]
    recipe = leave_out([read_recipe(RECIPES / f"{name}.yaml") for name in pool], collection, sets)
    assert len(recipe.datasets) >= 2
    assert not set(sets).intersection(recipe.datasets)
    assert {Path(entry.image).parts[0] for entry in recipe.images} == set(recipe.datasets)


def test_those_that_ship_are_generalists_and_others_are_not() -> None:
    shipped = RECIPES.parent / "src" / "napari_graft" / "data" / "sources"
    assert is_generalist(open_source(shipped / "nuclei-fluorescence-all", "file"))
    assert not is_generalist(open_source(shipped / "nuclei-fluorescence", "file"))
