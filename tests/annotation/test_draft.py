from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.annotation.draft import DraftJournal, draft_name, drafts_in
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile

TILE = Tile((8, 4), (5, 7))
LARGE = Tile((0, 0), (256, 256))


def make_state(value: int, tile: Tile = TILE) -> np.ndarray:
    return np.full(tile.shape, value, np.uint32)


def make_states(tile: Tile, strokes: list[tuple[int, int, int]]) -> list[np.ndarray]:
    """Paint strokes (first pixel, number of pixels, label) one after another, each from the state before."""
    state = np.zeros(tile.shape, np.uint32)
    states = []
    for first, n, label in strokes:
        state = state.copy()
        state.ravel()[first : first + n] = label
        states.append(state)
    return states


strokes = st.lists(st.tuples(st.integers(0, 34), st.integers(0, 35), st.integers(0, 2**32 - 1)), max_size=6)


@settings(max_examples=60)
@given(strokes=strokes, data=st.data())
def test_a_draft_cut_at_any_byte_gives_the_last_state_whose_record_is_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, strokes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("draft") / "a.draft"
    draft = DraftJournal(path, TILE)
    ends = [(0, None)]
    for state in make_states(TILE, strokes):
        draft.append(state)
        ends.append((path.stat().st_size, state))
    whole = path.read_bytes() if strokes else b""
    n_kept = data.draw(st.integers(0, len(whole)), label="bytes kept")
    tail = data.draw(st.sampled_from([b"", b"\0" * 40]), label="tail")  # a power cut can leave zeros
    path.write_bytes(whole[:n_kept] + tail)

    expected = [state for end, state in ends if end <= n_kept][-1]
    # Bytes of a record may be zeros themselves: then the zeros behind the cut complete it.
    completed = [state for end, state in ends if (whole[:n_kept] + tail)[:end] == whole[:end]][-1]
    found = DraftJournal(path, TILE).restore()

    wanted = completed if tail else expected
    assert (found is None) == (wanted is None)
    if wanted is not None:
        np.testing.assert_array_equal(found, wanted)
    reopened = DraftJournal(path, TILE)
    reopened.append(make_state(77))
    np.testing.assert_array_equal(DraftJournal(path, TILE).restore(), make_state(77))


def test_every_single_cut_of_a_file_gives_a_state_that_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    draft = DraftJournal(path, TILE)
    states = make_states(TILE, [(0, 30, 2), (3, 4, 9), (10, 1, 5)])
    ends = [draft.append(state) and path.stat().st_size for state in states]
    whole = path.read_bytes()

    for n_kept in range(len(whole) + 1):
        path.write_bytes(whole[:n_kept])
        found = DraftJournal(path, TILE).restore()
        n_whole = sum(end <= n_kept for end in ends)
        assert (found is None) if n_whole == 0 else np.array_equal(found, states[n_whole - 1])


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    draft = DraftJournal(path, TILE)
    draft.append(make_state(1))
    first = path.stat().st_size
    draft.append(make_states(TILE, [(0, 3, 2)])[0] + 1)
    data = bytearray(path.read_bytes())

    for position in range(first, len(data)):
        flipped = data.copy()
        flipped[position] ^= 4
        path.write_bytes(flipped)
        np.testing.assert_array_equal(DraftJournal(path, TILE).restore(), make_state(1))


def test_an_unchanged_state_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    draft = DraftJournal(path, TILE)

    assert draft.append(make_state(3))
    size = path.stat().st_size
    assert not draft.append(make_state(3))
    assert not DraftJournal(path, TILE).append(make_state(3))

    assert path.stat().st_size == size


def test_a_stroke_takes_few_bytes_and_a_whole_change_no_more_than_the_tile(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    noise = np.random.default_rng(0).integers(0, 2**32, (2, 256, 256), np.uint32)
    draft = DraftJournal(path, LARGE)
    draft.append(noise[0])
    first = path.stat().st_size
    stroke = noise[0].copy()
    stroke[100:110, 50:60] = 7

    draft.append(stroke)
    assert path.stat().st_size - first < 200
    draft.append(noise[1])
    assert path.stat().st_size < 2 * first + 400


def test_what_was_appended_is_not_changed_by_painting_on(tmp_path: Path) -> None:
    draft = DraftJournal(tmp_path / "a.draft", TILE)
    labels = make_state(1)
    draft.append(labels)
    labels[0, 0] = 9
    assert draft.append(labels)

    found = draft.restore()
    assert found is not None
    found[:] = 5
    np.testing.assert_array_equal(draft.restore(), labels)


def test_a_stack_is_kept_as_well_whatever_its_layout_in_memory(tmp_path: Path) -> None:
    tile = Tile((0, 0, 0), (3, 4, 5))
    labels = np.arange(60, dtype=np.uint32).reshape(5, 4, 3).T
    draft = DraftJournal(tmp_path / "a.draft", tile)
    draft.append(np.asfortranarray(np.ones(tile.shape, np.uint32)))
    draft.append(labels)

    np.testing.assert_array_equal(DraftJournal(tmp_path / "a.draft", tile).restore(), labels)


def test_a_discarded_draft_is_gone_and_can_begin_anew(tmp_path: Path) -> None:
    draft = DraftJournal(tmp_path / "drafts" / "a.draft", TILE)
    draft.discard()
    draft.append(make_state(1))
    draft.discard()
    assert draft.restore() is None
    assert not list((tmp_path / "drafts").iterdir())

    draft.append(make_state(1))
    np.testing.assert_array_equal(draft.restore(), make_state(1))


def test_a_file_that_was_removed_or_replaced_by_others_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    draft = DraftJournal(path, TILE)
    draft.append(make_state(1))
    DraftJournal(path, TILE).discard()

    draft.append(make_state(2))
    np.testing.assert_array_equal(DraftJournal(path, TILE).restore(), make_state(2))
    DraftJournal(path, TILE).append(make_state(3))
    draft.append(make_states(TILE, [(0, 1, 4)])[0])
    np.testing.assert_array_equal(DraftJournal(path, TILE).restore(), make_states(TILE, [(0, 1, 4)])[0])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"format_version": 1, "start": [8, 5], "shape": [5, 7]}\n', "belongs to the tile at"),
        (b'{"format_version": 2, "start": [8, 4], "shape": [5, 7]}\n', "newer napari-graft"),
        (b'{"format_version": 1, "start": [8, 4], "shape": [5, 0]}\n', "cannot be used"),
        (b"not json\n", "damaged"),
    ],
)
def test_a_file_of_another_tile_or_a_newer_version_is_refused_and_kept(
    tmp_path: Path, header: bytes, message: str
) -> None:
    path = tmp_path / "a.draft"
    path.write_bytes(header)

    with pytest.raises(InputError, match=message):
        DraftJournal(path, TILE).restore()
    with pytest.raises(InputError, match=message):
        DraftJournal(path, TILE).append(make_state(1))
    assert path.read_bytes() == header


@pytest.mark.parametrize("labels", [np.zeros((5, 7), np.int64), np.zeros((7, 5), np.uint32)])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    with pytest.raises(InputError, match="do not fit the tile"):
        DraftJournal(tmp_path / "a.draft", TILE).append(labels)


def test_a_draft_open_for_reading_takes_nothing(tmp_path: Path) -> None:
    DraftJournal(tmp_path / "a.draft", TILE).append(make_state(1))
    reader = DraftJournal(tmp_path / "a.draft", TILE, writable=False)

    for action in (lambda: reader.append(make_state(2)), reader.discard):
        with pytest.raises(InputError, match="open for reading"):
            action()
    np.testing.assert_array_equal(reader.restore(), make_state(1))


def test_a_draft_that_cannot_be_read_or_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.draft").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        DraftJournal(tmp_path / "a.draft", TILE).restore()

    with pytest.raises(StorageError, match="folder does not exist"):
        DraftJournal(tmp_path / "none" / "drafts" / "a.draft", TILE).append(make_state(1))


def test_each_state_is_on_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    path = tmp_path / "drafts" / "a.draft"
    draft = DraftJournal(path, TILE)

    draft.append(make_state(1))
    inode = path.stat().st_ino
    assert {inode, path.parent.stat().st_ino, tmp_path.stat().st_ino} <= set(synced)
    synced.clear()
    draft.append(make_state(2))
    assert synced == [inode]


def test_a_full_disk_keeps_the_earlier_states_and_the_next_append_catches_up(small_disk: Path) -> None:
    path = small_disk / "a.draft"
    noise = np.random.default_rng(0).integers(0, 2**32, LARGE.shape, np.uint32)
    draft = DraftJournal(path, LARGE)
    draft.append(make_state(1, LARGE))
    size = path.stat().st_size

    with pytest.raises(StorageError, match="full"):
        draft.append(noise)
    assert path.stat().st_size == size
    np.testing.assert_array_equal(DraftJournal(path, LARGE).restore(), make_state(1, LARGE))
    noise[:, 8:] = 1
    draft.append(noise)
    np.testing.assert_array_equal(DraftJournal(path, LARGE).restore(), noise)


@pytest.mark.bench
def test_a_stroke_on_a_tile_of_usual_size_costs_less_than_five_milliseconds(tmp_path: Path) -> None:
    draft = DraftJournal(tmp_path / "a.draft", LARGE)
    state = np.random.default_rng(0).integers(0, 30, LARGE.shape).astype(np.uint32)
    seconds = []
    for i in range(20):
        state[i : i + 30, 2 * i : 2 * i + 30] = i
        start = time.perf_counter()
        draft.append(state)
        seconds.append(time.perf_counter() - start)

    assert seconds[0] < 0.05  # the whole state
    assert min(seconds[1:]) < 0.005


def test_the_tiles_with_drafts_are_found_and_what_is_no_draft_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "drafts"
    assert drafts_in(folder) == []
    tiles = [Tile((3, 0, 512), (1, 64, 64)), Tile((1, 64, 0), (1, 64, 64))]
    for tile in tiles:
        DraftJournal(folder / draft_name(tile), tile).append(make_state(1, tile))
    (folder / "notes.txt").write_text("hello")
    (folder / "cut-in-the-header.draft").write_bytes(b'{"format')
    (folder / "no-record.draft").write_bytes((folder / draft_name(tiles[0])).read_bytes()[:60])

    assert drafts_in(folder) == tiles[::-1]
    assert not caplog.records
    (folder / "newer.draft").write_bytes(b'{"format_version": 2}\n')
    with caplog.at_level(logging.WARNING):
        assert drafts_in(folder) == tiles[::-1]
    assert "newer napari-graft" in caplog.text
    shutil.rmtree(folder)
    assert drafts_in(folder) == []


def test_a_draft_notes_what_its_tile_began_with(tmp_path: Path) -> None:
    path = tmp_path / "a.draft"
    begun, later = make_state(5), make_state(6)
    draft = DraftJournal(path, TILE)
    assert draft.append(make_state(1))
    assert draft.read().begun is None  # as in drafts of versions before
    assert draft.append(make_state(1), begun)
    assert not draft.append(make_state(1), begun)
    assert not draft.append(make_state(1))
    assert draft.append(make_state(2))
    assert DraftJournal(path, TILE).append(make_state(3), later)

    state = DraftJournal(path, TILE).read()
    np.testing.assert_array_equal(state.labels, make_state(3))
    np.testing.assert_array_equal(state.begun, later)
    cut = path.read_bytes()[:-1]  # the last record, labels and beginning, is there as a whole or not at all
    path.write_bytes(cut)
    state = DraftJournal(path, TILE).read()
    np.testing.assert_array_equal(state.labels, make_state(2))
    np.testing.assert_array_equal(state.begun, begun)
