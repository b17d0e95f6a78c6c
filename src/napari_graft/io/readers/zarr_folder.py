"""Folders of zarr version 2 and 3: OME-Zarr images and plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from napari_graft.core.errors import InputError
from napari_graft.io.attributes import attribute_sizes, letters_of
from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.ngff import read_multiscales
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.volume import LazyArray

if TYPE_CHECKING:
    import zarr

N_LISTED = 20


def read_zarr(path: str) -> RawImage:
    """Open an OME-Zarr image at full resolution, or a plain array; a group may hold one of them.

    Raises
    ------
    InputError
        If the folder is no zarr, holds several images, or its metadata are not valid.
    """
    import zarr

    with foreign_errors(
        f"{path} cannot be read as zarr", "give a zarr folder, or make a new copy if it is damaged"
    ):
        node = zarr.open(path, mode="r")
        return _read_array(node) if isinstance(node, zarr.Array) else _read_group(node, path)


def _read_array(array: zarr.Array[Any]) -> RawImage:
    attributes = array.attrs.asdict()
    names = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    return RawImage(cast(LazyArray, array), letters_of(names), attribute_sizes(attributes))


def _read_group(group: zarr.Group, path: str) -> RawImage:
    import zarr

    multiscale = read_multiscales(group.attrs.asdict(), path)
    if multiscale is not None:
        array = group.get(multiscale.first_path)
        if not isinstance(array, zarr.Array):
            raise InputError(
                f"{path} lacks its array {multiscale.first_path!r}: make a new copy of the folder"
            )
        return RawImage(cast(LazyArray, array), multiscale.letters, (multiscale.stated_size,))
    members = dict(group.members())
    images = {name: node for name, node in members.items() if _is_image(node, f"{path}/{name}")}
    if len(images) == 1:
        ((name, node),) = images.items()
        return _read_array(node) if isinstance(node, zarr.Array) else _read_group(node, f"{path}/{name}")
    if not members:
        raise InputError(f"{path} is a zarr group without an array: give another folder")
    listed = ", ".join(f"{path}/{name}" for name in sorted(images or members)[:N_LISTED])
    raise InputError(f"{path} is a zarr group that is not one image: choose one of {listed}")


def _is_image(node: zarr.Array[Any] | zarr.Group, path: str) -> bool:
    import zarr

    return isinstance(node, zarr.Array) or read_multiscales(node.attrs.asdict(), path) is not None


READERS.register("zarr")(Reader((".zarr",), read_zarr, is_folder=True))
