"""Option types that several commands share, durations among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from napari_graft.core.errors import InputError

Names = Annotated[list[str] | None, Parameter(consume_multiple=True)]
Device = Literal["auto", "cpu", "cuda"]
Json = Annotated[bool, Parameter(name="--json", negative="")]
Overwrite = Annotated[bool, Parameter(name="--overwrite", negative="")]
"""Replace files at --out that are not known to be earlier results; never an input or a project."""
OutFolder = Annotated[Path, Parameter(name="--out")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Scale:
    """Pixel size given on the command line.

    Parameters
    ----------
    pixel_size
        Length of a pixel along y x, or z y x; wins over what the file says.
    unit
        Unit of the pixel size: nm, um or mm.
    """

    pixel_size: Annotated[tuple[float, ...] | None, Parameter(consume_multiple=True)] = None
    unit: str = "nm"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class LabelFile:
    """Options of reading a label image: what the file does not say.

    Parameters
    ----------
    axes
        One letter of tczyx for each axis of the label image; wins over what the file says.
    mask
        What a mask is, an image of two values such as 0 and 255: one object, or pieces of which each is an
        object.
    """

    axes: str | None = None
    mask: Literal["object", "pieces"] | None = None


SCALE_OF_FILE = Scale()
LABELS_AS_THEY_ARE = LabelFile()


_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    Raises
    ------
    InputError
        If it is not a positive duration.

    Examples
    --------
    >>> parse_duration("2m")
    120.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2] or ""] if found else 0.0
    if seconds <= 0:
        raise InputError(f"time budget {text!r} is no duration: write for example 60s or 2m")
    return seconds
