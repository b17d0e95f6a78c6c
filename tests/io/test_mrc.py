"""MRC files as programs of microscopy write them, and broken ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_volume

STACK = np.random.default_rng(1).integers(0, 99, (5, 40, 50))


def write(path: Path, data: np.ndarray[Any, Any], angstrom: Any = None, *, is_volume: bool = True) -> Path:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(data)
        if data.ndim == 3:
            (file.set_volume if is_volume else file.set_image_stack)()
        if angstrom is not None:
            file.voxel_size = angstrom
    return path


def all_pixels(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f4", "f2"])
@pytest.mark.parametrize("suffix", ["mrc", "rec", "map", "st", "mrcs"])
def test_a_volume_is_mapped_with_its_size_in_angstrom(tmp_path: Path, dtype: str, suffix: str) -> None:
    volume = open_volume(write(tmp_path / f"a.{suffix}", STACK.astype(dtype), (40.0, 40.0, 400.0)))
    assert volume.axes.names == ("z", "y", "x")
    assert isinstance(volume.data, np.memmap)
    np.testing.assert_array_equal(all_pixels(volume), STACK.astype(dtype))
    assert volume.axes.pixel_size_in("nm") == pytest.approx((40, 4, 4))
    assert volume.size_note.origin == "the header of the MRC file"


def test_an_image_is_two_dimensional(tmp_path: Path) -> None:
    volume = open_volume(write(tmp_path / "a.mrc", STACK[0].astype("i2"), 40.0))
    assert (volume.axes.names, volume.shape) == (("y", "x"), (40, 50))
    assert volume.axes.pixel_size_in("nm") == pytest.approx((4, 4))


def test_a_stack_of_images_says_nothing_of_z(tmp_path: Path) -> None:
    volume = open_volume(write(tmp_path / "a.st", STACK.astype("i2"), 40.0, is_volume=False))
    assert volume.shape == STACK.shape
    assert volume.axes.pixel_size is None
    assert volume.size_note.doubt == "the header of the MRC file says y 4 nm, x 4 nm, and nothing of z"


@pytest.mark.parametrize(
    ("angstrom", "word"), [(0.0, ""), (1.0, "where nobody calibrated"), (0.001, "too fine")]
)
def test_a_size_that_nobody_measured_is_not_used(tmp_path: Path, angstrom: float, word: str) -> None:
    volume = open_volume(write(tmp_path / "a.mrc", STACK.astype("i2"), angstrom))
    assert volume.axes.pixel_size is None
    assert word in volume.size_note.doubt


@pytest.mark.parametrize(("flags", "expected"), [(0, np.uint8), (1, np.int8)])
def test_bytes_of_imod_have_the_sign_that_its_flag_says(tmp_path: Path, flags: int, expected: type) -> None:
    path = write(tmp_path / "a.rec", STACK.astype("i1"))
    content = bytearray(path.read_bytes())
    struct.pack_into("<ii", content, 152, 1146047817, flags)
    path.write_bytes(content)
    assert open_volume(path).dtype == expected


def test_big_endian_files_and_extended_headers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(STACK.astype(">i2"))
        file.set_extended_header(np.zeros(100, "V4"))
    np.testing.assert_array_equal(all_pixels(open_volume(path)), STACK)


def test_axes_in_another_order_keep_their_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.map", STACK.astype("f4"), (40.0, 50.0, 400.0))
    with mrcfile.mmap(path, "r+") as file:
        file.header.mapc, file.header.mapr, file.header.maps = 2, 1, 3
    assert open_volume(path).axes.pixel_size_in("nm") == pytest.approx((40, 4, 5))


def test_complex_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="complex"):
        open_volume(write(tmp_path / "a.mrc", STACK.astype("c8")))


@pytest.mark.parametrize("part", [0.01, 0.05, 0.2, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    path = write(tmp_path / "a.mrc", STACK.astype("f4"))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(InputError, match=r"a\.mrc (is cut short|cannot be read as MRC)"):
        open_volume(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 1023), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4
    )
)
def test_any_damage_of_the_header_ends_in_words(tmp_path: Path, changes: list[tuple[int, bytes]]) -> None:
    path = write(tmp_path / "a.mrc", STACK.astype("i2"), 40.0)
    content = bytearray(path.read_bytes())
    for at, replaced in changes:
        content[at : at + len(replaced)] = replaced
    path.write_bytes(content)
    try:
        volume = open_volume(path)
    except InputError:
        return
    all_pixels(volume)
