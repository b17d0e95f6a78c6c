"""Results that are written block by block, killed in between, resumed, and read back."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io import open_label_sink, open_labels, open_volume
from napari_graft.io.writers.outputs import Outputs
from napari_graft.io.writers.sink import LabelSink, SinkOptions
from napari_graft.io.writers.staging import MARK, Staging
from tmpfs import mounted_disk

NAMES = ("z", "y", "x")
SIZES_UM = (0.05, 0.004, 0.003)
ENDINGS = ("tif", "zarr", "ome.zarr", "ome.tiff")


def make_axes(ndim: int) -> Axes:
    return Axes(NAMES[-ndim:], SIZES_UM[-ndim:], "um")


def make_labels(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**32 - 2, shape, dtype=np.uint32)


def write_all(sink: LabelSink, labels: np.ndarray, block: tuple[int, ...]) -> None:
    for tile in TileGrid(labels.shape, block):
        sink.write(tile, labels[tile.slices])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("shape", "block"), [((300, 517), (100, 130)), ((9, 60, 300), (4, 33, 300))])
def test_labels_come_back_with_their_pixel_size(
    tmp_path: Path, ending: str, shape: tuple[int, ...], block: tuple[int, ...]
) -> None:
    labels = make_labels(shape)
    sink = open_label_sink(tmp_path / f"out.{ending}", shape, make_axes(len(shape)), np.uint32, block)
    write_all(sink, labels, block)
    box = Tile((1,) * len(shape), tuple(n - 2 for n in shape))
    np.testing.assert_array_equal(sink.read(box), labels[box.slices])
    assert not sink.path.exists()
    assert sink.finish() == sink.path
    assert os.listdir(tmp_path) == [sink.path.name]
    volume = open_labels(sink.path)
    assert volume.dtype == np.uint32
    assert volume.axes.pixel_size_in("um") == pytest.approx(SIZES_UM[-len(shape) :])
    np.testing.assert_array_equal(volume.read_raw(Tile((0,) * len(shape), shape)), labels)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), ending=st.sampled_from(ENDINGS))
def test_any_boxes_in_any_order_give_what_numpy_gives(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, ending: str
) -> None:
    shape = tuple(data.draw(st.lists(st.integers(2, 40), min_size=2, max_size=3), label="shape"))
    block = tuple(data.draw(st.integers(1, n)) for n in shape)
    expected = np.zeros(shape, np.uint32)
    path = tmp_path_factory.mktemp("sink") / f"a.{ending}"
    sink = open_label_sink(path, shape, Axes(NAMES[-len(shape) :]), np.uint32, block)
    for value in range(1, data.draw(st.integers(1, 5)) + 1):
        start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
        size = tuple(data.draw(st.integers(1, n - a)) for a, n in zip(start, shape, strict=True))
        tile = Tile(start, size)
        expected[tile.slices] = value
        sink.write(tile, np.full(size, value, np.int64))
    volume = open_labels(sink.finish())
    assert volume.axes.pixel_size is None
    np.testing.assert_array_equal(volume.read_raw(Tile((0,) * len(shape), shape)), expected)


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_maps_of_real_numbers_keep_them(tmp_path: Path, ending: str) -> None:
    values = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    sink = open_label_sink(tmp_path / f"a.{ending}", (40, 50), make_axes(2), np.float32, (32, 32))
    sink.write(Tile((0, 0), (40, 50)), values)
    np.testing.assert_array_equal(open_volume(sink.finish()).read(Tile((0, 0), (40, 50))), values)


def test_the_zarr_is_valid_for_ome_zarr_models(tmp_path: Path) -> None:
    models = pytest.importorskip("ome_zarr_models.v05", reason="ome-zarr-models is not installed")
    sink = open_label_sink(tmp_path / "a.zarr", (3, 40, 50), make_axes(3))
    image = models.ImageLabel.from_zarr(zarr.open_group(sink.finish(), mode="r"))
    (multiscale,) = image.attributes.ome.multiscales
    assert [(axis.name, axis.unit) for axis in multiscale.axes] == [(name, "nanometer") for name in NAMES]
    assert multiscale.datasets[0].coordinateTransformations[0].scale == pytest.approx([50, 4, 3])
    values = open_label_sink(tmp_path / "b.zarr", (40, 50), Axes(("y", "x")), np.float32)
    image = models.Image.from_zarr(zarr.open_group(values.finish(), mode="r"))
    assert [axis.unit for axis in image.attributes.ome.multiscales[0].axes] == [None, None]


def test_other_readers_find_the_pixel_size_of_the_tiff(tmp_path: Path) -> None:
    sink = open_label_sink(tmp_path / "a.tif", (3, 40, 50), make_axes(3))
    with tifffile.TiffFile(sink.finish()) as tif:
        assert tif.is_ome
        assert tif.series[0].axes == "ZYX"
        pixels = ElementTree.fromstring(tif.ome_metadata).find(".//{*}Pixels")
        count, length = tif.pages[0].tags["XResolution"].value
    assert pixels is not None
    assert [float(pixels.get(f"PhysicalSize{axis}", 0)) for axis in "ZYX"] == pytest.approx([50, 4, 3])
    assert 1e7 * length / count == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize(("limit", "is_big"), [(81 * 4, False), (81 * 4 - 1, True)])
def test_more_than_four_gigabytes_make_a_bigtiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, is_big: bool
) -> None:
    monkeypatch.setattr("napari_graft.io.writers.ome_tiff.CLASSIC_TIFF_BYTES", limit)
    with tifffile.TiffFile(open_label_sink(tmp_path / "a.tif", (9, 9), make_axes(2)).finish()) as tif:
        assert tif.is_bigtiff == is_big


def test_many_threads_write_blocks_that_share_chunks(tmp_path: Path) -> None:
    labels = make_labels((5, 90, 90))
    sink = open_label_sink(tmp_path / "a.zarr", labels.shape, make_axes(3), np.uint32, (4, 32, 32))
    tiles = list(TileGrid(labels.shape, (2, 20, 25)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda tile: sink.write(tile, labels[tile.slices]), tiles))
    np.testing.assert_array_equal(sink.read(Tile((0, 0, 0), labels.shape)), labels)


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_an_older_result_is_there_until_the_new_one_is_whole(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    for value in (1, 2):
        sink = open_label_sink(path, (20, 30), make_axes(2))
        assert not sink.is_resumed
        sink.write(Tile((0, 0), (20, 30)), np.full((20, 30), value))
        if value == 2:
            assert open_labels(path).read_raw(Tile((0, 0), (1, 1))) == 1
        sink.finish()
    assert open_labels(path).read_raw(Tile((0, 0), (1, 1))) == 2
    assert os.listdir(tmp_path) == [path.name]


KILLED = """
import os, sys, signal
import numpy as np
from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.io import open_label_sink
sink = open_label_sink(sys.argv[1], (40, 50), Axes(("y", "x")), np.uint32, (20, 50))
sink.write(Tile((0, 0), (20, 50)), np.full((20, 50), 7))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_a_killed_run_is_resumed(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    result = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert result.returncode == -signal.SIGKILL
    assert not path.exists()
    sink = open_label_sink(path, (40, 50), Axes(("y", "x")), np.uint32, (20, 50))
    assert sink.is_resumed
    assert (sink.read(Tile((0, 0), (20, 50))) == 7).all()
    assert (sink.read(Tile((20, 0), (20, 50))) == 0).all()
    sink.finish()
    assert not open_label_sink(path, (40, 50), Axes(("y", "x"))).is_resumed


@pytest.mark.parametrize(
    ("shape", "axes", "dtype"),
    [
        ((41, 50), make_axes(2), np.uint32),
        ((40, 50), Axes(("y", "x")), np.uint32),
        ((40, 50), make_axes(2), np.float32),
    ],
)
def test_an_unfinished_result_of_another_image_is_refused_until_it_is_discarded(
    tmp_path: Path, shape: tuple[int, ...], axes: Axes, dtype: type
) -> None:
    first = open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    first.release()
    with pytest.raises(InputError, match=r"a\.tif\.partial holds an unfinished result.*delete that folder"):
        open_label_sink(tmp_path / "a.tif", shape, axes, dtype)
    first.discard()
    assert not open_label_sink(tmp_path / "a.tif", shape, axes, dtype).is_resumed


def test_half_made_staging_is_made_anew(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "a.tif.partial" / "image.zarr")
    (tmp_path / "a.tif.partial" / MARK).touch()
    sink = open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    assert not sink.is_resumed
    assert open_labels(sink.finish()).shape == (40, 50)


@pytest.mark.parametrize("name", ["a.png", "a", "a.npy"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"end in \.tif or \.tiff or \.zarr"):
        open_label_sink(tmp_path / name, (4, 5), make_axes(2))


@pytest.mark.parametrize("name", ["a.zarr", "a.tif"])
def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        open_label_sink(tmp_path / name, (4, 5), make_axes(2))


def test_boxes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    sink = open_label_sink(tmp_path / "a.zarr", (40, 50), make_axes(2))
    with pytest.raises(InputError, match="does not fill"):
        sink.write(Tile((0, 0), (4, 4)), np.zeros((4, 5), np.uint32))
    with pytest.raises(InputError, match="outside"):
        sink.write(Tile((38, 0), (4, 4)), np.zeros((4, 4), np.uint32))


def test_finishing_a_tiff_takes_the_memory_of_a_row_and_not_of_the_volume(tmp_path: Path) -> None:
    shape, block = (32, 256, 512), (16, 256, 256)
    sink = open_label_sink(tmp_path / "a.tif", shape, make_axes(3), np.uint32, block)
    labels = np.arange(16 * 256 * 256, dtype=np.uint32).reshape(block) // 1000
    for tile in TileGrid(shape, block):
        sink.write(tile, labels)
    tracemalloc.start()
    sink.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < np.prod(shape) * 4 / 2
    np.testing.assert_array_equal(open_labels(sink.path).read_raw(Tile((16, 0, 256), block)), labels)


class FullDisk:
    """Stand for an array on a disk without space."""

    shape = (40, 50)
    dtype = np.dtype(np.uint32)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_while_writing(tmp_path: Path) -> None:
    staging = Staging.claim(tmp_path / "a.tif")
    sink = LabelSink(tmp_path / "a.tif", make_axes(2), False, FullDisk(), staging)  # type: ignore[arg-type]
    with pytest.raises(StorageError, match=r"a\.tif: the disk is full \(.* MB free\): free some space"):
        sink.write(Tile((0, 0), (40, 50)), np.zeros((40, 50), np.uint32))


def test_a_full_disk_while_finishing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = make_labels((40, 50))
    sink = open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    sink.write(Tile((0, 0), (40, 50)), labels)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("tifffile.TiffWriter.write", refuse)
        with pytest.raises(StorageError, match="the disk is full"):
            sink.finish()
    assert not sink.path.exists()
    assert sorted(os.listdir(sink.staging)) == [MARK, "image.zarr"]
    np.testing.assert_array_equal(open_labels(sink.finish()).read_raw(Tile((0, 0), (40, 50))), labels)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted_disk(tmp_path / "disk", "1m") as disk:
        yield disk


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_a_disk_that_fills_up_is_told_and_what_was_written_is_kept(small_disk: Path, ending: str) -> None:
    labels = make_labels((16, 256, 256))
    sink = open_label_sink(small_disk / f"a.{ending}", labels.shape, make_axes(3), np.uint32, (1, 128, 128))
    first, *rest = TileGrid(labels.shape, (1, 128, 128))
    sink.write(first, labels[first.slices])
    with pytest.raises(StorageError, match=f"a.{ending}: the disk is full"):
        for tile in rest:
            sink.write(tile, labels[tile.slices])
    sink.release()
    again = open_label_sink(small_disk / f"a.{ending}", labels.shape, make_axes(3), np.uint32, (1, 128, 128))
    assert again.is_resumed
    np.testing.assert_array_equal(again.read(first), labels[first.slices])


ORIGIN = (2, 10, 20)


@pytest.mark.parametrize("dtype", [np.uint32, np.float32])
@pytest.mark.parametrize("axes", [make_axes(3), Axes(NAMES)], ids=["sized", "unsized"])
def test_a_region_carries_its_place_and_scale(tmp_path: Path, axes: Axes, dtype: type) -> None:
    models = pytest.importorskip("ome_zarr_models.v05", reason="ome-zarr-models is not installed")
    sizes = axes.pixel_size_in("nm") or (1.0, 1.0, 1.0)
    place = [size * first for size, first in zip(sizes, ORIGIN, strict=True)]
    options = SinkOptions(origin=ORIGIN)

    group = zarr.open_group(
        open_label_sink(tmp_path / "a.zarr", (3, 40, 50), axes, dtype, options=options).finish(), mode="r"
    )
    kind = models.ImageLabel if dtype is np.uint32 else models.Image
    scale, translation = (
        kind.from_zarr(group).attributes.ome.multiscales[0].datasets[0].coordinateTransformations
    )
    assert scale.scale == pytest.approx(sizes)
    assert translation.translation == pytest.approx(place)

    tiff = open_label_sink(tmp_path / "a.tif", (3, 40, 50), axes, dtype, options=options).finish()
    with tifffile.TiffFile(tiff) as tif:
        planes = ElementTree.fromstring(tif.ome_metadata).findall(".//{*}Plane")
    assert [float(planes[0].get(f"Position{axis}", 0)) for axis in "ZYX"] == pytest.approx(place)
    assert float(planes[2].get("PositionZ", 0)) == pytest.approx(place[0] + 2 * sizes[0])
    assert planes[0].get("PositionXUnit") == ("pixel" if axes.pixel_size is None else "nm")
    assert open_volume(tiff).axes.pixel_size_in("um") == axes.pixel_size_in("um")


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_napari_reads_what_was_written(tmp_path: Path, ending: str) -> None:
    reading = pytest.importorskip("napari_builtins.io", reason="napari is not installed")
    labels = make_labels((3, 40, 50))
    sink = open_label_sink(tmp_path / f"a.{ending}", labels.shape, make_axes(3))
    sink.write(Tile((0, 0, 0), labels.shape), labels)
    path = str(sink.finish())
    reader = reading.napari_get_reader(path)
    (layer,) = reader(path)
    np.testing.assert_array_equal(
        np.squeeze(np.asarray(layer[0] if ending == "tif" else layer[0][0])), labels
    )


def test_an_unfinished_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tif.partial").mkdir()
    (tmp_path / "a.tif.partial" / "my-notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"a\.tif\.partial is needed .* move it away"):
        open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    assert os.listdir(tmp_path / "a.tif.partial") == ["my-notes.txt"]


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_what_the_user_puts_beside_what_is_unfinished_stays(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    sink = open_label_sink(path, (40, 50), make_axes(2))
    (sink.staging / "my-notes.txt").write_text("mine")
    sink.finish()
    assert (tmp_path / f"a.{ending}.partial" / "my-notes.txt").read_text() == "mine"
    open_label_sink(path, (40, 50), make_axes(2)).finish()
    assert (tmp_path / f"a.{ending}.partial" / "my-notes.txt").read_text() == "mine"


def paint_into(path: Path) -> None:
    zarr.open_group(path, mode="r+")["0"][:4, :4] = 5  # type: ignore[index]


def add_a_level(path: Path) -> None:
    zarr.open_group(path, mode="r+").create_array("1", data=np.zeros((20, 25), np.uint32))


def add_notes(path: Path) -> None:
    (path / "my-notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("change", "is_allowed"), [(paint_into, True), (add_a_level, False), (add_notes, False)]
)
def test_a_zarr_result_that_was_changed_is_no_longer_ours(
    tmp_path: Path, change: Callable[[Path], None], is_allowed: bool
) -> None:
    path = open_label_sink(tmp_path / "a.zarr", (40, 50), make_axes(2)).finish()
    open_label_sink(path, (40, 50), make_axes(2)).finish()
    change(path)
    before = sorted(path.rglob("*"))
    with pytest.raises(InputError):
        open_label_sink(path, (40, 50), make_axes(2))
    assert sorted(path.rglob("*")) == before
    overwriting = SinkOptions(outputs=Outputs(may_overwrite=True))
    if is_allowed:
        open_label_sink(path, (40, 50), make_axes(2), options=overwriting).finish()
    else:
        with pytest.raises(InputError):
            open_label_sink(path, (40, 50), make_axes(2), options=overwriting)


def test_what_appears_at_the_place_of_a_result_meanwhile_is_kept(tmp_path: Path) -> None:
    sink = open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), np.uint8))
    with pytest.raises(InputError, match="no earlier result"):
        sink.finish()
    assert tifffile.imread(tmp_path / "a.tif").shape == (4, 4)


def test_one_result_is_written_by_one_at_a_time(tmp_path: Path) -> None:
    first = open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    with pytest.raises(InputError, match="is being written by another process"):
        open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2))
    first.finish()
    open_label_sink(tmp_path / "a.tif", (40, 50), make_axes(2)).finish()
    assert os.listdir(tmp_path) == ["a.tif"]
