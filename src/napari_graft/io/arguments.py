"""What is said of an image from Python is of the right type, or refused in words before a file is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Real

from napari_graft.core.errors import InputError


def file_name(path: object) -> str:
    """Return the name of a file as text.

    Raises
    ------
    InputError
        If it is no path.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise InputError(f"{path!r} is no path: give the name of a file or folder, as text or as a Path")
    return os.fsdecode(path)


def refuse_other_axes(axes: object) -> None:
    """Refuse axes that are no text.

    Raises
    ------
    InputError
        If so.
    """
    if axes is not None and not isinstance(axes, str):
        raise InputError(
            f"axes {axes!r} are no text: give one letter of tczyx for each axis, for example axes='zyx'"
        )


def refuse_other_sizes(pixel_size: object, unit: object) -> None:
    """Refuse sizes of pixels that are no numbers, and a unit that is no text.

    Raises
    ------
    InputError
        If so.
    """
    if pixel_size is not None and not _are_numbers(pixel_size):
        raise InputError(
            f"pixel_size {pixel_size!r} is no list of numbers: give one for each spatial axis, "
            "for example pixel_size=(50, 8, 8)"
        )
    if not isinstance(unit, str):
        raise InputError(f"unit {unit!r} is no text: give a unit of length, for example unit='nm'")


def _are_numbers(values: object) -> bool:
    return isinstance(values, Iterable) and all(isinstance(value, Real) for value in values)
