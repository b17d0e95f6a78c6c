"""Depths, inks, compressions and orders of bytes in TIFF: right values, or words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.io.volume import LUMINANCE
from tiffs import write_tiff

RNG = np.random.default_rng(0)
RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1], RAMP // 2], -1)


def read_all(path: Path) -> NDArray[np.float32]:
    volume = open_volume(path)
    return volume.read(Tile((0,) * len(volume.shape), volume.shape))


def of_inks(inks: NDArray[np.generic], most: int) -> NDArray[np.float64]:
    shares = inks / most
    return (1 - shares[..., :3]) * (1 - shares[..., 3:]) * most @ np.asarray(LUMINANCE)


def packed(pixels: NDArray[np.generic], bits: int) -> bytes:
    """Return pixels in so many bits each, every row filled up to whole bytes."""
    places = (pixels[..., None].astype(int) >> np.arange(bits)[::-1]) & 1
    return np.packbits(places.reshape(len(pixels), -1).astype(np.uint8), axis=1).tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("width", [63, 64])
@pytest.mark.parametrize("bits", [2, 4, 12])
def test_pixels_of_fewer_bits_than_a_byte_or_two_are_read(
    tmp_path: Path, bits: int, width: int, order: str
) -> None:
    pixels = RNG.integers(0, 2**bits, (47, width))
    tags = {256: width, 257: 47, 258: bits}
    path = write_tiff(tmp_path / "a.tif", tags, packed(pixels, bits), order=order)
    np.testing.assert_array_equal(read_all(path), pixels)
    inverted = write_tiff(tmp_path / "b.tif", tags | {262: 0}, packed(pixels, bits), order=order)
    np.testing.assert_array_equal(read_all(inverted), 2**bits - 1 - pixels)


def test_one_bit_is_a_mask_for_labels_and_no_image(tmp_path: Path) -> None:
    pixels = np.zeros((47, 63), int)
    pixels[5:20, 6:30] = 1
    path = write_tiff(tmp_path / "a.tif", {256: 63, 257: 47, 258: 1}, packed(pixels, 1))
    with pytest.raises(InputError, match="true and false"):
        open_volume(path)
    np.testing.assert_array_equal(open_labels(path).read_raw(Tile((0, 0), (47, 63))), pixels)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_palette_gives_colours_of_an_image_and_numbers_of_labels(tmp_path: Path, bits: int) -> None:
    pixels = RNG.integers(0, 2**bits, (48, 64))
    table = RNG.integers(0, 256, (3, 2**bits))
    tags = {256: 64, 257: 48, 258: bits, 262: 3, 320: tuple(int(n) * 257 for n in table.ravel())}
    path = write_tiff(tmp_path / "a.tif", tags, packed(pixels, bits))
    wanted = np.moveaxis(table[:, pixels], 0, -1) @ np.asarray(LUMINANCE)
    np.testing.assert_allclose(read_all(path), wanted, atol=0.01)
    np.testing.assert_array_equal(open_labels(path).read_raw(Tile((0, 0), (48, 64))), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inks_become_grey_however_they_are_stored(
    tmp_path: Path, dtype: type[np.unsignedinteger], compression: str | None, planar: str
) -> None:
    most = int(np.iinfo(dtype).max)
    inks = RNG.integers(0, most, (48, 64, 4)).astype(dtype)
    stored = np.moveaxis(inks, -1, 0) if planar == "separate" else inks
    options = {"photometric": "separated", "compression": compression, "planarconfig": planar}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    np.testing.assert_allclose(read_all(tmp_path / "a.tif"), of_inks(inks, most), atol=most / 200)


@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_inks_of_a_jpeg_are_not_inverted(tmp_path: Path, name: str) -> None:
    options = {"compression": "jpeg"} if name == "a.tif" else {}
    Image.fromarray(COLOURS, "CMYK").save(tmp_path / name, quality=100, **options)
    np.testing.assert_allclose(read_all(tmp_path / name), of_inks(COLOURS, 255), atol=5)


@pytest.mark.parametrize("compression", ["jpeg2000", "jpegxl", "zstd", "lzma", "png"])
def test_compressions_of_today_are_read(tmp_path: Path, compression: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RAMP, compression=compression, photometric="minisblack")
    np.testing.assert_allclose(read_all(tmp_path / "a.tif"), RAMP, atol=1)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "u2", "u4", "i8"])
def test_numbers_of_any_type_and_order_are_read(
    tmp_path: Path, dtype: str, compression: str | None, order: str
) -> None:
    pixels = (RAMP - 40.0).clip(0).astype(dtype)
    options = {"compression": compression, "byteorder": order, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    np.testing.assert_array_equal(read_all(tmp_path / "a.tif"), pixels.astype(np.float32))


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_complex_numbers_are_refused_in_words(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RAMP.astype(dtype), photometric="minisblack")
    with pytest.raises(InputError, match="complex numbers: save the magnitude"):
        open_volume(tmp_path / "a.tif")


def test_pixels_without_data_are_named(tmp_path: Path) -> None:
    pixels = RAMP.astype(np.float32)
    pixels[3, 4] = np.nan
    tags = [(42113, "s", 4, "nan", True)]
    tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=tags, photometric="minisblack")
    with pytest.raises(InputError, match=r"pixel \(3, 4\) .* is nan: replace"):
        read_all(tmp_path / "a.tif")


def test_a_page_that_lacks_the_places_of_strips_is_refused(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", {257: 128, 278: 64, 259: 8}, bytes(4096))
    with pytest.raises(InputError, match="1 of the 2 parts"):
        open_volume(path)
