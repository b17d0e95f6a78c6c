from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_graft.annotation.draft import DraftJournal
from napari_graft.annotation.draft_writer import DraftWriter
from napari_graft.core.errors import GraftError, StorageError
from napari_graft.core.tile import Tile

if TYPE_CHECKING:
    from promises import Promised


TILE = Tile((0, 0), (4, 4))
PATIENCE = 60


class _SlowDraft(DraftJournal):
    """A draft on a disk that waits until it is let go, and can be full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, TILE)
        self.started = threading.Event()
        self.may_go = threading.Event()
        self.is_full = False
        self.appended: list[int] = []

    def append(self, labels: np.ndarray, begun: np.ndarray | None = None) -> bool:
        self.started.set()
        assert self.may_go.wait(PATIENCE)
        self.appended.append(int(labels[0, 0]))
        if self.is_full:
            raise StorageError("the disk is full")
        return super().append(labels, begun)


class _Heard:
    """What a writer told."""

    def __init__(self) -> None:
        self.saved: list[datetime] = []
        self.errors: list[GraftError] = []


@pytest.fixture
def heard() -> _Heard:
    return _Heard()


@pytest.fixture
def writer(heard: _Heard) -> Iterator[DraftWriter]:
    writer = DraftWriter(on_saved=heard.saved.append, on_error=heard.errors.append)
    yield writer
    assert writer.close(PATIENCE)


def make_state(value: int) -> np.ndarray:
    return np.full(TILE.shape, value, np.uint32)


def test_what_is_submitted_is_on_the_disk_after_a_flush_and_told(
    tmp_path: Path, writer: DraftWriter, heard: _Heard
) -> None:
    drafts = [DraftJournal(tmp_path / name, TILE) for name in "ab"]
    before = datetime.now(UTC)
    for i, draft in enumerate(drafts):
        writer.submit(draft, make_state(i + 1))

    assert writer.flush(PATIENCE)

    for i, draft in enumerate(drafts):
        np.testing.assert_array_equal(DraftJournal(draft.path, TILE).restore(), make_state(i + 1))
    assert len(heard.saved) == 2
    assert before <= heard.saved[0] <= heard.saved[1] <= datetime.now(UTC)
    assert heard.errors == []


def test_the_one_who_submits_does_not_wait_and_only_the_newest_state_is_written(
    tmp_path: Path, writer: DraftWriter
) -> None:
    draft, other = _SlowDraft(tmp_path / "a"), DraftJournal(tmp_path / "b", TILE)
    writer.submit(draft, make_state(1))
    assert draft.started.wait(PATIENCE)
    for value in (2, 3, 4):
        writer.submit(draft, make_state(value))
    writer.submit(other, make_state(9))
    assert not writer.flush(timeout=0.01)
    draft.may_go.set()

    assert writer.flush(PATIENCE)
    assert draft.appended == [1, 4]
    np.testing.assert_array_equal(other.restore(), make_state(9))


def test_a_full_disk_is_told_and_the_state_is_written_with_the_next_one(
    tmp_path: Path, writer: DraftWriter, heard: _Heard
) -> None:
    draft, other = _SlowDraft(tmp_path / "a"), DraftJournal(tmp_path / "b", TILE)
    draft.may_go.set()
    draft.is_full = True
    writer.submit(draft, make_state(1))
    assert not writer.flush(PATIENCE)
    assert "full" in str(heard.errors[0])
    assert heard.saved == []

    draft.is_full = False
    writer.submit(other, make_state(5))
    assert writer.flush(PATIENCE)
    np.testing.assert_array_equal(draft.restore(), make_state(1))
    np.testing.assert_array_equal(other.restore(), make_state(5))


def test_a_state_that_failed_never_comes_after_a_newer_one(tmp_path: Path, writer: DraftWriter) -> None:
    draft = _SlowDraft(tmp_path / "a")
    draft.is_full = True
    writer.submit(draft, make_state(1))
    assert draft.started.wait(PATIENCE)
    writer.submit(draft, make_state(2))
    draft.may_go.set()
    writer.flush(PATIENCE)
    draft.is_full = False

    assert writer.flush(PATIENCE)
    assert writer.flush(PATIENCE)
    assert draft.appended[0] == 1
    assert set(draft.appended[1:]) == {2}
    np.testing.assert_array_equal(draft.restore(), make_state(2))


def test_a_discarded_draft_does_not_come_back(tmp_path: Path, writer: DraftWriter) -> None:
    draft = _SlowDraft(tmp_path / "a")
    writer.submit(draft, make_state(1))
    assert draft.started.wait(PATIENCE)
    writer.submit(draft, make_state(2))
    discarding = threading.Thread(target=writer.discard, args=(draft,))
    discarding.start()
    draft.may_go.set()
    discarding.join(PATIENCE)

    assert writer.flush(PATIENCE)
    assert not draft.path.exists()


def test_closing_writes_what_waits_and_then_nothing_is_taken(tmp_path: Path, heard: _Heard) -> None:
    writer = DraftWriter(on_saved=heard.saved.append, on_error=heard.errors.append)
    draft = DraftJournal(tmp_path / "a", TILE)
    writer.submit(draft, make_state(1))

    assert writer.close(PATIENCE)
    assert writer.close(PATIENCE)

    np.testing.assert_array_equal(draft.restore(), make_state(1))
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(draft, make_state(2))
    assert "draft writer" not in [thread.name for thread in threading.enumerate()]


def test_closing_on_a_full_disk_says_that_not_all_is_saved(tmp_path: Path, heard: _Heard) -> None:
    writer = DraftWriter(on_saved=heard.saved.append, on_error=heard.errors.append)
    draft = _SlowDraft(tmp_path / "a")
    draft.may_go.set()
    draft.is_full = True
    writer.submit(draft, make_state(1))

    assert not writer.close(PATIENCE)
    assert not writer.close(PATIENCE)
    assert heard.errors


def test_closing_waits_no_longer_than_it_may(tmp_path: Path, heard: _Heard, promised: Promised) -> None:
    writer = DraftWriter(on_saved=heard.saved.append, on_error=heard.errors.append)
    draft = _SlowDraft(tmp_path / "draft")
    writer.submit(draft, make_state(1))

    with promised(1.9):  # and not once for the states and once more for the thread
        is_saved = writer.close(1.0)

    draft.may_go.set()
    assert not is_saved
    assert writer.close(PATIENCE)
    assert draft.appended == [1]
