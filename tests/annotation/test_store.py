from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.annotation.store import AnnotationStore
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile

Paint = Callable[..., LabelledTile]


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=3),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.integers(0, 9),
)
def test_a_tile_comes_back_as_it_was_painted(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], seed: int, complete: bool, n_round: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(int(complete), 2**32, shape, np.uint32)
    tile = Tile((5,) * len(shape), tuple(shape))
    store = AnnotationStore(tmp_path_factory.mktemp("store") / "annotations")

    store.write(LabelledTile(tile, labels, complete, n_round))
    back = store.read(tile)

    assert (back.tile, back.complete, back.round, back.role) == (tile, complete, n_round, "part")
    assert back.labels.dtype == np.uint32
    np.testing.assert_array_equal(back.labels, labels)


def test_labels_can_be_looked_at_with_other_programs(tmp_path: Path, paint: Paint) -> None:
    AnnotationStore(tmp_path / "a").write(paint((0, 0, 0), (3, 80, 90), 7))

    (file,) = (tmp_path / "a").glob("*.tif")

    np.testing.assert_array_equal(tifffile.imread(file), np.full((3, 80, 90), 7))
    assert file.stat().st_size < 800


def test_tiles_are_listed_in_the_order_of_acceptance_also_when_painted_anew(
    tmp_path: Path, paint: Paint
) -> None:
    store = AnnotationStore(tmp_path / "a")
    starts = [(16, 0), (0, 16), (8, 8), (0, 0)]
    for start in starts:
        store.write(paint(start, (8, 8)))

    store.write(paint((0, 16), (8, 8), 5, round=3))

    assert [tile.start for tile in store.tiles()] == starts
    assert [int(t.labels[0, 0]) for t in store.labelled_tiles()] == [1, 5, 1, 1]
    assert store.read(Tile((0, 16), (8, 8))).round == 3


def test_the_checksum_changes_with_each_tile_and_each_painting_and_with_nothing_else(
    tmp_path: Path, paint: Paint
) -> None:
    store = AnnotationStore(tmp_path / "a")
    seen = [store.checksum()]
    for start, label in (((0, 0), 1), ((0, 16), 1), ((0, 0), 2), ((0, 0), 1)):
        store.write(paint(start, (8, 8), label))
        seen.append(store.checksum())
    store.write(paint((0, 0), (8, 8), 1))

    assert AnnotationStore(tmp_path / "a", writable=False).checksum() == store.checksum() == seen[-1]
    assert seen[4] == seen[2]  # painted back to what it was
    assert len(set(seen)) == 4


def test_files_of_an_earlier_painting_do_not_pile_up(tmp_path: Path, paint: Paint) -> None:
    store = AnnotationStore(tmp_path / "a")
    for value in range(1, 9):
        store.write(paint((0, 0), (8, 8), value))

    assert len(list((tmp_path / "a").iterdir())) <= 4
    assert store.read(Tile((0, 0), (8, 8))).labels.max() == 8


def test_a_tile_that_overlaps_another_is_refused_and_touching_ones_are_not(
    tmp_path: Path, paint: Paint
) -> None:
    store = AnnotationStore(tmp_path / "a")
    store.write(paint((8, 8), (8, 8)))

    for start, shape in [((8, 8), (8, 9)), ((15, 15), (4, 4)), ((0, 0), (9, 9)), ((9, 9), (2, 2))]:
        with pytest.raises(InputError, match="overlaps"):
            store.write(paint(start, shape))
    store.write(paint((16, 8), (8, 8)))
    assert len(store.tiles()) == 2


def test_tiles_that_cannot_be_in_the_image_are_refused(tmp_path: Path, paint: Paint) -> None:
    store = AnnotationStore(tmp_path / "a")
    store.write(paint((0, 0), (8, 8)))

    with pytest.raises(InputError, match="inside the image"):
        store.write(paint((-1, 20), (8, 8)))
    with pytest.raises(InputError, match="full resolution"):
        store.write(LabelledTile(Tile((20, 20), (2, 2), level=1), np.ones((2, 2), np.uint32)))
    with pytest.raises(InputError, match="3 axes"):
        store.write(paint((0, 20, 20), (8, 8, 8)))


def test_an_empty_or_missing_store_has_no_tiles(tmp_path: Path) -> None:
    store = AnnotationStore(tmp_path / "none")

    assert store.tiles() == []
    assert store.labelled_tiles() == []
    with pytest.raises(InputError, match="not annotated"):
        store.read(Tile((0, 0), (8, 8)))


def test_a_store_open_for_reading_takes_nothing(tmp_path: Path, paint: Paint) -> None:
    with pytest.raises(InputError, match="open for reading"):
        AnnotationStore(tmp_path / "a", writable=False).write(paint((0, 0), (8, 8)))


def test_what_a_killed_writer_left_does_not_count_and_goes_with_the_next_write(
    tmp_path: Path, paint: Paint
) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder)
    store.write(paint((0, 0), (8, 8), 3))
    (folder / "000001.tif").write_bytes(b"labels whose record was never written")
    (folder / ".000002.tif.0123.partial").write_bytes(b"half a file")
    (folder / "notes.txt").write_text("of the user")

    assert [t.labels.max() for t in store.labelled_tiles()] == [3]
    store.write(paint((8, 8), (8, 8), 4))

    assert [t.labels.max() for t in store.labelled_tiles()] == [3, 4]
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["000000.json", "000000.tif", "000001.json", "000001.tif", "notes.txt"]


def test_damaged_and_missing_labels_are_named(tmp_path: Path, paint: Paint) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder)
    store.write(paint((0, 0), (8, 8)))
    path = folder / "000000.tif"
    data = path.read_bytes()

    path.write_bytes(data[:-1])
    with pytest.raises(InputError, match=r"000000\.tif.*damaged"):
        store.labelled_tiles()
    path.unlink()
    with pytest.raises(InputError, match=r"000000\.tif.*missing"):
        store.labelled_tiles()


@pytest.mark.parametrize(
    "labels",
    [np.ones((8, 9), np.uint32), np.ones((8, 8), np.uint16), np.ones((8, 8), np.float32), None],
)
def test_a_file_that_is_not_what_its_record_says_is_refused(
    tmp_path: Path, paint: Paint, labels: np.ndarray | None
) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder)
    store.write(paint((0, 0), (8, 8)))
    if labels is None:
        (folder / "000000.tif").write_bytes(b"II*\x00\xff\xff\xff\xff")
    else:
        tifffile.imwrite(folder / "000000.tif", labels)
    record = json.loads((folder / "000000.json").read_text())
    record["sha256"] = hashlib.sha256((folder / "000000.tif").read_bytes()).hexdigest()
    (folder / "000000.json").write_text(json.dumps(record))

    with pytest.raises(InputError, match="damaged"):
        store.labelled_tiles()


@pytest.mark.parametrize("change", [{"format_version": 2}, {"start": [0]}, {"shape": [0, 8]}, {"order": -1}])
def test_a_damaged_record_is_refused(tmp_path: Path, paint: Paint, change: dict[str, object]) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder)
    store.write(paint((0, 0), (8, 8)))
    record = json.loads((folder / "000000.json").read_text())
    (folder / "000000.json").write_text(json.dumps(record | change))

    with pytest.raises(InputError):
        store.tiles()


def test_a_full_disk_leaves_the_tile_as_it_was(small_disk: Path, paint: Paint) -> None:
    store = AnnotationStore(small_disk / "a")
    store.write(paint((0, 0), (64, 64), 7))
    noise = np.random.default_rng(0).integers(1, 2**32, (256, 256), np.uint32)

    with pytest.raises(StorageError, match="full"):
        store.write(LabelledTile(Tile((64, 64), (256, 256)), noise))

    assert [t.labels.max() for t in store.labelled_tiles()] == [7]
    store.write(paint((0, 0), (64, 64), 8))
    assert [t.labels.max() for t in store.labelled_tiles()] == [8]


def test_readers_see_whole_tiles_while_a_writer_replaces_them(tmp_path: Path, paint: Paint) -> None:
    folder = tmp_path / "a"
    writer, reader = AnnotationStore(folder), AnnotationStore(folder, writable=False)
    for column in range(3):
        writer.write(paint((0, 8 * column), (8, 8), 1))
    done = threading.Event()

    def replace_tiles() -> None:
        for value in range(2, 25):
            for column in range(3):
                writer.write(paint((0, 8 * column), (8, 8), value))
        done.set()

    thread = threading.Thread(target=replace_tiles)
    thread.start()
    seen = set()
    while not done.is_set():
        tiles = reader.labelled_tiles()
        assert len(tiles) == 3
        for tile in tiles:
            assert len(np.unique(tile.labels)) == 1
            seen.add(int(tile.labels[0, 0]))
    thread.join()
    assert len(seen) > 1


def test_a_removed_tile_is_gone_and_what_it_was_before_does_not_come_back(
    tmp_path: Path, paint: Paint
) -> None:
    store = AnnotationStore(tmp_path / "a")
    store.write(paint((0, 0), (8, 8), 1))
    store.write(paint((0, 16), (8, 8), 1))
    store.write(paint((0, 0), (8, 8), 2))  # files of the painting before are still there
    store.remove(Tile((0, 0), (8, 8)))

    assert [tile.start for tile in AnnotationStore(tmp_path / "a").tiles()] == [(0, 16)]
    with pytest.raises(InputError, match="not annotated"):
        store.remove(Tile((0, 0), (8, 8)))
    with pytest.raises(InputError, match="for reading"):
        AnnotationStore(tmp_path / "a", writable=False).remove(Tile((0, 16), (8, 8)))
    store.write(paint((4, 4), (8, 8), 3))
    assert len(store.tiles()) == 2
