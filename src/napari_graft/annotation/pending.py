"""Marks for labels that do not count without a record, so that a record that was lost never costs labels."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from napari_graft.core.errors import StorageError
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog

_SUFFIX = ".pending"
_TOLD_SUFFIX = ".lost-record.txt"
_TOLD_ONCE = "This is told once. Remove this file to be told again."


def begin(labels: Path) -> None:
    """Mark labels whose record is about to be written or removed."""
    atomic.write_bytes(_mark(labels), b"", is_synced=False)


def end(labels: Path) -> None:
    """Remove the mark, once the record is there or the labels are gone."""
    with suppress(OSError):  # one that stays does nothing beside a record, and goes with the next write
        _mark(labels).unlink()


def forget(record: Path) -> None:
    """Remove a record and the labels that it made valid; being killed in between leaves the mark."""
    labels = record.with_suffix(".tif")
    begin(labels)
    remove(record)
    remove(labels)
    end(labels)


def finish(folder: Path) -> None:
    """Remove the labels that were marked by writers which were killed, and all marks."""
    for mark in folder.glob(f".*{_SUFFIX}"):
        labels = folder / f"{mark.name.removeprefix('.').removesuffix(_SUFFIX)}.tif"
        if not labels.with_suffix(".json").exists():
            remove(labels)
        remove(mark)


def tell_of_lost_records(folder: Path, damage: DamageLog, *, may_note: bool) -> None:
    """Tell of labels whose record was lost; also beside a writer at work, those of whom are none.

    It is told once: where `may_note`, the words are put into a text file beside the labels, for whoever looks
    there, and what has such a file is not told of again. The file goes once the record is back or the labels
    are gone.
    """
    for labels in sorted(folder.glob("*.tif")):
        if not labels.stem.isdecimal() or os.path.lexists(_told(labels)) or not _is_without_record(labels):
            continue
        record = labels.with_suffix(".json").name
        words = (
            f"labels {str(labels)!r} have lost their record {record}: restore it from a backup, "
            "or annotate their tile again and move these away; they are kept, and do not count until then"
        )
        damage.tell(words)
        if may_note:
            with suppress(StorageError):  # then it is told again
                atomic.write_text(_told(labels), f"{words}\n{_TOLD_ONCE}\n")
    if may_note:
        _forget_what_is_settled(folder)


def _forget_what_is_settled(folder: Path) -> None:
    """Remove the texts about labels that have their record again or are gone."""
    for told in folder.glob(f"*{_TOLD_SUFFIX}"):
        labels = told.with_name(f"{told.name.removesuffix(_TOLD_SUFFIX)}.tif")
        if labels.stem.isdecimal() and (labels.with_suffix(".json").exists() or not labels.exists()):
            with suppress(OSError):
                remove(told)


def remove(path: Path) -> None:
    """Remove a file of ours that may be gone already; a folder of its name is none."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)


def _is_without_record(labels: Path) -> bool:
    record = labels.with_suffix(".json")
    # A writer marks, changes and unmarks: if it did so between two looks, the last two tell.
    return not (record.exists() or _mark(labels).exists() or record.exists()) and labels.exists()


def _mark(labels: Path) -> Path:
    return labels.with_name(f".{labels.stem}{_SUFFIX}")


def _told(labels: Path) -> Path:
    return labels.with_name(f"{labels.stem}{_TOLD_SUFFIX}")
