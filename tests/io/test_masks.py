"""Masks given as labels: asked about, never guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.labels import tell_only_object

WHOLE = Tile((0, 0), (96, 96))
PIECES = ((slice(10, 30), slice(10, 30)), (slice(40, 60), slice(40, 60)), (slice(70, 90), slice(5, 40)))


def painted(*values: int) -> np.ndarray:
    labels = np.zeros((96, 96), np.uint8)
    for piece, value in zip(PIECES, values, strict=True):
        labels[piece] = value
    return labels


def with_palette(labels: np.ndarray) -> Image.Image:
    picture = Image.fromarray(labels, "P")
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * 756)
    return picture


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_the_numbers_of_a_palette_are_the_labels(tmp_path: Path, suffix: str) -> None:
    labels = painted(1, 2, 3)
    with_palette(labels).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(open_labels(tmp_path / f"a.{suffix}").read_raw(WHOLE), labels)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("meaning", ["object", "pieces"])
def test_a_one_bit_picture_is_what_is_said(tmp_path: Path, suffix: str, meaning: str) -> None:
    Image.fromarray(painted(255, 255, 255)).convert("1").save(tmp_path / f"a.{suffix}")
    with pytest.raises(MaskMeaningError, match=r"mask of 0 and 1 in 3 pieces: say --mask pieces"):
        open_labels(tmp_path / f"a.{suffix}")
    read = open_labels(tmp_path / f"a.{suffix}", mask=meaning).read_raw(WHOLE)
    wanted = painted(1, 2, 3) if meaning == "pieces" else painted(1, 1, 1)
    np.testing.assert_array_equal(read, wanted)


@pytest.mark.parametrize(("value", "dtype"), [(255, np.uint8), (255, np.uint16), (65535, np.uint16)])
def test_a_mask_of_several_pieces_is_asked_about(tmp_path: Path, value: int, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", (painted(1, 1, 1) * dtype(value)).astype(dtype))
    with pytest.raises(MaskMeaningError, match=f"0 and {value} in 3 pieces"):
        open_labels(tmp_path / "a.tif")
    pieces = open_labels(tmp_path / "a.tif", mask="pieces").read_raw(WHOLE)
    np.testing.assert_array_equal(pieces, painted(1, 2, 3))


def test_a_boolean_array_is_a_mask(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=painted(1, 1, 1) > 0)
    with pytest.raises(MaskMeaningError):
        open_labels(tmp_path / "a.zarr")
    assert open_labels(tmp_path / "a.zarr", mask="pieces").read_raw(WHOLE).max() == 3


@pytest.mark.parametrize(
    "labels",
    [painted(255, 0, 0), painted(7, 7, 7), painted(1, 1, 1), painted(254, 255, 255), painted(0, 0, 0)],
    ids=["one piece", "another number", "number one", "two numbers", "nothing"],
)
def test_other_label_images_are_taken_as_they_are(tmp_path: Path, labels: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", labels)
    np.testing.assert_array_equal(open_labels(tmp_path / "a.tif").read_raw(WHOLE), labels)


def test_pieces_of_ones_are_told_and_can_be_numbered(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", painted(1, 1, 1))
    told = tell_only_object(open_labels(tmp_path / "a.tif"))
    assert told is not None
    assert "number 1, in 3 pieces" in told
    np.testing.assert_array_equal(
        open_labels(tmp_path / "a.tif", mask="pieces").read_raw(WHOLE), painted(1, 2, 3)
    )
    tifffile.imwrite(tmp_path / "b.tif", painted(1, 2, 3))
    assert tell_only_object(open_labels(tmp_path / "b.tif")) is None


def test_pieces_of_numbered_objects_are_the_objects(tmp_path: Path) -> None:
    touching = painted(1, 2, 3)
    touching[30:40, 10:30] = 5
    tifffile.imwrite(tmp_path / "a.tif", touching)
    np.testing.assert_array_equal(open_labels(tmp_path / "a.tif", mask="pieces").read_raw(WHOLE), touching)


def test_a_mask_too_large_to_be_read_at_once_is_asked_about_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_graft.io.labels.SMALL_BYTES", 100)
    zarr.create_array(tmp_path / "a.zarr", data=painted(255, 255, 255))
    with pytest.raises(MaskMeaningError):
        open_labels(tmp_path / "a.zarr")
    volume: Volume = open_labels(tmp_path / "a.zarr", mask="pieces")
    box = volume.read_raw(Tile((35, 0), (61, 96)))
    assert sorted(np.unique(box)) == [0, 1, 2]


def test_a_box_with_several_numbers_is_no_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_graft.io.labels.SMALL_BYTES", 100)
    monkeypatch.setattr("napari_graft.io.labels._SAMPLED_PIXELS", 0)
    labels = np.zeros((2, 600, 600), np.uint8)
    labels[0, :500, :500] = 255
    zarr.create_array(tmp_path / "a.zarr", data=labels)
    volume = open_labels(tmp_path / "a.zarr", mask="pieces")
    array = zarr.open_array(tmp_path / "a.zarr")
    array[0, :10, :10] = 3
    with pytest.raises(InputError, match=r"labels 3 and 255.*leave out --mask"):
        volume.read_raw(Tile((0, 0, 0), (1, 600, 600)))
