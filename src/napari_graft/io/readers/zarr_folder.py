"""Folders of zarr version 2 and 3: OME-Zarr images and plain arrays, one of several as ``FOLDER::PART``."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, cast

from napari_graft.core.errors import InputError
from napari_graft.io.axis_names import letters_of, odd_axis
from napari_graft.io.layout import RawImage
from napari_graft.io.ngff import Multiscale, count_multiscales, is_bioformats_layout, read_multiscales
from napari_graft.io.pixel_sizes.attributes import attribute_sizes
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.regular_files import DATASET_MARK, split_location
from napari_graft.io.untrusted import foreign_errors
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

    from napari_graft.io.readers.zarr_store import RegularStore

    location, part = split_location(path)
    with foreign_errors(
        f"{location} cannot be read as zarr", "give a zarr folder, or make a new copy if it is damaged"
    ):
        node = zarr.open(RegularStore(location, read_only=True), mode="r")
        part = part.strip("/")
        if part and isinstance(node, zarr.Group) and count_multiscales(node.attrs.asdict()) > 1:
            return _read_group(node, location, part)
        if part:
            node = _inside(node, part, location)
            location = f"{location}/{part}"
        return _read_array(node) if isinstance(node, zarr.Array) else _read_group(node, location)


def _inside(node: zarr.Array[Any] | zarr.Group, part: str, location: str) -> zarr.Array[Any] | zarr.Group:
    import zarr

    found = node.get(part) if isinstance(node, zarr.Group) else None
    if isinstance(found, zarr.Array | zarr.Group):
        return found
    there = sorted(name for name, _ in node.members()) if isinstance(node, zarr.Group) else []
    raise InputError(
        f"{location} holds no {part!r}: choose one of {', '.join(there[:N_LISTED]) or 'nothing'}"
    )


def _pixels(array: zarr.Array[Any]) -> LazyArray:
    from napari_graft.io.readers.zarr_store import bounded

    return cast(LazyArray, bounded(array))


def _read_array(array: zarr.Array[Any]) -> RawImage:
    attributes = array.attrs.asdict()
    names = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    return RawImage(
        _pixels(array),
        letters_of(names),
        attribute_sizes(attributes),
        doubt=odd_axis(names, tuple(array.shape)),
    )


def _read_group(group: zarr.Group, path: str, wanted: str = "") -> RawImage:
    import zarr

    attributes = group.attrs.asdict()
    multiscale = read_multiscales(attributes, path, wanted)
    if multiscale is not None:
        array = group.get(multiscale.first_path)
        if not isinstance(array, zarr.Array):
            raise InputError(
                f"{path} lacks its array {multiscale.first_path!r}: make a new copy of the folder"
            )
        return _image_of(array, multiscale)
    members = dict(group.members())
    images = {name: node for name, node in members.items() if _is_image(node, f"{path}/{name}")}
    if len(images) == 1:
        ((name, node),) = images.items()
        return _read_array(node) if isinstance(node, zarr.Array) else _read_group(node, f"{path}/{name}")
    if not members:
        raise InputError(f"{path} is a zarr group without an array: give another folder")
    if images and is_bioformats_layout(attributes):
        return _largest(images, path)
    wells = [name for name, node in group.members(max_depth=2) if name.count("/") == 2]
    listed = ", ".join(f"{path}/{name}" for name in (sorted(images) or wells or sorted(members))[:N_LISTED])
    raise InputError(f"{path} is a zarr group that is not one image: choose one of {listed}")


def _image_of(array: zarr.Array[Any], multiscale: Multiscale) -> RawImage:
    return RawImage(
        _pixels(array),
        multiscale.letters,
        (multiscale.stated_size,),
        multiscale.channel_names,
        multiscale.has_colours,
        doubt=odd_axis(multiscale.axis_names, tuple(array.shape)),
        notes=multiscale.notes,
    )


def _largest(images: dict[str, zarr.Array[Any] | zarr.Group], path: str) -> RawImage:
    """Return the image of most pixels among those that Bio-Formats made of one file."""
    opened = {
        name: _read_group(node, f"{path}/{name}")
        for name, node in sorted(images.items())
        if not hasattr(node, "shape")
    }
    chosen = max(opened, key=lambda name: prod(opened[name].data.shape))
    listed = ", ".join(f"{name} {tuple(raw.data.shape)}" for name, raw in list(opened.items())[:N_LISTED])
    note = (
        f"of its {len(opened)} images the largest is used, {DATASET_MARK}{chosen}; "
        f"choose another as {path}{DATASET_MARK}NUMBER from {listed}"
    )
    return opened[chosen].with_note(note)


def _is_image(node: zarr.Array[Any] | zarr.Group, path: str) -> bool:
    import zarr

    return isinstance(node, zarr.Array) or read_multiscales(node.attrs.asdict(), path) is not None


READERS.register("zarr")(Reader((".zarr",), read_zarr, is_folder=True, has_datasets=True))
