"""Headers that say more than there is: words at once and with little memory, whatever the format."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.io.untrusted import parse_npy
from napari_graft.io.volume import LARGEST_CHUNK_BYTES, refuse_immense
from tiffs import write_tiff

IMMENSE = 2**62
MOST_GROWTH_MB = 300
Open = Callable[[str], object]


def open_image(path: str) -> object:
    volume = open_volume(path)
    return volume.read(Tile((0,) * len(volume.shape), (1,) * (len(volume.shape) - 2) + (16, 16)))


OPENERS = pytest.mark.parametrize("opener", [open_image, open_labels])


def write_zarr(folder: Path, version: int, shape: list[int], chunk: list[int], dtype: str = "uint16") -> str:
    path = folder / "a.zarr"
    path.mkdir()
    if version == 2:
        header: dict[str, object] = {"zarr_format": 2, "shape": shape, "chunks": chunk, "order": "C"}
        header |= {"dtype": np.dtype(dtype).str, "compressor": None, "fill_value": 0, "filters": None}
        (path / ".zarray").write_text(json.dumps(header))
    else:
        header = {"zarr_format": 3, "node_type": "array", "shape": shape, "data_type": dtype, "fill_value": 0}
        header["chunk_grid"] = {"name": "regular", "configuration": {"chunk_shape": chunk}}
        header["chunk_key_encoding"] = {"name": "default", "configuration": {"separator": "/"}}
        header["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}]
        (path / "zarr.json").write_text(json.dumps(header))
    return str(path)


def refusal(opener: Open, path: str) -> str:
    """Return in which words a file is refused, once it is known that this took no memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as refused:
        opener(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_MB * 1024
    assert path in str(refused.value)
    return str(refused.value)


@OPENERS
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("shape", "chunk"),
    [
        ([IMMENSE, 64, 64], [1, 64, 64]),
        ([IMMENSE, IMMENSE], [64, 64]),
        ([2**70, 64], [1, 1]),
        ([2**40, 2**40], [64, 64]),
        ([64, 64], [IMMENSE, IMMENSE]),
        ([64, 64], [2**20, 2**20]),
        ([64, 64], [2**16, 2**15]),
        ([64, 64], [0, 0]),
        ([64, 64], [-1, 64]),
        ([-64, 64], [64, 64]),
    ],
)
def test_zarr_of_absurd_shape_or_chunk_is_refused_in_words(
    tmp_path: Path, version: int, shape: list[int], chunk: list[int], opener: Open
) -> None:
    refusal(opener, write_zarr(tmp_path, version, shape, chunk))


@pytest.mark.parametrize("dtype", ["|V1000000000", "|S1000000000", "|O", "<c16", "|b1", "<M8[ns]"])
def test_zarr_of_no_number_is_refused_in_words(tmp_path: Path, dtype: str) -> None:
    path = Path(write_zarr(tmp_path, 2, [64, 64], [64, 64]))
    header = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps(header | {"dtype": dtype}))
    refusal(open_image, str(path))


@OPENERS
@pytest.mark.parametrize(
    "options",
    [
        {"shape": (2**31, 2**31), "chunks": (64, 64)},
        {"shape": (2**31, 2**30)},
        {"shape": (2**16, 2**16), "chunks": (2**16, 2**15), "compression": "gzip"},
        {"shape": (2**16, 2**16), "chunks": (2**16, 2**15), "shuffle": True},
    ],
)
def test_hdf5_of_absurd_shape_or_chunk_is_refused_in_words(
    tmp_path: Path, options: dict[str, object], opener: Open
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("image", dtype="u1", **options)
    refusal(opener, str(path))


@pytest.mark.parametrize("dtype", [h5py.vlen_dtype("u1"), np.dtype("V1000000"), np.dtype("c8")])
def test_a_single_dataset_of_no_numbers_says_why_it_is_no_image(tmp_path: Path, dtype: np.dtype) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("image", shape=(64, 64), dtype=dtype)
    assert "has the dtype" in refusal(open_image, str(path))


@OPENERS
@pytest.mark.parametrize("compression", [1, 5, 7, 8, 32773])
@pytest.mark.parametrize(
    "tags",
    [
        {256: 2**31, 257: 2**31 - 1},
        {256: 2**32 - 1, 257: 2**32 - 1, 258: 16},
        {256: 2**16, 257: 2**16},
        {257: 2**32 - 1},
        {322: 2**30, 323: 2**30},
        {322: 2**16, 323: 2**16},
        {277: 65535},
        {258: 65535},
    ],
)
def test_tiff_of_absurd_width_height_or_tile_is_refused_in_words(
    tmp_path: Path, tags: dict[int, int], compression: int, opener: Open
) -> None:
    path = write_tiff(tmp_path / "a.tif", {259: compression} | tags, bytes(4096))
    refusal(opener, str(path))


def test_absurd_rows_per_strip_change_nothing(tmp_path: Path) -> None:
    stored = np.arange(4096, dtype=np.uint16).astype(np.uint8).reshape(64, 64)
    path = write_tiff(tmp_path / "a.tif", {278: 2**32 - 1}, stored.tobytes())
    np.testing.assert_array_equal(open_volume(path).read(Tile((0, 0), (64, 64))), stored)


@pytest.mark.parametrize("n_slices", [10**9, 10**15])
def test_ome_xml_that_speaks_of_immensely_many_planes_is_refused_in_words(
    tmp_path: Path, n_slices: int
) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((3, 64, 64), np.uint8), metadata={"axes": "ZYX"})
    xml = tifffile.tiffcomment(path).replace('SizeZ="3"', f'SizeZ="{n_slices}"')
    tifffile.tiffcomment(path, xml.encode())
    assert f"{n_slices} planes" in refusal(open_image, str(path))


@pytest.mark.parametrize("shape", [f"({IMMENSE}, 64)", f"({IMMENSE}, {IMMENSE})", "(-1, 64)", f"({2**70},)"])
def test_npy_header_of_absurd_shape_is_refused_in_words(shape: str) -> None:
    header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)
    with pytest.raises(InputError, match=r"a\.npy"):
        parse_npy(data, "a.npy")


def test_large_but_real_arrays_pass() -> None:
    class Real:
        shape, ndim, dtype = (30_000, 250_000, 250_000), 3, np.dtype(np.uint8)
        chunks = (1024, 1024, LARGEST_CHUNK_BYTES >> 20)

        def __getitem__(self, key: object) -> object:
            raise AssertionError("its header is enough")

    refuse_immense(Real(), "a.zarr")
