"""What was told to be on the disk is there, whatever happens, and can be undone and done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.errors import DamagedFileError, InputError, StorageError
from napari_graft.core.tile import Tile
from napari_graft.io.documents import DamageLog
from napari_graft.io.integrity import PixelRecord
from napari_graft.io.opening import open_volume
from napari_graft.io.volume import Volume
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.journal import EditJournal

SHAPE = (12, 14)
RECORD = PixelRecord(
    stamp="", start=(0, 0), shape=SHAPE, block=SHAPE, halo=(0, 0), checksum="of labels that are all 0"
)


def stroke(labels: np.ndarray, number: int, value: int) -> Edit:
    """Paint a line, and return what was done."""
    before = labels.copy()
    labels[number % labels.shape[0], number % 5 : number % 5 + 6] = value
    return Edit.from_regions(f"brush {number}", Tile((0, 0), labels.shape), before, labels)


def held(journal: EditJournal) -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint32)
    journal.replay(labels)
    return labels


def some_journal(path: Path) -> list[tuple[int, np.ndarray, int]]:
    """Write edits, undos and redos; return after each the size of the file, the labels and what is undone."""
    journal = EditJournal(path, RECORD)
    labels = np.zeros(SHAPE, np.uint32)
    told = [(0, labels.copy(), 0)]
    for number, what in enumerate("EEEUURUEEUREUU"):
        if what == "E":
            journal.append(stroke(labels, number, number + 1))
        else:
            edit = journal.undo() if what == "U" else journal.redo()
            edit.apply(labels)
        told.append((path.stat().st_size, labels.copy(), journal.n_undone))
    return told


def test_a_journal_cut_at_any_byte_opens_with_all_that_was_told_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda one: None)  # a kill is no power cut, and it is asked for often
    path = tmp_path / "a.edits"
    told = some_journal(path)
    whole = path.read_bytes()

    for n_kept in range(len(whole) + 1):
        path.write_bytes(whole[:n_kept])
        damage = DamageLog(writable=True)
        journal = EditJournal(path, RECORD, damage=damage)
        size, state, n_undone = [one for one in told if one[0] <= n_kept][-1]
        labels = state.copy()
        assert np.array_equal(held(journal), labels) and journal.n_undone == n_undone
        is_torn = (size > 0 and n_kept > size) or (size == 0 and n_kept > whole.index(b"\n") + 1)
        assert [("was not on the disk" in note) for note in damage.notes] == [True] * is_torn

        journal.append(stroke(labels, 3, 99))
        again = EditJournal(path, RECORD)
        assert np.array_equal(held(again), labels) and again.n_undone == 0
    assert not list(tmp_path.glob("*.damaged*"))


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["edit", "undo", "redo", "reopen"]), max_size=25))
def test_undo_and_redo_are_those_of_a_list_also_after_reopening(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.edits"
    journal = EditJournal(path, RECORD)
    states, now = [np.zeros(SHAPE, np.uint32)], 0
    labels = states[0].copy()

    for number, step in enumerate(steps):
        if step == "edit":
            edit = stroke(labels, number, number + 1)
            journal.append(edit)
            states, now = [*states[: now + 1], labels.copy()], now + 1
        elif step == "reopen":
            journal = EditJournal(path, RECORD)
            labels = held(journal)
        else:
            edit = journal.undo() if step == "undo" else journal.redo()
            can = now > 0 if step == "undo" else now < len(states) - 1
            assert (edit is not None) == can
            if edit is not None:
                edit.apply(labels)
                now += 1 if step == "redo" else -1
        assert np.array_equal(labels, states[now])
        assert (journal.n_done, journal.n_undone) == (now, len(states) - 1 - now)
        assert (journal.undo_tool is None) == (now == 0) and (journal.redo_tool is None) == (
            not journal.n_undone
        )


def test_each_edit_is_on_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda one: (synced.append(os.fstat(one).st_size), real(one))[1])
    path = tmp_path / "a.edits"
    journal = EditJournal(path, RECORD)
    labels = np.zeros(SHAPE, np.uint32)

    journal.append(stroke(labels, 1, 4))
    assert synced[-1] == path.stat().st_size or path.stat().st_size in synced
    for act in (journal.undo, journal.redo):
        act()
        assert synced[-1] == path.stat().st_size


def test_what_changes_nothing_is_left_out(tmp_path: Path) -> None:
    journal = EditJournal(tmp_path / "a.edits", RECORD)
    nothing = np.zeros(SHAPE, np.uint32)
    journal.append(Edit.from_regions("brush", Tile((0, 0), SHAPE), nothing, nothing))
    assert journal.n_done == 0 and journal.undo() is None and journal.redo() is None
    assert not (tmp_path / "a.edits").exists()


def test_a_damaged_record_ends_the_edits_and_a_copy_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.edits"
    told = some_journal(path)
    whole = path.read_bytes()
    middle = (told[2][0] + told[3][0]) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 8]) + whole[middle + 1 :])
    damage = DamageLog(writable=True)

    journal = EditJournal(path, RECORD, damage=damage)

    assert np.array_equal(held(journal), told[2][1]) and journal.n_done == 2
    assert "lost" in damage.notes[0] and (tmp_path / "a.edits.damaged").stat().st_size == len(whole)
    EditJournal(path, RECORD, damage=damage)
    assert len(damage.notes) == 1


def test_a_reader_neither_writes_nor_repairs(tmp_path: Path) -> None:
    path = tmp_path / "a.edits"
    some_journal(path)
    cut = path.read_bytes()[:-1]
    path.write_bytes(cut)
    journal = EditJournal(path, RECORD, writable=False)

    with pytest.raises(InputError, match="open for reading"):
        journal.undo()
    with pytest.raises(InputError, match="open for reading"):
        journal.append(stroke(np.zeros(SHAPE, np.uint32), 1, 1))
    assert path.read_bytes() == cut


def test_a_damaged_header_is_an_error_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.edits"
    some_journal(path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"shape"', b'"shopa"', 1))
    with pytest.raises(DamagedFileError, match="damaged"):
        EditJournal(path, RECORD)
    path.write_bytes(b"{" + b"x" * 20_000)
    with pytest.raises(DamagedFileError, match="no header"):
        EditJournal(path, RECORD)


def test_a_full_disk_keeps_the_earlier_edits(small_disk: Path) -> None:
    path = small_disk / "a.edits"
    journal = EditJournal(path, RECORD)
    labels = np.zeros((400, 400), np.uint32)
    noise = np.random.default_rng(0).integers(0, 2**32, labels.shape, np.uint32)
    small = stroke(labels, 1, 5)
    journal.append(small)

    with pytest.raises(StorageError, match="full"):
        journal.append(Edit.from_regions("brush", Tile((0, 0), labels.shape), labels, noise))

    assert journal.n_done == 1
    journal.append(stroke(labels, 2, 6))
    assert [edit.tool for edit in EditJournal(path, RECORD).edits()] == ["brush 1", "brush 2"]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result.tif"
    tifffile.imwrite(path, np.arange(12 * 14, dtype=np.uint16).reshape(SHAPE), photometric="minisblack")
    return path


def test_the_journal_of_a_result_follows_it_to_another_place_and_refuses_another_result(
    tmp_path: Path, result: Path
) -> None:
    path = tmp_path / "a.edits"
    labels = tifffile.imread(result)
    journal = EditJournal.open(path, open_volume(result))
    journal.append(stroke(labels, 1, 900))
    moved = tmp_path / "moved.tif"
    moved.write_bytes(result.read_bytes())

    there = tifffile.imread(moved)
    EditJournal.open(path, open_volume(moved)).replay(there)
    assert np.array_equal(there, labels)

    tifffile.imwrite(moved, labels, photometric="minisblack")
    with pytest.raises(InputError, match="belong to another result than"):
        EditJournal.open(path, open_volume(moved))


def test_labels_in_memory_have_a_journal_too(tmp_path: Path) -> None:
    labels = np.arange(12 * 14, dtype=np.uint16).reshape(SHAPE)
    path = tmp_path / "a.edits"
    journal = EditJournal.open(path, Volume(labels, Axes(("y", "x"))))
    journal.append(stroke(labels.copy(), 1, 900))

    assert EditJournal.open(path, Volume(labels, Axes(("y", "x")))).n_done == 1
    with pytest.raises(InputError, match="another result"):
        EditJournal.open(path, Volume(labels + 1, Axes(("y", "x"))))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from tests.proofreading.test_journal import RECORD, SHAPE, stroke
from napari_graft.proofreading.journal import EditJournal
journal = EditJournal(Path(sys.argv[1]), RECORD)
labels = np.zeros(SHAPE, np.uint32)
for number in range(100_000):
    journal.append(stroke(labels, number, number + 1))
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_has_lost_nothing_that_it_told(tmp_path: Path) -> None:
    path = tmp_path / "a.edits"
    command = [sys.executable, "-c", WRITER, str(path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    for _ in range(20):
        told = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    told = max([told, *(int(line) for line in writer.communicate()[0].split())])

    journal = EditJournal(path, RECORD)
    labels = np.zeros(SHAPE, np.uint32)
    for number in range(journal.n_done):
        stroke(labels, number, number + 1)

    assert journal.n_done in (told + 1, told + 2)
    assert np.array_equal(held(journal), labels)


def test_an_undo_reads_the_record_of_one_edit_and_touches_only_its_pixels(tmp_path: Path) -> None:
    """Count what is read and written: it does not grow with the volume, nor with the number of edits."""
    path = tmp_path / "a.edits"
    sizes = []
    for shape in ((16, 32, 32), (64, 256, 256)):
        labels = np.zeros(shape, np.uint32)
        place = np.nonzero(np.ones((4, 8, 8)))
        edits = [Edit.from_pixels("brush", place, np.full(256, n), n + 1) for n in range(200)]
        journal = EditJournal(path, RECORD)
        for edit in edits:
            journal.append(edit)
            edit.apply(labels)
        record = journal._entries[-1].start - journal._entries[-2].start
        for _ in range(200):
            journal.undo().apply(labels)
        assert not labels.any()
        sizes.append((record, path.stat().st_size))
        path.unlink()
    assert sizes[0] == sizes[1] and sizes[0][0] < 150


@pytest.mark.slow
def test_undoing_an_object_of_a_large_volume_is_quick(tmp_path: Path, promised: object) -> None:
    labels = np.zeros((512, 512, 512), np.uint32)
    journal = EditJournal(tmp_path / "a.edits", RECORD)
    z, y, x = np.nonzero(sum((axis - 24) ** 2 for axis in np.ogrid[:48, :48, :48]) < 23**2)
    for number in range(200):
        at = 2 * number
        edit = Edit.from_pixels("grow", (z + at, y + at, x + at), labels[z + at, y + at, x + at], number + 1)
        journal.append(edit)
        edit.apply(labels)

    for _ in range(200):
        with promised(0.05):
            journal.undo().apply(labels)

    assert not labels.any()
