"""Files that are either old or whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from napari_graft.core.errors import StorageError
from napari_graft.io.atomic import remove_unfinished, write_bytes, write_text


def refuse(*args: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    write_text(path, "µm\n")
    assert path.read_bytes() == "µm\n".encode()
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "")
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.write_bytes", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")
    monkeypatch.setattr(step, refuse)
    with pytest.raises(StorageError, match=r"a\.json: the disk is full \(.* MB free\): free some space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "a.json"
    write_text(path, "old")
    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="its folder does not exist"):
        write_text(tmp_path / "gone" / "a.json", "text")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "may not write there"),
        (errno.EROFS, "may not write there"),
        (errno.EIO, "check the path"),
    ],
)
def test_other_refusals_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(StorageError, match=words):
        write_text(tmp_path / "a", "text")


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours = tmp_path / f".weights.safetensors.{'0a' * 16}.partial"
    others = [tmp_path / name for name in (".notes.partial", "out.tif.partial", ".weights.0a.partial", "x")]
    for path in (ours, *others):
        path.touch()

    remove_unfinished(tmp_path, seconds=3600)
    assert ours.exists()  # somebody may be writing it
    remove_unfinished(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted(others)
