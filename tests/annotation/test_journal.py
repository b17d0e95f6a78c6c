from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.core.errors import InputError, StorageError
from napari_graft.io.documents import DamageLog


@settings(max_examples=25)
@given(st.lists(st.text(max_size=20), max_size=5))
def test_entries_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "j.jsonl")
    entries = [
        JournalEntry(who=word, what="paint", model=None, details={"word": word, "n": 3}) for word in words
    ]

    for entry in entries:
        journal.append(entry)

    assert list(journal.entries()) == entries


def test_an_entry_says_when(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    journal = Journal(tmp_path / "j.jsonl")

    journal.append(JournalEntry(who="ada", what="accept tile", model="0001"))

    (entry,) = journal.entries()
    assert before <= entry.when <= datetime.now(UTC)
    assert (entry.who, entry.what, entry.model) == ("ada", "accept tile", "0001")


def test_a_half_written_last_line_is_passed_over_and_cut_off_by_the_next_entry(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.append(JournalEntry(who="a", what="1"))
    journal.append(JournalEntry(who="a", what="2"))
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1

    for length in range(second, len(whole)):
        path.write_bytes(whole[:length])
        assert [e.what for e in journal.entries()] == ["1"]
        journal.append(JournalEntry(who="a", what="3"))
        assert [e.what for e in journal.entries()] == ["1", "3"]


def test_a_torn_first_line_and_a_torn_line_longer_than_a_block_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    path.write_bytes(b"x" * 200_000)

    journal.append(JournalEntry(who="a", what="1"))
    with path.open("ab") as file:
        file.write(bytes(200_000))
    journal.append(JournalEntry(who="a", what="2"))

    assert [e.what for e in journal.entries()] == ["1", "2"]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.append(JournalEntry(who="a", what="1"))
    with path.open("ab") as file:
        file.write(b"not json\n")
    journal.append(JournalEntry(who="a", what="2"))

    with pytest.raises(InputError, match="line 2"):
        list(journal.entries())


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert list(Journal(tmp_path / "none.jsonl").entries()) == []


def test_a_journal_open_for_reading_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="open for reading"):
        Journal(tmp_path / "j.jsonl", writable=False).append(JournalEntry(who="a", what="1"))

    assert not (tmp_path / "j.jsonl").exists()


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        Journal(tmp_path / "none" / "j.jsonl").append(JournalEntry(who="a", what="1"))


def test_each_entry_is_on_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(JournalEntry(who="a", what="1"))

    assert synced[-1] == (tmp_path / "j.jsonl").stat().st_size


def test_a_full_disk_keeps_the_earlier_entries_whole(small_disk: Path) -> None:
    path = small_disk / "j.jsonl"
    journal = Journal(path)
    journal.append(JournalEntry(who="a", what="1"))
    size = path.stat().st_size

    with pytest.raises(StorageError, match="full"):
        journal.append(JournalEntry(who="a", what="x" * 400_000))

    assert path.stat().st_size == size
    journal.append(JournalEntry(who="a", what="2"))
    assert [e.what for e in journal.entries()] == ["1", "2"]


def written(path: Path, n: int) -> list[bytes]:
    journal = Journal(path)
    for i in range(n):
        journal.append(JournalEntry(who="a", what=str(i)))
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("gone", [[0], [2], [4], [1, 3], [0, 1, 2, 3, 4]])
def test_lines_that_were_removed_are_told_of_however_much_is_added_later(
    tmp_path: Path, gone: list[int]
) -> None:
    path = tmp_path / "j.jsonl"
    lines = written(path, 5)
    path.write_bytes(b"".join(line for i, line in enumerate(lines) if i not in gone))

    for n_added in range(2):
        damage = DamageLog(writable=True)
        found = list(Journal(path, damage=damage).entries())
        assert len(found) == 5 - len(gone) + n_added
        (note,) = damage.notes
        assert note.startswith("1 line was removed" if len(gone) == 1 else f"{len(gone)} lines were removed")
        Journal(path).append(JournalEntry(who="a", what="later"))


def test_a_journal_of_before_and_one_whose_length_is_stale_or_damaged_are_taken_as_they_are(
    tmp_path: Path,
) -> None:
    path, length = tmp_path / "j.jsonl", tmp_path / "j.length.json"
    lines = written(path, 3)
    stale = length.read_bytes()
    for content in (None, b"", b"{", stale):
        path.write_bytes(b"".join(lines))
        length.unlink(missing_ok=True)
        if content is not None:
            length.write_bytes(content)
        damage = DamageLog(writable=True)
        journal = Journal(path, damage=damage)
        journal.append(JournalEntry(who="a", what="3"))
        assert len(list(journal.entries())) == 4
        assert damage.notes == ()
        path.write_bytes(b"".join(lines))
        assert len(list(journal.entries())) == 3
        assert len(damage.notes) == 1, "from now on it is counted"


@pytest.mark.parametrize("is_length_kept", [False, True])
def test_a_journal_that_is_missing_is_told_where_something_was_noted(
    tmp_path: Path, is_length_kept: bool
) -> None:
    path, damage = tmp_path / "j.jsonl", DamageLog(writable=False)
    journal = Journal(path, writable=False, damage=damage)
    journal.check(is_expected=False)
    written(path, 3)
    journal.check(is_expected=True)
    assert damage.notes == ()
    path.unlink()
    if not is_length_kept:
        (tmp_path / "j.length.json").unlink()

    journal.check(is_expected=True)

    assert len(damage.notes) == 1
    assert "j.jsonl" in damage.notes[0]
    assert "missing" in damage.notes[0]
