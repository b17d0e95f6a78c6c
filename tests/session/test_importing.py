from __future__ import annotations

import os
import shutil
import signal
import tracemalloc
from pathlib import Path

import dask.array
import numpy as np
import pytest
import zarr

from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import LazyArray, Volume, open_volume
from napari_graft.io.writers import image_copy
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import CopyOptions, import_image, make_project_with_copy

YX, ZYX = Axes(("y", "x"), (0.2, 0.3), "um"), Axes(("z", "y", "x"), (40.0, 4.0, 5.0), "nm")
RNG = np.random.default_rng(0)


def _import(data: LazyArray, axes: Axes, folder: Path, *, has_channels: bool = False) -> Path:
    return import_image(
        data,
        axes,
        has_channels=has_channels,
        folder=folder,
        report=ignore_progress,
        cancel=CancelToken(),
    )


def _make(folder: Path, data: LazyArray, axes: Axes, **options: object) -> Project:
    return make_project_with_copy(
        folder,
        data,
        axes,
        CopyOptions(**options),  # type: ignore[arg-type]
        report=ignore_progress,
        cancel=CancelToken(),
    )


def _whole(volume: Volume) -> Tile:
    return Tile((0,) * len(volume.shape), volume.shape)


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "uint64", "float16", "float32", ">f8"])
@pytest.mark.parametrize("axes", [YX, ZYX])
def test_a_project_of_an_array_reads_the_same_pixels_after_reopening(
    tmp_path: Path, dtype: str, axes: Axes
) -> None:
    data = RNG.integers(0, 120, (3, 70, 50)[-axes.ndim :]).astype(dtype)

    with _make(tmp_path / "p.graft", data, axes, structure="nuclei", is_inverted=True) as project:
        assert project.is_writable
    shutil.move(tmp_path / "p.graft", tmp_path / "moved.graft")
    project = open_project(tmp_path / "moved.graft")

    np.testing.assert_array_equal(project.volume.read_raw(_whole(project.volume)), data)
    assert project.volume.dtype == np.dtype(dtype).newbyteorder("=")
    assert project.volume.axes.pixel_size_in("nm") == pytest.approx(axes.pixel_size_in("nm"))
    assert project.manifest.image == "image.ome.zarr"
    assert (project.manifest.structure, project.manifest.inverted) == ("nuclei", True)
    assert project.manifest.intensity_range is not None
    assert not project.is_image_changed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved.graft"]


@pytest.mark.parametrize(("shape", "axes"), [((40, 30, 3), YX), ((5, 40, 30, 4), ZYX)])
def test_a_colour_image_keeps_its_channels_and_is_grey_to_a_model(
    tmp_path: Path, shape: tuple[int, ...], axes: Axes
) -> None:
    data = RNG.integers(0, 256, shape).astype(np.uint8)

    _make(tmp_path / "p.graft", data, axes, has_channels=True).close()
    volume = open_project(tmp_path / "p.graft").volume

    assert volume.shape == shape[:-1]
    np.testing.assert_array_equal(volume.read_raw(_whole(volume)), data)
    grey = Volume(data, axes, axes.ndim).read(_whole(volume))
    np.testing.assert_allclose(volume.read(_whole(volume)), grey, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "axes", "has_channels"), [((5, 40, 30), ZYX, False), ((40, 30, 3), YX, True)]
)
def test_the_copy_is_valid_for_ome_zarr_models(
    tmp_path: Path, shape: tuple[int, ...], axes: Axes, has_channels: bool
) -> None:
    models = pytest.importorskip("ome_zarr_models.v05", reason="ome-zarr-models is not installed")
    path = _import(np.zeros(shape, np.uint8), axes, tmp_path, has_channels=has_channels)

    image = models.Image.from_zarr(zarr.open_group(path, mode="r"))

    (multiscale,) = image.attributes.ome.multiscales
    assert [axis.name for axis in multiscale.axes] == ["c"] * has_channels + list(axes.names)


def test_a_dask_array_larger_than_a_block_is_read_block_by_block_and_each_piece_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 2**21)
    read: list[int] = []

    def slice_of(block_info: dict[int, dict[str, object]]) -> np.ndarray:
        z = block_info[None]["chunk-location"][0]  # type: ignore[index]
        read.append(z)
        return np.full((1, 200, 300), z, np.uint16)

    data = dask.array.map_blocks(slice_of, chunks=((1,) * 64, (200,), (300,)), dtype=np.uint16)
    read.clear()
    seen: list[Progress] = []

    path = import_image(
        data, ZYX, has_channels=False, folder=tmp_path, report=seen.append, cancel=CancelToken()
    )

    assert sorted(read) == list(range(64))
    volume = open_volume(path)
    assert volume.read_raw(Tile((63, 199, 0), (1, 1, 300))).tolist() == [[[63] * 300]]
    assert volume.read_raw(Tile((0, 7, 7), (64, 1, 1))).ravel().tolist() == list(range(64))
    assert (seen[-1].done, seen[-1].total) == (len(seen) - 1, len(seen) - 1)
    assert len(seen) - 1 >= 4


def test_no_more_than_a_few_blocks_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 2**22)
    data = np.broadcast_to(np.arange(512, dtype=np.uint16), (160, 512, 512))
    _import(data[:1], ZYX, tmp_path / "first")  # what the libraries take once

    tracemalloc.start()
    _import(data, ZYX, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert data.nbytes > 80e6
    assert peak < 30e6


@pytest.mark.parametrize(
    ("shape", "axes", "dtype", "channels"),
    [
        ((9, 700, 5000), ZYX, "u1", 0),
        ((64, 3000, 9000), ZYX, "u2", 0),
        ((9000, 30000), YX, "f4", 0),
        ((9000, 30000), YX, "u1", 3),
        ((3, 4), YX, "u1", 0),
    ],
)
def test_blocks_are_whole_chunks_of_a_bounded_size(
    shape: tuple[int, ...], axes: Axes, dtype: str, channels: int
) -> None:
    data = np.broadcast_to(np.zeros((), dtype), shape + (channels,) * bool(channels))
    volume = Volume(data, axes, axes.ndim if channels else None)

    grid = image_copy.block_grid(volume)

    n_bytes = np.prod(grid.tile_shape) * data.dtype.itemsize * max(channels, 1)
    assert n_bytes <= image_copy.BLOCK_BYTES
    chunk = {2: (512, 512), 3: (16, 256, 256)}[len(shape)]
    for block, length, whole in zip(grid.tile_shape, chunk, shape, strict=True):
        assert block == whole or block % length == 0


def _stop_at(number: int, cancel: CancelToken) -> object:
    def report(progress: Progress) -> None:
        if progress.done == number:
            cancel.cancel()

    return report


def test_a_cancel_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 1)
    data = RNG.integers(0, 99, (1100, 600)).astype(np.uint8)

    for number in (0, 3, 6):  # the last one after the copy, before the project
        cancel = CancelToken()
        with pytest.raises(Cancelled):
            make_project_with_copy(
                tmp_path / "p.graft",
                data,
                YX,
                CopyOptions(),
                report=_stop_at(number, cancel),  # type: ignore[arg-type]
                cancel=cancel,
            )
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_in_the_middle_leaves_no_project_and_the_next_attempt_cleans_up(tmp_path: Path) -> None:
    data = RNG.integers(0, 99, (1100, 600)).astype(np.uint8)
    child = os.fork()
    if child == 0:
        image_copy.BLOCK_BYTES = 1

        def report(progress: Progress) -> None:
            if progress.done == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        make_project_with_copy(
            tmp_path / "p.graft", data, YX, CopyOptions(), report=report, cancel=CancelToken()
        )
        os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert not (tmp_path / "p.graft").exists()
    _make(tmp_path / "p.graft", data, YX).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.graft"]


@pytest.mark.parametrize(
    ("data", "axes", "has_channels", "message"),
    [
        (np.zeros((9, 9), bool), YX, False, "true and false"),
        (np.zeros((9, 9), np.complex64), YX, False, "complex"),
        (np.zeros((9, 9), object), YX, False, "Python objects"),
        (np.zeros((9, 9), np.longdouble), YX, False, "float64"),
        (np.zeros((0, 9), np.uint8), YX, False, "no pixel"),
        (np.zeros((9, 9, 9), np.uint8), YX, False, "axes"),
        (np.zeros((9, 9), np.uint8), YX, True, "axes"),
        (np.zeros((9, 9, 5), np.uint8), YX, True, "5 channels"),
        (np.zeros((9, 9), np.uint8), YX, False, "all pixels read from the image are 0"),
        (
            np.where(np.eye(9) > 0, np.nan, 1).astype(np.float32),
            YX,
            False,
            r"pixel \(0, 0\) of the image is nan",
        ),
    ],
)
def test_what_is_no_image_is_refused_and_leaves_nothing(
    tmp_path: Path, data: np.ndarray, axes: Axes, has_channels: bool, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _make(tmp_path / "p.graft", data, axes, has_channels=has_channels)

    assert list(tmp_path.iterdir()) == []


def test_an_array_that_fails_to_be_computed_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise OSError("the camera was unplugged")

    data = dask.array.zeros((40, 40), dtype=np.uint8).map_blocks(fail, dtype=np.uint8, meta=np.zeros((0, 0)))

    with pytest.raises(InputError, match="the camera was unplugged"):
        _make(tmp_path / "p.graft", data, YX)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten_and_not_copied_to(tmp_path: Path) -> None:
    (tmp_path / "p.graft").mkdir()
    (tmp_path / "p.graft" / "notes.txt").touch()
    (tmp_path / "image.ome.zarr").mkdir()

    with pytest.raises(InputError, match="exists already"):
        _make(tmp_path / "p.graft", np.zeros((9, 9), np.uint8), YX)
    with pytest.raises(InputError, match="exists already"):
        _import(np.zeros((9, 9), np.uint8), YX, tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["image.ome.zarr", "notes.txt", "p.graft"]


def test_a_full_disk_is_told_and_leaves_nothing(small_disk: Path) -> None:
    data = RNG.integers(0, 256, (1200, 1200)).astype(np.uint8)

    with pytest.raises(StorageError, match="full"):
        _make(small_disk / "p.graft", data, YX)
    assert list(small_disk.iterdir()) == []


def test_all_files_of_the_copy_are_on_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino))

    path = _import(RNG.integers(0, 256, (600, 600)).astype(np.uint8), YX, tmp_path / "new")

    assert {found.stat().st_ino for found in (path, *path.rglob("*"))} <= synced
