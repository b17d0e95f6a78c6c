"""The metadata of OME-Zarr images (https://ngff.openmicroscopy.org): read 0.1 to 0.5, write 0.5.

Reading takes the few fields that are needed and ignores the rest, because files in the wild lack parts that
the strict models of ome-zarr-models ask for; those models check, in the tests, what is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.io.axis_names import letters_of
from napari_graft.io.pixel_sizes import StatedSize, state_size

OLD_AXES = ("t", "c", "z", "y", "x")
ORIGIN = "the OME-Zarr metadata"
_LETTER_BY_TYPE = {"time": "t", "channel": "c"}


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Axis(_Lenient):
    name: str
    type: str | None = None
    unit: str | None = None


class _Transformation(_Lenient):
    type: str
    scale: tuple[float, ...] | None = None


class _Dataset(_Lenient):
    path: str
    coordinateTransformations: tuple[_Transformation, ...] = ()  # noqa: N815 - the name in the file


class _Multiscale(_Lenient):
    axes: tuple[_Axis | str, ...] = OLD_AXES
    datasets: tuple[_Dataset, ...] = Field(min_length=1)
    coordinateTransformations: tuple[_Transformation, ...] = ()  # noqa: N815 - the name in the file


@dataclass(frozen=True, slots=True)
class Multiscale:
    """Where the full resolution of an OME-Zarr image is, and what its axes are.

    Parameters
    ----------
    first_path
        Path of the full-resolution array inside the group.
    letters
        One letter of ``tczyx`` for each axis.
    stated_size
        What the scale says about the length of a pixel.
    """

    first_path: str
    axis_names: tuple[str, ...]
    stated_size: StatedSize
    channel_names: tuple[str, ...] = ()
    has_colours: bool | None = None
    notes: tuple[str, ...] = ()

    @property
    def letters(self) -> str | None:
        """One letter of ``tczyx`` for each axis, ``?`` where it is none of them."""
        return letters_of(self.axis_names)


def read_multiscales(attributes: Mapping[str, object], path: str, wanted: str = "") -> Multiscale | None:
    """Return an image that a group's attributes describe, None where they describe none.

    Parameters
    ----------
    wanted
        Number or name of one image of several; without it the first is returned, with a note.

    Raises
    ------
    InputError
        If they describe one wrongly, or there is none that is wanted.
    """
    images = _images(attributes)
    if not images:
        return None
    index = _choose(images, wanted, path)
    try:
        image = _Multiscale.model_validate(images[index])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("multiscales", index, *first["loc"]))
        raise InputError(
            f"{path} has wrong OME-Zarr metadata at {where}: {first['msg']}: correct them"
        ) from error
    axes = [axis if isinstance(axis, _Axis) else _Axis(name=axis) for axis in image.axes]
    names = tuple(_LETTER_BY_TYPE.get(axis.type or "", axis.name) for axis in axes)
    scale = _full_scale(image, len(axes))
    lengths: dict[str, tuple[object, object]] = {
        axis.name.lower(): (abs(size), axis.unit) for axis, size in zip(axes, scale, strict=False)
    }
    channels, has_colours = _channels(attributes)
    note = f"of its {len(images)} images number {index} is used; {path}::{1 - index} takes another"
    notes = (note,) if len(images) > 1 and not wanted else ()
    stated = state_size(ORIGIN, lengths)
    return Multiscale(image.datasets[0].path, names, stated, channels, has_colours, notes)


def count_multiscales(attributes: Mapping[str, object]) -> int:
    """Return how many images a group's attributes describe."""
    return len(_images(attributes))


def is_bioformats_layout(attributes: Mapping[str, object]) -> bool:
    """Say whether a group holds the images that bioformats2raw made of one file."""
    return "bioformats2raw.layout" in _ome(attributes)


def _ome(attributes: Mapping[str, object]) -> Mapping[str, object]:
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, Mapping) else {}


def _images(attributes: Mapping[str, object]) -> Sequence[object]:
    images = _ome(attributes).get("multiscales")
    return images if isinstance(images, list | tuple) else ()


def _choose(images: Sequence[object], wanted: str, path: str) -> int:
    names = [str(image.get("name")) if isinstance(image, Mapping) else "" for image in images]
    if not wanted:
        return 0
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(images):
        return int(wanted)
    listed = ", ".join(f"{i} {name!r}" for i, name in enumerate(names))
    raise InputError(f"{path} has no image {wanted!r}: choose one as {path}::NUMBER from {listed}")


def _channels(attributes: Mapping[str, object]) -> tuple[tuple[str, ...], bool | None]:
    """Return the names of the channels, and whether they are colours, None where nothing is said."""
    omero = _ome(attributes).get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list | tuple) or not all(isinstance(one, Mapping) for one in channels):
        return (), None
    names = tuple(str(one.get("label") or "") for one in channels)
    if not all(names):
        return (), None
    return names, tuple(name.lower() for name in names) in (("red", "green", "blue"), ("r", "g", "b"))


def _full_scale(image: _Multiscale, n_axes: int) -> list[float]:
    """Multiply the scale of dataset 0 by that of the whole image; empty where none fits the axes."""
    own = [step.scale for step in image.datasets[0].coordinateTransformations if step.scale is not None]
    whole = [step.scale for step in image.coordinateTransformations if step.scale is not None]
    if not own + whole or any(len(scale) != n_axes for scale in own + whole):
        return []
    total = [1.0] * n_axes
    for scale in own + whole:
        total = [a * b for a, b in zip(total, scale, strict=True)]
    return total


def write_multiscales(
    axes: Axes,
    name: str,
    *,
    is_label: bool,
    has_channels: bool = False,
    origin: Sequence[int] | None = None,
) -> dict[str, object]:
    """Return the attributes of an OME-Zarr 0.5 group whose array ``0`` has these axes, after any channels.

    Parameters
    ----------
    origin
        First pixel in a larger image that the array is a part of; it becomes a translation.
    """
    unit = None if axes.pixel_size is None else "nanometer"
    sizes = axes.pixel_size_in("nm") or (1.0,) * axes.ndim
    described = [
        {"name": letter, "type": "space"} | ({"unit": unit} if unit else {}) for letter in axes.names
    ]
    if has_channels:
        described = [{"name": "c", "type": "channel"}, *described]
        sizes = (1.0, *sizes)
    place: list[dict[str, object]] = [{"type": "scale", "scale": [float(size) for size in sizes]}]
    if origin is not None and any(origin):
        start = (0,) * has_channels + tuple(origin)
        shift = [float(size * first) for size, first in zip(sizes, start, strict=True)]
        place.append({"type": "translation", "translation": shift})
    image = {
        "name": name,
        "axes": described,
        "datasets": [{"path": "0", "coordinateTransformations": place}],
    }
    ome: dict[str, object] = {"version": "0.5", "multiscales": [image]}
    return {"ome": ome | ({"image-label": {}} if is_label else {})}


def with_levels(attributes: Mapping[str, Any], factors: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the attributes of a group that has smaller levels in the arrays ``1``, ``2`` … as well.

    The first pixel of a level lies at the middle of those that it stands for.

    Parameters
    ----------
    attributes
        As `write_multiscales` returns them.
    factors
        For each level how many pixels one of it is long on each axis.
    """
    (image,) = attributes["ome"]["multiscales"]
    (full,) = image["datasets"]
    places = {one["type"]: one[one["type"]] for one in full["coordinateTransformations"]}
    sizes = places["scale"]
    start = places.get("translation", [0.0] * len(sizes))
    datasets = [full]
    for number, one in enumerate(factors, 1):
        scale = [size * factor for size, factor in zip(sizes, one, strict=True)]
        shift = [a + (long - size) / 2 for a, long, size in zip(start, scale, sizes, strict=True)]
        place = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
        datasets.append({"path": str(number), "coordinateTransformations": place})
    ome = dict(attributes["ome"]) | {"multiscales": [dict(image) | {"datasets": datasets}]}
    return dict(attributes) | {"ome": ome}
