"""Marks for labels that do not count without a record, so that a record that was lost never costs labels."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from napari_graft.io import atomic
from napari_graft.io.damage import DamageLog

_SUFFIX = ".pending"


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


def tell_of_lost_records(folder: Path, damage: DamageLog) -> None:
    """Tell of labels whose record was lost; also beside a writer at work, those of whom are none."""
    for labels in sorted(folder.glob("*.tif")):
        if labels.stem.isdecimal() and _is_without_record(labels):
            record = labels.with_suffix(".json").name
            damage.tell(
                f"labels {str(labels)!r} have lost their record {record}: restore it from a backup, "
                "or annotate their tile again and move these away; they are kept, and do not count until then"
            )


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
