from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_graft._napari.project_layers import lazy_array, lazy_pixels
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume


def test_only_the_blocks_that_are_looked_at_are_read() -> None:
    whole = np.random.default_rng(0).integers(0, 9, (6, 40, 50))
    read: list[Tile] = []

    def read_box(box: Tile) -> np.ndarray:
        read.append(box)
        return whole[box.slices]

    lazy = lazy_array(read_box, whole.shape, whole.dtype, (1, 32, 32))
    assert read == []
    np.testing.assert_array_equal(lazy[3].compute(), whole[3])
    assert {box.start[0] for box in read} == {3}
    read.clear()
    np.testing.assert_array_equal(lazy[2:4, 35:, 40:].compute(), whole[2:4, 35:, 40:])
    assert {box.start for box in read} == {(2, 32, 32), (3, 32, 32)}


@pytest.mark.parametrize("shape", [(40, 50), (3, 40, 50), (40, 50, 3)])
def test_pixels_of_a_file_are_those_that_it_holds(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    photometric = "rgb" if shape[-1] == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", photometric=photometric)

    lazy = lazy_pixels(open_volume(tmp_path / "a.tif"))

    assert (lazy.shape, lazy.dtype) == (shape, np.uint8)
    np.testing.assert_array_equal(lazy.compute(), pixels)


def test_channels_that_come_first_are_shown_last(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate")

    lazy = lazy_pixels(open_volume(tmp_path / "a.tif", axes="cyx"))

    np.testing.assert_array_equal(lazy.compute(), np.moveaxis(pixels, 0, -1))


def test_blocks_are_whole_chunks_of_a_zarr(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(70, 3000, 600), chunks=(16, 100, 64), dtype="u1")
    array[5, 7] = 3

    lazy = lazy_pixels(open_volume(tmp_path / "a.zarr"))

    assert lazy.chunksize == (16, 1100, 600)
    assert lazy[5, 7].compute().tolist() == [3] * 600
