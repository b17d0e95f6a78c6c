"""Chunks that unpack to far more than their pixels, and those that do not."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs.numcodecs as numcodecs_of_3
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume
from napari_graft.io.readers.unpacking import can_unpack, largest_unpacked, unpack_within

SHAPE, CHUNK = (128, 192), (64, 64)
WHOLE = Tile((0, 0), SHAPE)
IMAGE = np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)
N_BOMB = 128 << 20
LIMIT = 1 << 20

Compress = Callable[[bytes], bytes]
METHODS: dict[str, tuple[Any, Compress]] = {
    "zlib": (numcodecs.Zlib(), zlib.compress),
    "gzip": (numcodecs.GZip(), gzip.compress),
    "bz2": (numcodecs.BZ2(), numcodecs.BZ2().encode),
    "lzma": (numcodecs.LZMA(), numcodecs.LZMA().encode),
    "blosc": (numcodecs.Blosc(), numcodecs.Blosc().encode),
    "zstd": (numcodecs.Zstd(), numcodecs.Zstd().encode),
    "lz4": (numcodecs.LZ4(), numcodecs.LZ4().encode),
}
OF_VERSION_3: dict[str, Any] = {
    "gzip": GzipCodec(),
    "blosc": BloscCodec(),
    "zstd": ZstdCodec(),
    "numcodecs.zlib": {"name": "numcodecs.zlib", "configuration": {"level": 1}},
    "numcodecs.lz4": {"name": "numcodecs.lz4", "configuration": {"acceleration": 1}},
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n_bytes", [1, 5, 300, 70_000, LIMIT])
def test_what_fits_is_unpacked_as_it_was(name: str, n_bytes: int) -> None:
    codec, compress = METHODS[name]
    data = np.random.default_rng(1).integers(0, 9, n_bytes, dtype=np.uint8).tobytes()
    packed = bytes(compress(data))
    found = unpack_within(LIMIT, codec.get_config(), packed)
    assert bytes(codec.decode(packed) if found is None else found) == data


@pytest.mark.parametrize("name", METHODS)
def test_what_does_not_fit_is_refused(name: str) -> None:
    codec, compress = METHODS[name]
    for n_bytes in (LIMIT + 1, 100 * LIMIT):
        with pytest.raises(ValueError, match="unpacks to more than 1 MB"):
            unpack_within(LIMIT, codec.get_config(), bytes(compress(bytes(n_bytes))))


@pytest.mark.parametrize("n_bytes", [100, LIMIT, LIMIT + 1, 50 * LIMIT])
def test_zstd_that_does_not_say_its_size_is_bounded_as_well(n_bytes: int) -> None:
    stream = zstd_without_size(bytes(n_bytes))
    if n_bytes <= LIMIT:
        assert unpack_within(LIMIT, {"id": "zstd"}, stream) == bytes(n_bytes)
    else:
        with pytest.raises(ValueError, match="unpacks to more than 1 MB"):
            unpack_within(LIMIT, {"id": "zstd"}, stream)


def zstd_without_size(data: bytes) -> bytes:
    """Return a frame of raw and repeated blocks whose header leaves the size out (RFC 8878, 3.1.1)."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0, 0x58])  # no size, a window of 2 MB
    largest = 128 << 10
    sizes = [largest] * (len(data) // largest) + [len(data) % largest]
    blocks = b""
    for number, size in enumerate(sizes):
        is_last = number == len(sizes) - 1
        blocks += (is_last | 1 << 1 | size << 3).to_bytes(3, "little") + data[:1]
    assert imagecodecs.zstd_decode(header + blocks, out=len(data)) == data
    return header + blocks


def test_several_gzip_streams_in_a_row_are_one() -> None:
    packed = gzip.compress(b"stack ") + gzip.compress(b"of slices") + bytes(7)
    assert unpack_within(LIMIT, {"id": "gzip"}, packed) == b"stack of slices"
    with pytest.raises(ValueError, match="more than 1 MB"):
        unpack_within(LIMIT, {"id": "gzip"}, gzip.compress(bytes(LIMIT)) * 2)


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "lzma"])
def test_a_stream_that_is_cut_short_is_refused(name: str) -> None:
    codec, compress = METHODS[name]
    packed = bytes(compress(IMAGE.tobytes()))
    with pytest.raises(ValueError, match="cut short"):
        unpack_within(largest_unpacked(IMAGE.nbytes), codec.get_config(), packed[:-40])


def test_other_methods_are_left_to_the_library() -> None:
    assert not can_unpack(numcodecs.Delta("u2").get_config())
    assert unpack_within(1, {"id": "delta"}, bytes(99)) is None


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("filters", [[], [numcodecs.Delta("u2")], [numcodecs.Shuffle(2)]])
def test_zarr_of_version_2_is_read_as_it_was_written(tmp_path: Path, name: str, filters: list[Any]) -> None:
    array = zarr.create_array(
        tmp_path / "a.zarr",
        shape=SHAPE,
        chunks=CHUNK,
        dtype="u2",
        compressors=METHODS[name][0],
        filters=filters,
        zarr_format=2,
    )
    array[:] = IMAGE
    np.testing.assert_array_equal(open_volume(tmp_path / "a.zarr").read_raw(WHOLE), IMAGE)


@pytest.mark.parametrize("name", OF_VERSION_3)
@pytest.mark.parametrize("shards", [None, (128, 128)])
@pytest.mark.filterwarnings("ignore:Numcodecs codecs:UserWarning")
def test_zarr_of_version_3_is_read_as_it_was_written(tmp_path: Path, name: str, shards: Any) -> None:
    array = zarr.create_array(
        tmp_path / "a.zarr",
        shape=SHAPE,
        chunks=CHUNK,
        shards=shards,
        dtype="u2",
        compressors=OF_VERSION_3[name],
        filters=[numcodecs_of_3.Delta(dtype="u2")],
    )
    array[:] = IMAGE
    np.testing.assert_array_equal(open_volume(tmp_path / "a.zarr").read_raw(WHOLE), IMAGE)


@pytest.mark.parametrize(
    "options", [{}, {"shuffle": True}, {"shuffle": True, "fletcher32": True}, {"scaleoffset": 0}]
)
@pytest.mark.parametrize("compression", ["gzip", "lzf", None])
def test_hdf5_is_read_as_it_was_written(
    tmp_path: Path, options: dict[str, Any], compression: str | None
) -> None:
    image = np.random.default_rng(0).integers(0, 60_000, (1500, 1000)).astype(np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset(
            "a", image.shape, "u2", chunks=(700, 600), compression=compression, **options
        )
        dataset[:900] = image[:900]
    image[1400:] = 0
    volume = open_volume(tmp_path / "a.h5")
    for tile in (Tile((0, 0), (700, 1000)), Tile((650, 590), (77, 20)), Tile((1400, 0), (50, 50))):
        np.testing.assert_array_equal(volume.read_raw(tile), image[tile.slices])


def bomb_zarr(path: Path, compressor: Any, chunk: bytes, version: int, **options: Any) -> str:
    array = zarr.create_array(
        path, shape=(256, 1024), chunks=(64, 64), dtype="u1", compressors=compressor,
        zarr_format=version, **options,
    )  # fmt: skip
    array[:] = 1
    for file in path.rglob("*"):
        if file.is_file() and file.name not in ("zarr.json", ".zarray", ".zattrs"):
            file.write_bytes(chunk)
    return str(path)


def test_bombs_in_chunks_take_no_memory_and_are_told_in_words(tmp_path: Path) -> None:
    nothing = bytes(N_BOMB)
    deflated = zlib.compress(nothing)
    paths = [
        bomb_zarr(tmp_path / "gzip.zarr", GzipCodec(), gzip.compress(nothing), 3),
        bomb_zarr(tmp_path / "zstd.zarr", ZstdCodec(), numcodecs.Zstd().encode(nothing), 3),
        bomb_zarr(tmp_path / "blosc.zarr", BloscCodec(), numcodecs.Blosc().encode(nothing), 3),
        bomb_zarr(tmp_path / "v2.zarr", numcodecs.Zlib(), deflated, 2),
        bomb_zarr(tmp_path / "filter.zarr", None, deflated, 2, filters=[numcodecs.Zlib()]),
    ]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", (256, 1024), "u1", chunks=(64, 64), compression="gzip")
        for start in np.ndindex(4, 16):
            dataset.id.write_direct_chunk((start[0] * 64, start[1] * 64), deflated)
    paths.append(str(tmp_path / "a.h5"))
    program = (
        "import re, sys\n"
        "from napari_graft.io import open_volume\n"
        "from napari_graft.core.tile import Tile\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        open_volume(path).read(Tile((0, 0), (256, 1024)))\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) >> 10)"
    )
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True)
    *refusals, peak_mb = done.stdout.splitlines()
    assert len(refusals) == len(paths)
    for words, path in zip(refusals, paths, strict=True):
        assert words.startswith("InputError cannot read pixels") and path in words
        assert "unpacks to more than 1 MB" in words and "make a new copy" in words
    assert int(peak_mb) < 500
    assert done.stderr == ""


def crc32c(data: bytes) -> int:
    """Return the checksum of RFC 3720, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_a_bomb_within_a_shard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    array = zarr.create_array(
        path, shape=(64, 64), chunks=(32, 32), shards=(64, 64), dtype="u1", compressors=GzipCodec()
    )
    array[:] = np.random.default_rng(0).integers(0, 255, (64, 64))
    (shard,) = (file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json")
    data, bomb = shard.read_bytes(), gzip.compress(bytes(8 << 20), 9)
    n_index = 4 * 16 + 4
    index = np.frombuffer(data[-n_index:-4], "<u8").reshape(4, 2).copy()
    index[:] = len(data) - n_index, len(bomb)
    table = index.tobytes()
    shard.write_bytes(data[:-n_index] + bomb + table + crc32c(table).to_bytes(4, "little"))
    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        open_volume(path).read(Tile((0, 0), (64, 64)))
    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        open_volume(path).read(Tile((0, 0), (8, 8)))


def test_to_read_within_bounds_changes_nothing_for_who_writes_meanwhile(tmp_path: Path) -> None:
    zarr.save_array(tmp_path / "read.zarr", IMAGE)
    done = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(open_until, done, tmp_path / "read.zarr") for _ in range(2)]
        try:
            for number in range(40):
                zarr.create_array(tmp_path / f"{number}.zarr", data=IMAGE)
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert all(np.array_equal(zarr.open_array(tmp_path / f"{n}.zarr")[:], IMAGE) for n in range(40))


def open_until(done: threading.Event, path: Path) -> None:
    while not done.is_set():
        assert np.array_equal(open_volume(path).read_raw(WHOLE), IMAGE)
