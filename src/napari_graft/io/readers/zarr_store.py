"""Read the files of a zarr folder, nothing that only looks like a file, and decode chunks within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import zarr
from zarr.abc.codec import BytesBytesCodec, Codec, CodecPipeline
from zarr.abc.store import ByteRequest
from zarr.codecs import ShardingCodec
from zarr.codecs._v2 import V2Codec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.core.metadata import ArrayV2Metadata
from zarr.storage import LocalStore

from napari_graft.io.readers.unpacking import can_unpack, largest_unpacked, unpack_within

if TYPE_CHECKING:
    from zarr.abc.numcodec import Numcodec
    from zarr.abc.store import ByteGetter
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.indexing import SelectorTuple

    ChunkToRead = tuple[ByteGetter, ArraySpec, SelectorTuple, SelectorTuple, bool]


class BoundedPipeline(BatchedCodecPipeline):
    """Codecs of an array, none of which unpacks a chunk to much more than its pixels need."""

    @classmethod
    def from_codecs(cls, codecs: Iterable[Codec], *, batch_size: int | None = None) -> Self:
        """Return the pipeline of these codecs, each bounded."""
        return super().from_codecs([_bounded(codec) for codec in codecs], batch_size=batch_size)

    async def read(
        self, batch_info: Iterable[ChunkToRead], out: NDBuffer, drop_axes: tuple[int, ...] = ()
    ) -> None:
        """Read chunks; where one cannot be read, begin no other and wait for those under way.

        Else they would go on behind the error, and a command that ends with it would end in tracebacks.
        """
        errors: list[Exception] = []
        n_at_once = asyncio.Semaphore(zarr.config.get("async.concurrency") or _MANY)

        async def read_one(chunk: ChunkToRead) -> None:
            async with n_at_once:
                if not errors:
                    try:
                        await self.read_batch([chunk], out, drop_axes)
                    except Exception as error:  # codecs raise anything; raised below
                        errors.append(error)

        await asyncio.gather(*(read_one(chunk) for chunk in batch_info))
        if errors:
            raise errors[0]


def bounded(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return an array whose chunks are read within bounds.

    The pipeline is changed for this array alone: zarr's own choice, ``zarr.config``, holds for all threads,
    one of which may be about to write.
    """
    metadata = array.metadata
    codecs: tuple[Codec, ...] = (
        (V2Codec(metadata.filters, metadata.compressor),)
        if isinstance(metadata, ArrayV2Metadata)
        else metadata.codecs
    )
    read_within = copy(array.async_array)
    # no argument of a constructor names the pipeline, and the class is frozen
    object.__setattr__(read_within, "codec_pipeline", BoundedPipeline.from_codecs(codecs))
    return zarr.Array(read_within)


_MANY = 64
_OF_NUMCODECS = "numcodecs."


def _bounded(codec: Codec) -> Codec:
    if isinstance(codec, V2Codec):
        return _BoundedV2(codec.filters, codec.compressor)
    if isinstance(codec, ShardingCodec):
        return _BoundedSharding(
            chunk_shape=codec.chunk_shape,
            codecs=codec.codecs,
            index_codecs=codec.index_codecs,
            index_location=codec.index_location,
        )
    if isinstance(codec, BytesBytesCodec) and not isinstance(codec, _BoundedBytes):
        return _BoundedBytes(codec)
    return codec


def _limit(spec: ArraySpec) -> int:
    n_bytes = spec.dtype.to_native_dtype().itemsize
    for n in spec.shape:
        n_bytes *= n
    return largest_unpacked(n_bytes)


@dataclass(frozen=True)
class _BoundedBytes(BytesBytesCodec):
    """A codec from bytes to bytes that refuses to unpack too much."""

    inner: BytesBytesCodec

    @property
    def is_fixed_size(self) -> bool:  # type: ignore[override]  # a constant there
        return self.inner.is_fixed_size

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        return self.inner.compute_encoded_size(input_byte_length, chunk_spec)

    def to_dict(self) -> dict[str, Any]:
        return self.inner.to_dict()

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> _BoundedBytes:
        return _BoundedBytes(self.inner.evolve_from_array_spec(array_spec))

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        stored = self.inner.to_dict()
        settings = stored.get("configuration")
        method = {
            **(settings if isinstance(settings, Mapping) else {}),
            "id": str(stored.get("name")).removeprefix(_OF_NUMCODECS),
        }
        found = await asyncio.to_thread(unpack_within, _limit(chunk_spec), method, chunk_data.to_bytes())
        if found is None:
            return await self.inner._decode_single(chunk_data, chunk_spec)
        return chunk_spec.prototype.buffer.from_bytes(found)


@dataclass(frozen=True)
class _BoundedV2(V2Codec):
    """The compressor and filters of a zarr of version 2, that refuse to unpack too much."""

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        limit = _limit(chunk_spec)
        filters = tuple(_BoundedNumcodec(one, limit) for one in self.filters or ())
        compressor = None if self.compressor is None else _BoundedNumcodec(self.compressor, limit)
        bounded = V2Codec(cast("tuple[Numcodec, ...]", filters), cast("Numcodec | None", compressor))
        return await bounded._decode_single(chunk_bytes, chunk_spec)


@dataclass(frozen=True)
class _BoundedNumcodec:
    """A codec of numcodecs of which nothing is asked but to decode."""

    inner: Numcodec
    limit: int

    def decode(self, buf: Any, out: Any = None) -> Any:
        method = self.inner.get_config()
        found = unpack_within(self.limit, method, bytes(buf)) if can_unpack(method) else None
        return self.inner.decode(buf) if found is None else found


class _BoundedSharding(ShardingCodec):
    """Chunks within a shard, each decoded within bounds."""

    @property
    def codec_pipeline(self) -> CodecPipeline:
        """The codecs of the chunks within."""
        return BoundedPipeline.from_codecs(self.codecs)


class RegularStore(LocalStore):
    """Zarr store that refuses pipes and devices in place of chunks: to read one may never end.

    Links are followed. An image of the user's may well be made of them: chunks on several disks, or data that
    git-annex keeps, where each chunk is one. In a project, links are refused before anything is read.
    """

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the content of a file, None where there is none.

        Raises
        ------
        OSError
            If something else than a file is there.
        """
        path = self.root / key
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(f"{key} is no file but a pipe or a device")
        return await super().get(key, prototype, byte_range)


def open_own_array(path: Path) -> zarr.Array[Any]:
    """Open the full resolution of an OME-Zarr image that we wrote, to be read; nothing is read yet."""
    return bounded(zarr.open_array(RegularStore(path / "0", read_only=True), mode="r"))
