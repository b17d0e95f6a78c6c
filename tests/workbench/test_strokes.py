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

from desk import SIDE, SOURCE, Desk, make_small_project

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.labels import FIRST_OBJECT, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_project
from napari_graft.workbench.guesses import Guess, GuessCache
from napari_graft.workbench.painting import new_painting

FIRST, SECOND = (Tile(start, (SIDE, SIDE)) for start in ((0, 0), (64, 64)))
STROKE = (slice(8, 20), slice(8, 20))
N_PIXELS = 144
MakeDesk = Callable[..., Desk]


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
def make_desk() -> Iterator[MakeDesk]:
    desks: list[Desk] = []

    def make(folder: Path, source: str | None = SOURCE) -> Desk:
        desks.append(Desk(folder, source))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(folder: Path, make_desk: MakeDesk) -> Desk:
    return make_desk(folder)


def accepted(desk: Desk, tile: Tile = FIRST) -> LabelledTile:
    desk.model.accept()
    desk.wait(lambda: desk.model.state.queue.find(tile).state == "done")
    return desk.context.require_project().annotations.read(tile)


def assert_only_the_stroke(stored: LabelledTile, label: int = 40) -> None:
    assert not stored.complete
    assert np.count_nonzero(stored.labels) == N_PIXELS
    assert (stored.labels[STROKE] == label).all()


def test_a_whole_tile_begins_with_the_guess_and_accepting_it_says_that_all_is_right(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(40)
    stored = accepted(desk)
    assert stored.complete
    assert len(np.unique(stored.labels)) > 16


def test_strokes_after_a_correction_of_the_guess_keep_the_correction_alone(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.model.set_sparse(True)
    assert desk.labels is not None
    assert np.count_nonzero(desk.labels) == N_PIXELS
    assert_only_the_stroke(accepted(desk))


def test_strokes_chosen_before_painting_begin_empty(desk: Desk) -> None:
    desk.open(FIRST)
    desk.model.set_sparse(True)
    desk.paint(40)
    assert_only_the_stroke(accepted(desk))


def test_strokes_chosen_while_the_tile_is_read_begin_empty(desk: Desk) -> None:
    desk.model.go_to(FIRST)
    desk.model.set_sparse(True)
    desk.settle()
    assert desk.model.state.is_sparse
    desk.paint(40)
    assert_only_the_stroke(accepted(desk))


def test_there_and_back_again_nothing_is_lost(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.paint(0, (slice(40, 44), slice(40, 44)))
    assert desk.labels is not None
    before = desk.labels.copy()
    desk.model.set_sparse(True)
    desk.model.set_sparse(False)
    np.testing.assert_array_equal(desk.labels, before)
    desk.model.set_sparse(True)
    assert_only_the_stroke(accepted(desk))


def test_erased_and_undone_strokes_are_no_annotation(desk: Desk) -> None:
    desk.open(FIRST)
    before = desk.model.state.painting.labels[STROKE].copy()
    desk.paint(40)
    assert desk.labels is not None
    desk.labels[STROKE] = before  # undone
    desk.note()
    desk.model.set_sparse(True)
    assert not desk.labels.any()
    desk.model.accept()
    assert "nothing is painted" in desk.refused[-1]
    assert desk.model.state.queue.find(FIRST).state == "to do"

    desk.paint(40)
    desk.paint(0)  # erased
    desk.model.accept()
    assert desk.model.state.queue.find(FIRST).state == "to do"
    desk.model.set_sparse(False)
    assert (desk.labels == to_annotation(segments())).all()


@pytest.mark.parametrize("is_sparse_before", [False, True])
def test_a_draft_that_comes_back_still_knows_what_was_painted(
    desk: Desk, folder: Path, make_desk: MakeDesk, is_sparse_before: bool
) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.model.set_sparse(is_sparse_before)
    desk.settle()
    desk.close()
    for path in (folder / "cache").rglob("*.safetensors"):  # the guess itself is not needed for that
        path.unlink()

    again = make_desk(folder, None)
    again.open(FIRST)
    assert again.model.state.is_sparse is is_sparse_before
    again.model.set_sparse(True)
    assert_only_the_stroke(accepted(again))


def test_a_draft_whose_mode_was_not_written_any_more_lets_no_guess_pass(
    desk: Desk, folder: Path, make_desk: MakeDesk
) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.settle()
    desk.close()
    with open_project(folder, write=True) as project:  # the list was written, then the window was killed
        project.store_queue(project.queue().with_tile(FIRST, sparse=True))

    again = make_desk(folder)
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
    folder: Path, make_desk: MakeDesk, is_sparse: bool
) -> None:
    labels = to_annotation(segments())
    labels[STROKE] = 40
    old_draft(folder, is_sparse=is_sparse, labels=labels)

    desk = make_desk(folder)
    desk.open(FIRST)
    assert not desk.model.state.is_sparse
    np.testing.assert_array_equal(desk.labels, labels)
    desk.model.set_sparse(True)
    assert_only_the_stroke(accepted(desk))


def test_an_old_draft_of_a_guess_that_is_not_known_any_more_counts_as_no_strokes(
    folder: Path, make_desk: MakeDesk
) -> None:
    labels = to_annotation(segments())
    labels[STROKE] = 40
    old_draft(folder, is_sparse=False, labels=labels, model="gone")
    desk = make_desk(folder, None)
    desk.open(FIRST)
    desk.model.set_sparse(True)
    desk.model.accept()
    assert "nothing is painted" in desk.refused[-1]
    desk.model.set_sparse(False)
    np.testing.assert_array_equal(desk.labels, labels)


def test_an_old_draft_of_strokes_keeps_them(folder: Path, make_desk: MakeDesk) -> None:
    labels = np.zeros((SIDE, SIDE), np.uint32)
    labels[STROKE] = 40
    old_draft(folder, is_sparse=True, labels=labels)
    desk = make_desk(folder)
    desk.open(FIRST)
    assert_only_the_stroke(accepted(desk))


def test_what_was_accepted_as_a_whole_tile_stays_painted_as_strokes(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(40)
    whole = accepted(desk).labels
    desk.settle()
    desk.open(FIRST)
    desk.model.set_sparse(True)
    assert (desk.labels == whole).all()


def test_the_mode_of_a_tile_that_is_being_saved_does_not_change(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.model.accept()
    desk.model.set_sparse(True)
    assert "being saved" in desk.refused[-1]
    assert not desk.model.state.is_sparse
    desk.settle()
    assert desk.context.require_project().annotations.read(FIRST).complete


def test_a_guess_that_comes_while_strokes_are_painted_takes_other_numbers(
    folder: Path, make_desk: MakeDesk
) -> None:
    desk = make_desk(folder, None)
    desk.model.set_sparse(True)
    desk.open(FIRST)
    desk.paint(2)  # a number that the guess will have as well
    painting = desk.model.state.painting
    arrived = replace(painting, guess=Guess(segments(), np.zeros((SIDE, SIDE), np.float32)))
    whole = arrived.in_mode(desk.labels, is_sparse=False)
    assert np.count_nonzero(whole.labels == 2) == N_PIXELS
    assert len(np.unique(whole.labels)) == 18


def other_segments() -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint32)
    found[20:40, 20:40] = 1
    return found


def test_another_source_brings_its_guess_to_the_open_tile(desk: Desk, folder: Path) -> None:
    keep_guess(folder, "other", other_segments())
    desk.open(FIRST)
    desk.model.chosen_source = lambda: "other"
    desk.model.look_anew()
    desk.settle()
    assert (desk.labels == to_annotation(other_segments())).all()
    assert (desk.model.state.painting.guess.segments == other_segments()).all()
    assert desk.model.state.painting.model == "other"

    desk.paint(40)
    desk.model.chosen_source = lambda: SOURCE
    desk.model.look_anew()
    desk.settle()
    assert (desk.model.state.painting.guess.segments == segments()).all()
    assert (desk.labels[20:40, 20:40] == 2).all()  # what is painted on stays as it is
    desk.model.set_sparse(True)
    assert_only_the_stroke(accepted(desk))


def test_without_a_guess_of_the_new_source_the_old_one_is_gone(desk: Desk) -> None:
    desk.open(FIRST)
    desk.model.chosen_source = lambda: None
    desk.model.look_anew()
    desk.settle()
    assert desk.model.state.painting.guess is None
    assert not desk.labels.any()


def test_a_guess_made_with_dark_and_bright_the_other_way_round_is_not_shown(desk: Desk) -> None:
    desk.open(FIRST)
    project = desk.context.require_project()
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
