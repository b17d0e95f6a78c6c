"""While strokes are painted only what a person painted becomes an annotation: never the guess of a model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, SOURCE, AnnotateDriver, make_small_project

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.labels import FIRST_OBJECT, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_project
from napari_graft.workbench.annotate.tile_painting import Guess, GuessCache, new_painting

FIRST, SECOND = (Tile(start, (SIDE, SIDE)) for start in ((0, 0), (64, 64)))
STROKE = (slice(8, 20), slice(8, 20))
N_PIXELS = 144
MakeDriver = Callable[..., AnnotateDriver]


def segments() -> np.ndarray:
    """Return 16 objects on a tile."""
    grid = np.arange(1, 17, dtype=np.uint32).reshape(4, 4).repeat(16, 0).repeat(16, 1)
    grid[::16] = grid[:, ::16] = 0
    return grid


def keep_guess(folder: Path, model: str = SOURCE, found: np.ndarray | None = None) -> None:
    """Let a model have looked at the first two tiles."""
    found = segments() if found is None else found
    with open_project(folder) as project:
        cache = GuessCache.of(project)
    batch = cache.batch_path(model)
    batch.parent.mkdir(parents=True, exist_ok=True)
    parts = {f"segments/0/{i}": found for i in range(2)}
    unsure = {f"uncertainty/0/{i}": np.zeros(found.shape, np.float32) for i in range(2)}
    save_tensors(batch, parts | unsure, {})
    cache.take(batch, model, (FIRST, SECOND))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_small_project(tmp_path)
    keep_guess(folder)
    return folder


@pytest.fixture
def make_driver() -> Iterator[MakeDriver]:
    drivers: list[AnnotateDriver] = []

    def make(folder: Path, source: str | None = SOURCE) -> AnnotateDriver:
        drivers.append(AnnotateDriver(folder, source))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def driver(folder: Path, make_driver: MakeDriver) -> AnnotateDriver:
    return make_driver(folder)


def accepted(driver: AnnotateDriver, tile: Tile = FIRST) -> LabelledTile:
    driver.model.accept()
    driver.wait(lambda: driver.model.state.queue.find(tile).state == "done")
    return driver.context.require_project().annotations.read(tile)


def assert_only_the_stroke(stored: LabelledTile, label: int = 40) -> None:
    assert not stored.complete
    assert np.count_nonzero(stored.labels) == N_PIXELS
    assert (stored.labels[STROKE] == label).all()


def test_a_whole_tile_begins_with_the_guess_and_accepting_it_says_that_all_is_right(
    driver: AnnotateDriver,
) -> None:
    driver.open(FIRST)
    driver.paint(40)
    stored = accepted(driver)
    assert stored.complete
    assert len(np.unique(stored.labels)) > 16


def test_strokes_after_a_correction_of_the_guess_keep_the_correction_alone(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.model.set_sparse(True)
    assert driver.labels is not None
    assert np.count_nonzero(driver.labels) == N_PIXELS
    assert_only_the_stroke(accepted(driver))


def test_strokes_chosen_before_painting_begin_empty(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.model.set_sparse(True)
    driver.paint(40)
    assert_only_the_stroke(accepted(driver))


def test_strokes_chosen_while_the_tile_is_read_begin_empty(driver: AnnotateDriver) -> None:
    driver.model.go_to(FIRST)
    driver.model.set_sparse(True)
    driver.settle()
    assert driver.model.state.is_sparse
    driver.paint(40)
    assert_only_the_stroke(accepted(driver))


def test_there_and_back_again_nothing_is_lost(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.paint(0, (slice(40, 44), slice(40, 44)))
    assert driver.labels is not None
    before = driver.labels.copy()
    driver.model.set_sparse(True)
    driver.model.set_sparse(False)
    np.testing.assert_array_equal(driver.labels, before)
    driver.model.set_sparse(True)
    assert_only_the_stroke(accepted(driver))


def test_erased_and_undone_strokes_are_no_annotation(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    before = driver.model.state.painting.labels[STROKE].copy()
    driver.paint(40)
    assert driver.labels is not None
    driver.labels[STROKE] = before  # undone
    driver.note()
    driver.model.set_sparse(True)
    assert not driver.labels.any()
    driver.model.accept()
    assert "nothing is painted" in driver.refused[-1]
    assert driver.model.state.queue.find(FIRST).state == "to do"

    driver.paint(40)
    driver.paint(0)  # erased
    driver.model.accept()
    assert driver.model.state.queue.find(FIRST).state == "to do"
    driver.model.set_sparse(False)
    assert (driver.labels == to_annotation(segments())).all()


@pytest.mark.parametrize("is_sparse_before", [False, True])
def test_a_draft_that_comes_back_still_knows_what_was_painted(
    driver: AnnotateDriver, folder: Path, make_driver: MakeDriver, is_sparse_before: bool
) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.model.set_sparse(is_sparse_before)
    driver.settle()
    driver.close()
    for path in (folder / "cache").rglob("*.safetensors"):  # the guess itself is not needed for that
        path.unlink()

    again = make_driver(folder, None)
    again.open(FIRST)
    assert again.model.state.is_sparse is is_sparse_before
    again.model.set_sparse(True)
    assert_only_the_stroke(accepted(again))


def test_a_draft_whose_mode_was_not_written_any_more_lets_no_guess_pass(
    driver: AnnotateDriver, folder: Path, make_driver: MakeDriver
) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.settle()
    driver.close()
    with open_project(folder, write=True) as project:  # the list was written, then the window was killed
        project.store_queue(project.queue().with_tile(FIRST, sparse=True))

    again = make_driver(folder)
    again.open(FIRST)
    assert again.model.state.is_sparse
    assert_only_the_stroke(accepted(again))


def old_draft(folder: Path, *, is_sparse: bool, labels: np.ndarray, model: str | None = SOURCE) -> None:
    """Write a draft as the versions before did, which did not note what a tile began with."""
    with open_project(folder, write=True) as project:
        project.draft(FIRST).append(labels)
        queue = project.queue().with_tile(FIRST, sparse=is_sparse, model=model, seconds=5.0)
        project.store_queue(queue)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_an_old_draft_of_a_guess_opens_as_a_whole_tile_and_strokes_keep_what_differs(
    folder: Path, make_driver: MakeDriver, is_sparse: bool
) -> None:
    labels = to_annotation(segments())
    labels[STROKE] = 40
    old_draft(folder, is_sparse=is_sparse, labels=labels)

    driver = make_driver(folder)
    driver.open(FIRST)
    assert not driver.model.state.is_sparse
    np.testing.assert_array_equal(driver.labels, labels)
    driver.model.set_sparse(True)
    assert_only_the_stroke(accepted(driver))


def test_an_old_draft_of_a_guess_that_is_not_known_any_more_counts_as_no_strokes(
    folder: Path, make_driver: MakeDriver
) -> None:
    labels = to_annotation(segments())
    labels[STROKE] = 40
    old_draft(folder, is_sparse=False, labels=labels, model="gone")
    driver = make_driver(folder, None)
    driver.open(FIRST)
    driver.model.set_sparse(True)
    driver.model.accept()
    assert "nothing is painted" in driver.refused[-1]
    driver.model.set_sparse(False)
    np.testing.assert_array_equal(driver.labels, labels)


def test_an_old_draft_of_strokes_keeps_them(folder: Path, make_driver: MakeDriver) -> None:
    labels = np.zeros((SIDE, SIDE), np.uint32)
    labels[STROKE] = 40
    old_draft(folder, is_sparse=True, labels=labels)
    driver = make_driver(folder)
    driver.open(FIRST)
    assert_only_the_stroke(accepted(driver))


def test_what_was_accepted_as_a_whole_tile_stays_painted_as_strokes(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(40)
    whole = accepted(driver).labels
    driver.settle()
    driver.open(FIRST)
    driver.model.set_sparse(True)
    assert (driver.labels == whole).all()


def test_the_mode_of_a_tile_that_is_being_saved_does_not_change(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.model.accept()
    driver.model.set_sparse(True)
    assert "being saved" in driver.refused[-1]
    assert not driver.model.state.is_sparse
    driver.settle()
    assert driver.context.require_project().annotations.read(FIRST).complete


def test_a_guess_that_comes_while_strokes_are_painted_takes_other_numbers(
    folder: Path, make_driver: MakeDriver
) -> None:
    driver = make_driver(folder, None)
    driver.model.set_sparse(True)
    driver.open(FIRST)
    driver.paint(2)  # a number that the guess will have as well
    painting = driver.model.state.painting
    arrived = replace(painting, guess=Guess(segments(), np.zeros((SIDE, SIDE), np.float32)))
    whole = arrived.in_mode(driver.labels, is_sparse=False)
    assert np.count_nonzero(whole.labels == 2) == N_PIXELS
    assert len(np.unique(whole.labels)) == 18


def other_segments() -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint32)
    found[20:40, 20:40] = 1
    return found


def test_another_source_brings_its_guess_to_the_open_tile(driver: AnnotateDriver, folder: Path) -> None:
    keep_guess(folder, "other", other_segments())
    driver.open(FIRST)
    driver.model.chosen_source = lambda: "other"
    driver.model.look_anew()
    driver.settle()
    assert (driver.labels == to_annotation(other_segments())).all()
    assert (driver.model.state.painting.guess.segments == other_segments()).all()
    assert driver.model.state.painting.model == "other"

    driver.paint(40)
    driver.model.chosen_source = lambda: SOURCE
    driver.model.look_anew()
    driver.settle()
    assert (driver.model.state.painting.guess.segments == segments()).all()
    assert (driver.labels[20:40, 20:40] == 2).all()  # what is painted on stays as it is
    driver.model.set_sparse(True)
    assert_only_the_stroke(accepted(driver))


def test_without_a_guess_of_the_new_source_the_old_one_is_gone(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.model.chosen_source = lambda: None
    driver.model.look_anew()
    driver.settle()
    assert driver.model.state.painting.guess is None
    assert not driver.labels.any()


def test_a_guess_made_with_dark_and_bright_the_other_way_round_is_not_shown(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    project = driver.context.require_project()
    project.update_manifest(inverted=not project.manifest.inverted)
    assert GuessCache.of(project).find(SOURCE, FIRST) is None
    project.update_manifest(inverted=not project.manifest.inverted)
    assert GuessCache.of(project).find(SOURCE, FIRST) is not None


@given(st.data())
def test_strokes_are_what_was_painted_last_whatever_happens(data: st.DataObject) -> None:
    found = data.draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
    guess = Guess(np.array(found, np.uint32), np.zeros(6, np.float32)) if data.draw(st.booleans()) else None
    painting = new_painting(Tile((0,), (6,)), guess, "model", is_sparse=data.draw(st.booleans()))
    labels, mine = painting.labels.copy(), np.zeros(6, np.uint32)
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            painting = painting.in_mode(labels, is_sparse=data.draw(st.booleans()))
            labels = painting.labels.copy()
        else:
            place = data.draw(st.integers(0, 5))
            label = data.draw(st.sampled_from([0, FIRST_OBJECT + 9, FIRST_OBJECT + 10]))
            labels[place] = mine[place] = label
    strokes = painting.in_mode(labels, is_sparse=True).labels
    np.testing.assert_array_equal(strokes, mine)
    whole = painting.in_mode(labels, is_sparse=False).labels
    np.testing.assert_array_equal(whole[mine > 0], mine[mine > 0])
