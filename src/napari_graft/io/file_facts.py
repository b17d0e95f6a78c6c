"""What a file says of its image before anybody has said how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.io.axis_names import UNKNOWN
from napari_graft.io.pixel_sizes import SizeNote, StatedSize, judge_sizes
from napari_graft.io.readers import find_reader


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts of an image that its file states.

    Parameters
    ----------
    letters, shape
        One letter of ``tczyx`` for each axis that is longer than one pixel, ``?`` for one of which the file
        says nothing; and how long these are.
    stated_sizes, channel_names, has_colours
        As of `RawImage`.
    """

    letters: str
    shape: tuple[int, ...]
    stated_sizes: tuple[StatedSize, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_colours: bool | None = None

    def letters_for(self, shape: Sequence[int]) -> str:
        """Return the letters of axes of this shape, ``?`` for each where the file has others."""
        return self.letters if tuple(shape) == self.shape else UNKNOWN * len(shape)

    def size_along(self, names: tuple[str, ...], plane: tuple[int, int]) -> tuple[Axes, SizeNote] | None:
        """Return the pixel size along spatial axes, None where the file holds no plane of these pixels."""
        planes = set(zip(self.shape[:-1], self.shape[1:], strict=True))
        return judge_sizes(names, self.stated_sizes) if plane in planes else None


def read_facts(path: str) -> FileFacts | None:
    """Return what a file says, None where it cannot be read as an image."""
    try:
        raw = find_reader(path).read(path)
    except InputError:
        return None
    letters = raw.axes or UNKNOWN * len(raw.data.shape)
    long = [(letter, n) for letter, n in zip(letters, raw.data.shape, strict=True) if n > 1]
    return FileFacts(
        "".join(letter for letter, _ in long),
        tuple(int(n) for _, n in long),
        raw.stated_sizes,
        raw.channel_names,
        raw.has_colours,
    )
