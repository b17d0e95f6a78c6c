from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.project.tile_queue import (
    QueuedTile,
    StoredSuggestion,
    SuggestionList,
    TileQueue,
    merged_queue,
)

STATES = ("to do", "done", "unsure", "skipped", "bad image")


def tile_at(column: int) -> Tile:
    """Give a tile that overlaps those up to three columns away."""
    return Tile((0, column), (4, 4))


def queued(column: int, state: str = "to do", **fields: object) -> QueuedTile:
    return QueuedTile.model_validate({"start": (0, column), "shape": (4, 4), "state": state} | fields)


def queue_of(*tiles: QueuedTile) -> TileQueue:
    return TileQueue(tiles=tiles)


def suggested(*columns: int) -> SuggestionList:
    tiles = (
        StoredSuggestion(start=(0, c), shape=(4, 4), score=float(c), reason=f"column {c}") for c in columns
    )
    return SuggestionList(suggestions=tuple(tiles), strategy="freesel", model="fly")


def states_of(queue: TileQueue) -> list[tuple[int, str]]:
    return [(tile.start[1], tile.state) for tile in queue.tiles]


def test_a_queue_is_kept_and_a_project_without_one_has_an_empty_one(folder: Path) -> None:
    queue = queue_of(
        queued(0, "unsure", score=float("inf"), seconds=9.5, model="0001"), queued(8, sparse=True)
    )
    with open_project(folder, write=True) as project:
        assert project.queue() == TileQueue()
        project.store_queue(queue)

    assert open_project(folder).queue() == queue
    with pytest.raises(InputError, match="for reading"):
        open_project(folder).store_queue(queue)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ('{"tiles": [{"start": [0], "shape": [1, 1]}]}', "differ in length"),
        ('{"tiles": [{"start": [900, 0], "shape": [8, 8]}]}', "not inside the image"),
    ],
)
def test_a_damaged_queue_is_told_and_counts_as_empty(folder: Path, text: str, message: str) -> None:
    (folder / "queue.json").write_text(text)
    project = open_project(folder)

    assert project.queue() == TileQueue()
    assert message in project.notes[0]
    assert "queue.json" in project.notes[0]
    assert (folder / "queue.json").read_text() == text


def test_a_queue_of_a_newer_version_is_refused_and_stays(folder: Path) -> None:
    (folder / "queue.json").write_text('{"format_version": 2}')

    with open_project(folder, write=True) as project, pytest.raises(InputError, match="newer"):
        project.queue()
    assert (folder / "queue.json").read_text() == '{"format_version": 2}'


def test_a_tile_is_changed_added_and_removed_without_touching_the_queue_before() -> None:
    before = queue_of(queued(0, reason="edges"), queued(8))

    changed = before.with_tile(tile_at(0), state="skipped", seconds=3.0)
    added = changed.with_tile(tile_at(20), state="unsure")

    assert states_of(before) == [(0, "to do"), (8, "to do")]
    assert changed.find(tile_at(0)) == queued(0, "skipped", reason="edges", seconds=3.0)
    assert states_of(added) == [(0, "skipped"), (8, "to do"), (20, "unsure")]
    assert states_of(added.without(tile_at(8))) == [(0, "skipped"), (20, "unsure")]
    assert before.find(tile_at(9)) is None
    for wrong in ({"state": "lost"}, {"colour": "red"}, {"seconds": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            before.with_tile(tile_at(0), **wrong)


def test_the_next_tile_to_do_is_found_behind_the_current_one_and_round_the_end() -> None:
    queue = queue_of(queued(0), queued(10, "done"), queued(20), queued(30, "skipped"))

    def after(tile: Tile | None) -> int | None:
        found = queue.next_to_do(tile)
        return found and found.start[1]

    assert after(None) == after(tile_at(99)) == 0
    assert after(tile_at(0)) == after(tile_at(10)) == 20
    assert after(tile_at(20)) == after(tile_at(30)) == 0
    assert queue_of(queued(0, "done")).next_to_do(tile_at(0)) is None
    assert (queue.n_done, queue.n_to_do) == (1, 2)


def test_skipped_and_bad_tiles_are_avoided() -> None:
    queue = queue_of(*(queued(10 * i, state) for i, state in enumerate(STATES)))

    assert queue.avoided == (tile_at(30), tile_at(40))


def test_tiles_of_the_command_line_appear() -> None:
    queue = merged_queue(queue_of(queued(0)), suggested(10, 20), [tile_at(30)])

    assert states_of(queue) == [(0, "to do"), (30, "done"), (10, "to do"), (20, "to do")]
    new = queue.find(tile_at(10))
    assert new is not None
    assert (new.score, new.reason, new.model) == (10.0, "column 10", "fly")


@pytest.mark.parametrize(
    ("before", "if_annotated", "if_not"),
    [
        ("to do", "done", "to do"),
        ("done", "done", "to do"),
        ("unsure", "unsure", "unsure"),
        ("skipped", "done", "skipped"),
        ("bad image", "done", "bad image"),
    ],
)
def test_what_is_annotated_is_done_unless_the_user_is_unsure(
    before: str, if_annotated: str, if_not: str
) -> None:
    queue = queue_of(queued(0, before))

    assert states_of(merged_queue(queue, SuggestionList(), [tile_at(0)])) == [(0, if_annotated)]
    assert states_of(merged_queue(queue, SuggestionList(), [])) == [(0, if_not)]


@pytest.mark.parametrize("known", [queued(0, "skipped"), queued(0, "bad image"), queued(0, "unsure")])
def test_a_suggestion_that_overlaps_what_was_judged_is_dropped(known: QueuedTile) -> None:
    assert merged_queue(queue_of(known), suggested(0, 2, 4), []).tiles[0] == known
    assert states_of(merged_queue(queue_of(known), suggested(2, 4), []))[1:] == [(4, "to do")]


def test_a_suggestion_that_overlaps_an_annotated_tile_is_dropped() -> None:
    assert states_of(merged_queue(TileQueue(), suggested(1, 4), [tile_at(0)])) == [(0, "done"), (4, "to do")]


def test_a_new_suggestion_takes_the_place_of_a_tile_that_nobody_touched_but_not_of_one_begun() -> None:
    queue = queue_of(queued(0), queued(10, seconds=5.0), queued(20, reason="old"))

    merged = merged_queue(queue, suggested(1, 11, 20), [])

    assert states_of(merged) == [(10, "to do"), (20, "to do"), (1, "to do")]
    refreshed = merged.find(tile_at(20))
    assert refreshed is not None
    assert refreshed.reason == "column 20"


def test_a_tile_to_do_that_can_no_longer_be_accepted_is_dropped() -> None:
    queue = queue_of(queued(1), queued(2, "unsure"), queued(3, "skipped"), queued(10))

    assert states_of(merged_queue(queue, SuggestionList(), [tile_at(0)])) == [
        (3, "skipped"),
        (10, "to do"),
        (0, "done"),
    ]


columns = st.lists(st.integers(0, 30), unique=True, max_size=6)


@settings(max_examples=200)
@given(
    known=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(STATES), st.sampled_from([0.0, 4.0])),
        unique_by=lambda entry: entry[0],
        max_size=8,
    ),
    wanted=columns,
    annotated=columns,
)
def test_merging_twice_changes_nothing_more_and_nothing_to_do_meets_what_is_annotated(
    known: list[tuple[int, str, float]], wanted: list[int], annotated: list[int]
) -> None:
    queue = queue_of(*(queued(column, state, seconds=seconds) for column, state, seconds in known))
    tiles = [tile_at(column) for column in annotated]

    once = merged_queue(queue, suggested(*wanted), tiles)

    assert merged_queue(once, suggested(*wanted), tiles) == once
    assert len({tile.tile for tile in once.tiles}) == len(once.tiles)
    assert {tile.tile for tile in once.tiles if tile.state == "done"} <= set(tiles)
    for tile in tiles:
        found = once.find(tile)
        assert found is not None
        assert found.state in ("done", "unsure")
    for tile in once.tiles:
        if tile.state == "to do":
            assert not any(tile.tile.overlaps(other) for other in tiles)
