"""Label images: which are accepted, and how the others are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from imageio.v3 import imwrite

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels

WHOLE = Tile((0, 0), (40, 50))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_labels_are_read_as_they_were_written(tmp_path: Path, dtype: type) -> None:
    labels = np.random.default_rng(0).integers(0, 120, (40, 50)).astype(dtype)
    zarr.create_array(tmp_path / "a.zarr", data=labels)
    read = open_labels(tmp_path / "a.zarr").read_raw(WHOLE)
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, labels)


def test_the_largest_label_survives(tmp_path: Path) -> None:
    labels = np.full((40, 50), 2**32 - 2, np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", labels)
    assert open_labels(tmp_path / "a.tif").read_raw(WHOLE).max() == 2**32 - 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_labels_are_refused_even_if_they_are_whole(tmp_path: Path, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((40, 50), dtype))
    with pytest.raises(InputError, match=f"a.tif have the dtype {np.dtype(dtype)}.*save them as integers"):
        open_labels(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("value", "dtype", "words"),
    [(-3, np.int16, "negative"), (2**32 - 1, np.uint32, "renumber"), (2**40, np.int64, "renumber")],
)
def test_labels_out_of_range_are_named_with_their_position(
    tmp_path: Path, value: int, dtype: type, words: str
) -> None:
    labels = np.zeros((40, 50), dtype)
    labels[[7, 30], [8, 1]] = value
    tifffile.imwrite(tmp_path / "a.tif", labels)
    with pytest.raises(InputError, match=rf"label {value} at \(7, 8\) of .*a\.tif is .*{words}"):
        open_labels(tmp_path / "a.tif")


def test_a_large_label_image_is_checked_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_graft.io.labels.SMALL_BYTES", 100)
    labels = np.zeros((40, 50), np.int16)
    labels[7, 8] = -1
    zarr.create_array(tmp_path / "a.zarr", data=labels)
    volume = open_labels(tmp_path / "a.zarr")
    assert volume.read_raw(Tile((8, 0), (9, 9))).max() == 0
    with pytest.raises(InputError, match=r"label -1 at \(7, 8\)"):
        volume.read_raw(Tile((5, 5), (9, 9)))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_labels_whose_numbers_jpeg_has_changed_are_refused(tmp_path: Path, name: str) -> None:
    labels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8)
    if name == "a.jpg":
        imwrite(tmp_path / name, labels)
    else:
        tifffile.imwrite(tmp_path / name, labels, compression="jpeg")
    with pytest.raises(InputError, match="JPEG, which changes numbers"):
        open_labels(tmp_path / name)


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_labels_in_which_0_is_white_are_told(tmp_path: Path, dtype: type) -> None:
    labels = np.zeros((40, 50), dtype)
    labels[5:9, 5:9] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="miniswhite")
    volume = open_labels(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.read_raw(WHOLE), labels)
    assert any("looks white is taken for background" in note for note in volume.notes)


def test_a_coloured_label_picture_is_refused(tmp_path: Path) -> None:
    imwrite(tmp_path / "a.png", np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(InputError, match="one number for each pixel"):
        open_labels(tmp_path / "a.png")
