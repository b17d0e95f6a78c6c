"""What `open_volume` refuses, whatever the format, and how it names and orders axes."""

from __future__ import annotations

import errno
import os
from itertools import permutations
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.io.readers.registry import find_reader
from napari_graft.project.opening import open_project


def make_zarr(path: Path, array: np.ndarray) -> Path:
    zarr.create_array(path, data=array)
    return path


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")
def test_what_lies_in_a_locked_folder_is_not_called_missing(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    (locked / "p.graft").mkdir(parents=True)
    (locked / "a.tif").touch()
    locked.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        for look in (lambda: find_reader(str(locked / "a.tif")), lambda: open_project(locked)):
            with pytest.raises(InputError, match=r"may not enter|Permission denied"):
                look()
    finally:
        if is_root:
            os.seteuid(0)
        locked.chmod(0o700)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"axes": 5}, "axes 5 are no text.*'zyx'"),
        ({"axes": ["z", "y", "x"]}, "are no text"),
        ({"axes": b"zyx"}, "are no text"),
        ({"pixel_size": 5}, "pixel_size 5 is no list"),
        ({"pixel_size": "abc"}, "pixel_size 'abc' is no list"),
        ({"pixel_size": (1, None, 2)}, "is no list of numbers"),
        ({"pixel_size": [[1, 2, 3]]}, "is no list of numbers"),
        ({"pixel_size": (1, 2, 3), "unit": None}, "unit None is no text"),
    ],
)
def test_what_python_says_of_an_image_is_of_the_right_type_or_refused_in_words(
    tmp_path: Path, said: dict[str, object], words: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((5, 8, 9), np.uint8), photometric="minisblack")

    with pytest.raises(InputError, match=words):
        open_volume(path, **said)
    if "axes" in said:
        with pytest.raises(InputError, match=words):
            open_labels(path, **said)
    with pytest.raises(InputError, match="5 is no path"):
        open_volume(5)


def test_a_path_of_bytes_and_sizes_of_any_number_type_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((5, 8, 9), np.uint8), photometric="minisblack")

    volume = open_volume(os.fsencode(path), axes="zyx", pixel_size=np.array([3, 2.5, 2], np.float32))

    assert volume.axes.pixel_size == (3.0, 2.5, 2.0)
    assert open_volume(path, pixel_size=np.array([3, 2, 2])).axes.pixel_size == (3.0, 2.0, 2.0)


def test_an_image_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.arange(64, dtype=np.uint8).reshape(8, 8))

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a.tif"))

    monkeypatch.setattr(tifffile, "TiffFile", refuse)
    with pytest.raises(InputError, match="change its permissions") as caught:
        open_volume(tmp_path / "a.tif")
    assert "damaged" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.tif does not exist"):
        open_volume(tmp_path / "gone.tif")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.h5", "a.zarr"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"is empty \(0 bytes\)"):
        open_volume(tmp_path / name)


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("image")
    with pytest.raises(InputError, match=r"\.h5.*\.png.*\.tif.*\.zarr"):
        open_volume(tmp_path / "a.docx")


@pytest.mark.parametrize("name", ["a.czi", "a.ND2", "a.ser", "a.lif"])
def test_a_format_of_a_microscope_is_refused_with_a_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\4")
    with pytest.raises(InputError, match="open it in Fiji and save it as TIFF"):
        open_volume(tmp_path / name)


def test_a_dataset_of_a_file_without_datasets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match="has no datasets"):
        open_volume(f"{tmp_path}/a.png::/data")


@pytest.mark.parametrize("shape", [(7,), ()])
def test_fewer_than_two_axes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at least the two axes"):
        open_volume(make_zarr(tmp_path / "a.zarr", np.zeros(shape)))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_four_or_five_axes_without_names_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"has {len(shape)} axes.*name them.*'tczyx'"):
        open_volume(make_zarr(tmp_path / "a.zarr", np.zeros(shape)))


@pytest.mark.parametrize(("dtype", "word"), [(np.complex64, "magnitude"), (np.bool_, "true and false")])
def test_pixels_that_are_no_intensities_are_refused(tmp_path: Path, dtype: type, word: str) -> None:
    with pytest.raises(InputError, match=f"dtype {np.dtype(dtype)}.*{word}"):
        open_volume(make_zarr(tmp_path / "a.zarr", np.zeros((4, 5), dtype)))


def test_structured_and_object_pixels_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["record"] = np.zeros((4, 5), [("r", "u1"), ("g", "u1")])
        file["words"] = np.full((4, 5), "cell", dtype=h5py.string_dtype())
    with pytest.raises(InputError, match="several fields"):
        open_volume(f"{tmp_path}/a.h5::/record")
    with pytest.raises(InputError, match="dtype object"):
        open_volume(f"{tmp_path}/a.h5::/words")


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = np.zeros((4, 0, 5))
    with pytest.raises(InputError, match=r"\(4, 0, 5\), so no pixel"):
        open_volume(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("yx", "name 2 axes.*3 of shape"),
        ("zyy", "each once"),
        ("zya", "each once"),
        ("tcx", "must hold y and x"),
    ],
)
def test_axes_that_make_no_sense_are_refused(tmp_path: Path, axes: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_volume(make_zarr(tmp_path / "a.zarr", np.zeros((2, 3, 4))), axes=axes)


@pytest.mark.parametrize("pixel_size", [(0, 1), (-1, 1), (np.nan, 1), (np.inf, 1), (1,), (1, 1, 1)])
def test_a_pixel_size_that_cannot_be_is_refused(tmp_path: Path, pixel_size: tuple[float, ...]) -> None:
    path = make_zarr(tmp_path / "a.zarr", np.zeros((4, 5)))
    with pytest.raises(InputError, match="pixel size"):
        open_volume(path, pixel_size=pixel_size)


def test_a_unit_that_is_no_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'seconds'"):
        open_volume(make_zarr(tmp_path / "a.zarr", np.zeros((4, 5))), pixel_size=(1, 1), unit="seconds")


@pytest.mark.parametrize("letters", ["".join(order) for order in permutations("czyx")])
def test_axes_in_any_order_are_put_in_the_usual_one(tmp_path: Path, letters: str) -> None:
    usual = np.random.default_rng(0).integers(0, 255, (5, 6, 7, 3)).astype(np.uint8)
    stored = usual.transpose(["zyxc".index(letter) for letter in letters])
    volume = open_volume(make_zarr(tmp_path / "a.zarr", stored), axes=letters)
    assert volume.shape == (5, 6, 7)
    box = Tile((1, 2, 3), (2, 3, 4))
    np.testing.assert_array_equal(volume.read_raw(box), usual[box.slices])


def test_axes_of_length_one_are_dropped(tmp_path: Path) -> None:
    image = np.arange(42).reshape(6, 7)
    volume = open_volume(
        make_zarr(tmp_path / "a.zarr", image[None, None, None]), axes="tczyx", pixel_size=(9, 2, 1)
    )
    assert volume.axes.names == ("y", "x")
    assert volume.axes.pixel_size == (2, 1)
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0), (6, 7))), image)


def test_a_last_axis_of_three_or_four_is_no_picture_unless_someone_says_so(tmp_path: Path) -> None:
    for n in (3, 4):
        path = make_zarr(tmp_path / f"{n}.zarr", np.zeros((20, 30, n), np.uint8))
        with pytest.raises(InputError, match=rf"--axes yxc .*--axes yxz .*{n} slices.*--axes zyx"):
            open_volume(path)
        assert open_volume(path, axes="yxz").shape == (n, 20, 30)
        assert open_volume(path, axes="zyx").shape == (20, 30, n)
        assert open_volume(path, channel="rgb").channel_axis == 2
        assert open_volume(path, channel=1).shape == (20, 30)
    path = make_zarr(tmp_path / "5.zarr", np.zeros((20, 30, 5), np.uint8))
    assert open_volume(path).shape == (20, 30, 5)
