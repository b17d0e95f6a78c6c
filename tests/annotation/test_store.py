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

from napari_graft.annotation import pending
from napari_graft.annotation import store as store_module
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.annotation.store import AnnotationStore
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog

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


class _Killed(BaseException):
    """Stands for SIGKILL: nothing that tidies up on errors may hold it."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """End the next writer before its step of this number; a step writes a file or removes one."""
    left = iter(range(number, -1, -1))

    def step(function: Callable[..., None]) -> Callable[..., None]:
        def killed(*arguments: object, **options: object) -> None:
            if next(left) == 0:
                raise _Killed
            function(*arguments, **options)

        return killed

    monkeypatch.setattr(store_module, "write_document", step(store_module.write_document))
    monkeypatch.setattr(atomic, "write_bytes", step(atomic.write_bytes))
    monkeypatch.setattr(pending, "remove", step(pending.remove))
    monkeypatch.setattr(pending, "end", step(pending.end))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _values(store: AnnotationStore) -> dict[tuple[int, ...], int]:
    return {one.tile.start: int(one.labels.max()) for one in store.labelled_tiles()}


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_and_all_else_is_tidied(
    tmp_path: Path, paint: Paint, is_removed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of an earlier painting are removed, and those of this one written or removed, when it happens."""
    tile = paint((0, 0), (8, 8), 3)
    outcomes = []
    for number in range(50):
        folder = tmp_path / str(number)
        for value in (1, 2):
            AnnotationStore(folder).write(paint((0, 0), (8, 8), value))
        AnnotationStore(folder).write(paint((0, 16), (8, 8), 9))
        AnnotationStore(folder).write(paint((0, 16), (8, 8), 10))
        try:
            with monkeypatch.context() as patch:
                _kill_at(patch, number)
                AnnotationStore(folder).remove(tile.tile) if is_removed else AnnotationStore(folder).write(
                    tile
                )
        except _Killed:
            pass
        else:
            break
        damage = DamageLog(writable=True)
        store = AnnotationStore(folder, damage=damage)
        outcomes.append(_values(store).get((0, 0)))
        assert _values(store)[0, 16] == 10
        store.write(paint((8, 8), (8, 8), 4))
        store.write(paint((8, 8), (8, 8), 5))
        store.remove(Tile((8, 8), (8, 8)))

        assert _values(store).get((0, 0)) == outcomes[-1]
        assert damage.notes == ()
        n_tiles = len(store.tiles())
        assert [Path(name).suffix for name in _names(folder)] == [".json", ".tif"] * n_tiles
    assert number > 5
    assert sorted(set(outcomes), key=str) == [2, None if is_removed else 3]


def test_labels_whose_record_was_removed_by_hand_are_named_and_kept_and_come_back_with_it(
    tmp_path: Path, paint: Paint
) -> None:
    damage = DamageLog(writable=True)
    store = AnnotationStore(tmp_path / "a", damage=damage)
    store.write(paint((0, 0), (8, 8), 3))
    store.write(paint((0, 16), (8, 8), 4))
    lost = tmp_path / "a" / "000000.json"
    record = lost.read_bytes()
    lost.unlink()

    assert _values(store) == {(0, 16): 4}
    assert _values(AnnotationStore(tmp_path / "a", writable=False, damage=damage)) == {(0, 16): 4}
    for value in (5, 6):
        store.write(paint((0, 32), (8, 8), value))
        store.write(paint((0, 16), (8, 8), value))
    store.remove(Tile((0, 32), (8, 8)))

    (note,) = damage.notes
    assert "000000.tif" in note
    assert "000000.json" in note
    lost.write_bytes(record)
    assert _values(store) == {(0, 0): 3, (0, 16): 6}


def test_a_lost_record_is_told_once_and_again_where_it_is_lost_again(tmp_path: Path, paint: Paint) -> None:
    folder = tmp_path / "a"
    AnnotationStore(folder).write(paint((0, 0), (8, 8), 3))
    record = (folder / "000000.json").read_bytes()
    labels = (folder / "000000.tif").read_bytes()

    def told(*, writable: bool) -> int:
        damage = DamageLog(writable=writable)
        AnnotationStore(folder, writable=writable, damage=damage).tiles()
        return len(damage.notes)

    (folder / "000000.json").unlink()
    assert [told(writable=False), told(writable=False)] == [1, 1]  # a reader cannot remember
    assert [told(writable=True), told(writable=True), told(writable=False)] == [1, 0, 0]
    assert "restore it from a backup" in (folder / "000000.lost-record.txt").read_text()
    assert (folder / "000000.tif").read_bytes() == labels

    (folder / "000000.json").write_bytes(record)
    assert told(writable=True) == 0
    assert _names(folder) == ["000000.json", "000000.tif"]
    (folder / "000000.json").unlink()
    assert [told(writable=True), told(writable=True)] == [1, 0]

    (folder / "000000.lost-record.txt").unlink()
    assert [told(writable=True), told(writable=True)] == [1, 0]
    (folder / "000000.tif").rename(tmp_path / "000000.tif")
    assert told(writable=True) == 0
    assert _names(folder) == []


def test_the_newest_labels_are_kept_where_their_record_was_removed_and_that_of_the_earlier_ones_not(
    tmp_path: Path, paint: Paint
) -> None:
    store = AnnotationStore(tmp_path / "a")
    store.write(paint((0, 0), (8, 8), 3))
    store.write(paint((0, 0), (8, 8), 4))
    (tmp_path / "a" / "000001.json").unlink()

    store.write(paint((0, 0), (8, 8), 5))
    store.write(paint((0, 0), (8, 8), 6))

    assert tifffile.imread(tmp_path / "a" / "000001.tif").max() == 4
    assert _values(store) == {(0, 0): 6}


@pytest.mark.parametrize("is_copied", [False, True])
def test_newest_labels_that_are_damaged_let_the_earlier_ones_count_and_the_next_write_keeps_these(
    tmp_path: Path, paint: Paint, is_copied: bool
) -> None:
    """A record copied over that of another tile claims to be a newer painting of the first."""
    folder, damage = tmp_path / "a", DamageLog(writable=True)
    store = AnnotationStore(folder, damage=damage)
    store.write(paint((0, 0), (8, 8), 3))
    if is_copied:
        store.write(paint((0, 16), (8, 8), 4))
        (folder / "000001.json").write_bytes((folder / "000000.json").read_bytes())
    else:
        store.write(paint((0, 0), (8, 8), 4))
        (folder / "000001.tif").write_bytes(b"damaged")
    kept = (folder / "000001.tif").read_bytes()
    store = AnnotationStore(folder, damage=damage)

    assert _values(store) == {(0, 0): 3}
    store.write(paint((0, 32), (8, 8), 5))
    store.write(paint((0, 32), (8, 8), 6))
    assert _values(AnnotationStore(folder, damage=damage)) == {(0, 0): 3, (0, 32): 6}
    assert (folder / "000001.tif.damaged").read_bytes() == kept
    assert "000001.tif.damaged" in damage.notes[0]
    store.write(paint((0, 0), (8, 8), 7))
    store.remove(Tile((0, 0), (8, 8)))
    assert _values(AnnotationStore(folder, damage=damage)) == {(0, 32): 6}


def test_a_record_with_zeros_before_its_number_is_none_of_ours(tmp_path: Path, paint: Paint) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder, damage=DamageLog(writable=True))
    store.write(paint((0, 0), (8, 8), 3))
    (folder / "0000007.json").write_bytes((folder / "000000.json").read_bytes())

    assert _values(store) == {(0, 0): 3}
    store.write(paint((0, 16), (8, 8), 3))
    assert (folder / "0000007.json").exists()


def test_a_tile_that_is_being_written_or_removed_is_no_lost_one(
    tmp_path: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader looks before each step of a writer in another process."""
    damage = DamageLog(writable=False)
    reader = AnnotationStore(tmp_path / "a", writable=False, damage=damage)
    writer = AnnotationStore(tmp_path / "a")
    looks = []

    def look_before(do: Callable[..., None]) -> Callable[..., None]:
        def look(*arguments: object, **options: object) -> None:
            looks.append(reader.tiles())
            do(*arguments, **options)

        return look

    monkeypatch.setattr(atomic, "write_bytes", look_before(atomic.write_bytes))
    monkeypatch.setattr(store_module, "write_document", look_before(store_module.write_document))
    monkeypatch.setattr(pending, "remove", look_before(pending.remove))
    for value in (1, 2, 3):
        writer.write(paint((0, 0), (8, 8), value))
    writer.remove(Tile((0, 0), (8, 8)))

    assert len(looks) > 10
    assert damage.notes == ()


def test_what_is_not_ours_and_half_files_of_ours_do_not_count(tmp_path: Path, paint: Paint) -> None:
    folder = tmp_path / "a"
    store = AnnotationStore(folder)
    store.write(paint((0, 0), (8, 8), 3))
    (folder / ".000002.tif.0123.partial").write_bytes(b"half a file")
    (folder / "notes.txt").write_text("of the user")

    assert [t.labels.max() for t in store.labelled_tiles()] == [3]
    store.write(paint((8, 8), (8, 8), 4))

    assert [t.labels.max() for t in store.labelled_tiles()] == [3, 4]
    assert _names(folder) == ["000000.json", "000000.tif", "000001.json", "000001.tif", "notes.txt"]


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
