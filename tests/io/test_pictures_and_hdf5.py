"""PNG pictures and HDF5 datasets."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from imageio.v3 import imwrite

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume

GREY = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)


@pytest.mark.parametrize("image", [GREY, GREY.astype(np.uint16) * 200], ids=["8 bit", "16 bit"])
def test_a_grey_png_is_read_as_it_was_written(tmp_path: Path, image: np.ndarray) -> None:
    imwrite(tmp_path / "a.PNG", image, extension=".png")
    volume = open_volume(tmp_path / "a.PNG")
    assert volume.axes.names == ("y", "x")
    read = volume.read_raw(Tile((0, 0), image.shape))
    assert read.dtype == image.dtype
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("n_channels", [3, 4])
def test_a_colour_png_is_read_in_grey(tmp_path: Path, n_channels: int) -> None:
    imwrite(tmp_path / "a.png", np.stack([GREY] * n_channels, axis=-1))
    volume = open_volume(tmp_path / "a.png")
    np.testing.assert_allclose(volume.read(Tile((0, 0), GREY.shape)), GREY, atol=1e-3)


def test_a_png_with_grey_and_alpha_says_how_to_pick(tmp_path: Path) -> None:
    imwrite(tmp_path / "a.png", np.stack([GREY, GREY], axis=-1))
    with pytest.raises(InputError, match=r"2 channels.*from 0 to 1"):
        open_volume(tmp_path / "a.png")
    assert open_volume(tmp_path / "a.png", channel=0).shape == GREY.shape


@pytest.mark.parametrize("part", [0.01, 0.5, 0.9])
def test_a_png_that_was_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.png"
    imwrite(path, GREY)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(InputError, match="cannot be read as a picture"):
        open_volume(path)


def test_a_text_file_named_png_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        open_volume(tmp_path / "a.png")


def test_an_image_too_large_for_a_picture_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imwrite(tmp_path / "a.png", GREY)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"too large.*convert it to TIFF"):
        open_volume(tmp_path / "a.png")


@pytest.fixture
def two_datasets(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        raw = file.create_dataset("volumes/raw", data=np.arange(60).reshape(3, 4, 5), chunks=(1, 4, 5))
        raw.attrs["resolution"] = (40.0, 4.0, 4.0)
        file["volumes/labels"] = np.zeros((3, 4, 5), np.uint32)
        file["comment"] = "CREMI"
    return tmp_path / "a.h5"


def test_a_dataset_is_read_with_its_pixel_size(two_datasets: Path) -> None:
    volume = open_volume(f"{two_datasets}::/volumes/raw")
    assert (volume.axes.pixel_size, volume.axes.unit) == ((40, 4, 4), "nm")
    assert not isinstance(volume.data, np.ndarray)
    np.testing.assert_array_equal(volume.read_raw(Tile((1, 0, 2), (1, 2, 2))), [[[22, 23], [27, 28]]])


@pytest.mark.parametrize("ending", ["", "::/volumes/membrane", "::/volumes"])
def test_a_dataset_that_is_not_there_lists_those_that_are(two_datasets: Path, ending: str) -> None:
    with pytest.raises(
        InputError, match=r"choose one as .*a\.h5::/NAME from .*/volumes/labels.*/volumes/raw"
    ):
        open_volume(f"{two_datasets}{ending}")


def test_a_single_dataset_needs_no_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        image = file.create_dataset("deep/image", data=GREY)
        image.attrs["element_size_um"] = (0.2, 0.1)
        file["magnification"] = 40
    volume = open_volume(tmp_path / "a.hdf5")
    assert volume.shape == GREY.shape
    assert volume.axes.pixel_size_in("nm") == pytest.approx((200, 100))


def test_the_labels_of_the_dimensions_name_the_axes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        image = file.create_dataset("image", data=np.zeros((1, 3, 20, 30)))
        for axis, label in zip(image.dims, "tcyx", strict=True):
            axis.label = label
    volume = open_volume(tmp_path / "a.h5")
    assert (volume.shape, volume.channel_axis) == ((20, 30), 2)


def test_a_file_without_an_image_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["comment"] = "nothing here"
    with pytest.raises(InputError, match="holds no dataset"):
        open_volume(tmp_path / "a.h5")


def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("no image")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        open_volume(tmp_path / "a.h5")
