from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.project.results import ResultRecord, ResultStore

RECORD = ResultRecord(run="0003", start=(2, 0, 0), shape=(1, 64, 64), n_objects=7)


def _write(store: ResultStore) -> None:
    store.make_folder()
    store.labels_path("0003").mkdir()
    store.uncertainty_path("0003").mkdir()


def test_a_segmentation_counts_once_its_record_is_there(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    assert store.find("0003") is None
    _write(store)
    assert store.find("0003") is None

    added = store.add(RECORD)

    assert ResultStore(tmp_path / "results").find("0003") == added
    assert added.record.region.stop == (3, 64, 64)
    assert added.labels == store.labels_path("0003")


def test_a_segmentation_without_its_files_or_with_a_damaged_record_does_not_count(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    _write(store)
    store.add(RECORD)
    (tmp_path / "results" / "round-0003.json").write_text("{")
    assert store.find("0003") is None

    store.add(RECORD)
    store.uncertainty_path("0003").rmdir()
    assert store.find("0003") is None


@pytest.mark.parametrize("place", ["0", "0/c", "0/c/1/2"])
def test_a_segmentation_with_a_linked_chunk_does_not_count_and_is_not_written_through(
    tmp_path: Path, place: str
) -> None:
    store = ResultStore(tmp_path / "results")
    _write(store)
    store.add(RECORD)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = store.labels_path("0003") / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    assert store.find("0003") is None
    with pytest.raises(InputError, match="links inside a project are refused"):
        store.make_folder()
