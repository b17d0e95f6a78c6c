"""The metadata of OME-Zarr images (https://ngff.openmicroscopy.org): read 0.1 to 0.5, write 0.5.

Reading takes the few fields that are needed and ignores the rest, because files in the wild lack parts that
the strict models of ome-zarr-models ask for; those models check, in the tests, what is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
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
    """Say where the full resolution of an OME-Zarr image is, and what its axes are.

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
    letters: str
    stated_size: StatedSize


def read_multiscales(attributes: Mapping[str, object], path: str) -> Multiscale | None:
    """Return the first image that a group's attributes describe, None where they describe none.

    Raises
    ------
    InputError
        If they describe one wrongly.
    """
    ome = attributes.get("ome", attributes)
    images = ome.get("multiscales") if isinstance(ome, Mapping) else None
    if not isinstance(images, list | tuple) or not images:
        return None
    try:
        image = _Multiscale.model_validate(images[0])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("multiscales", 0, *first["loc"]))
        raise InputError(
            f"{path} has wrong OME-Zarr metadata at {where}: {first['msg']}: correct them"
        ) from error
    axes = [axis if isinstance(axis, _Axis) else _Axis(name=axis) for axis in image.axes]
    letters = "".join(_LETTER_BY_TYPE.get(axis.type or "", axis.name) for axis in axes).lower()
    scale = _full_scale(image, len(axes))
    lengths: dict[str, tuple[object, object]] = {
        axis.name.lower(): (abs(size), axis.unit) for axis, size in zip(axes, scale, strict=False)
    }
    return Multiscale(image.datasets[0].path, letters, state_size(ORIGIN, lengths))


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
    axes: Axes, name: str, *, is_label: bool, has_channels: bool = False
) -> dict[str, object]:
    """Return the attributes of an OME-Zarr 0.5 group whose array ``0`` has these axes, after any channels."""
    unit = None if axes.pixel_size is None else "nanometer"
    sizes = axes.pixel_size_in("nm") or (1.0,) * axes.ndim
    described = [
        {"name": letter, "type": "space"} | ({"unit": unit} if unit else {}) for letter in axes.names
    ]
    if has_channels:
        described = [{"name": "c", "type": "channel"}, *described]
        sizes = (1.0, *sizes)
    scale = {"type": "scale", "scale": [float(size) for size in sizes]}
    image = {
        "name": name,
        "axes": described,
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    ome: dict[str, object] = {"version": "0.5", "multiscales": [image]}
    return {"ome": ome | ({"image-label": {}} if is_label else {})}
