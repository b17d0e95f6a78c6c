"""Pairs of images, one field in two modalities: found, checked, and brought to a network's grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.bridging.registration import align_pair
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.io import Volume, check_image, open_volume
from napari_graft.io.channels import Channel

Image = NDArray[np.float32]

MOST_PAIRS = 64
LEAST_SIDE = 64
"""Pixels: smaller images hold too little to learn from."""
LONGEST_SIDE = 1024
"""Of a pair so many pixels in the middle are used, on the grid of the network."""
_HELD_OUT = 0.25


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Files of one field in two modalities.

    Parameters
    ----------
    name
        What both are called, without the ending.
    target, source
        In the modality of the user's image, and in that of the source.
    """

    name: str
    target: Volume
    source: Volume


@dataclass(frozen=True, slots=True)
class Pair:
    """One field in two modalities, as a network is shown them.

    Parameters
    ----------
    name
        What both are called.
    target, source
        Normalised, float32, of one shape (*spatial): in the modality of the user's image, and in that of the
        source.
    shift
        By how many pixels (y, x) the second was moved.
    """

    name: str
    target: Image
    source: Image
    shift: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class PairSplit:
    """Pairs to learn from, and those that are kept apart to tell whether anything was learned."""

    training: tuple[Pair, ...]
    held_out: tuple[Pair, ...]


Reader = Callable[[Volume], Sequence[Image]]
"""Returns the planes, or the stack, of an image as a network sees them."""


def find_pairs(target: Path, source: Path, channel: Channel | None = None) -> list[PairFiles]:
    """Open the pairs in two folders whose files have the same names, endings aside.

    Parameters
    ----------
    target, source
        Folder of the modality of the user's image, and of that of the source.
    channel
        Of the images in `target`, where they have several; None for grey or colour as it is.

    Raises
    ------
    InputError
        If a folder is missing or empty, a partner is missing, two partners differ in size, files of one
        folder differ in bit depth, or an image is constant, too small, or cannot be read.
    """
    mine, its = _files(target), _files(source)
    _refuse_lonely(mine, its, target, source)
    if len(mine) > MOST_PAIRS:
        raise InputError(f"{len(mine)} pairs are more than the {MOST_PAIRS} that are used: leave some out")
    found = [
        PairFiles(name, open_volume(mine[name], channel=channel), open_volume(its[name]))
        for name in sorted(mine)
    ]
    for pair in found:
        _check_pair(pair)
    _refuse_depths(target, {pair.name: pair.target for pair in found})
    _refuse_depths(source, {pair.name: pair.source for pair in found})
    return found


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder: give two folders whose images have the same names")
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    if not files:
        raise InputError(f"{str(folder)!r} is empty: put the images of one modality there")
    found: dict[str, Path] = {}
    for path in files:
        name = path.name.split(".")[0]
        if name in found:
            raise InputError(
                f"{str(folder)!r} holds two images called {name!r}, {found[name].name} and "
                f"{path.name}: keep one"
            )
        found[name] = path
    return found


def _refuse_lonely(mine: dict[str, Path], its: dict[str, Path], target: Path, source: Path) -> None:
    for these, others, folder in ((mine, its, source), (its, mine, target)):
        lonely = sorted(these.keys() - others.keys())
        if lonely:
            raise InputError(
                f"{str(folder)!r} holds no image called {lonely[0]!r}, the partner of "
                f"{str(these[lonely[0]])!r} ({len(lonely)} missing in all): give both "
                "images of a pair the same name"
            )


def _check_pair(pair: PairFiles) -> None:
    if pair.target.shape != pair.source.shape:
        raise InputError(
            f"the two images named {pair.name!r} have other sizes, {pair.target.shape} and "
            f"{pair.source.shape} pixels: bring both to one grid, or leave this pair out"
        )
    if min(pair.target.shape[-2:]) < LEAST_SIDE:
        raise InputError(
            f"the images named {pair.name!r} are {pair.target.shape} pixels large where {LEAST_SIDE} a side "
            "are needed: give larger ones"
        )
    for volume in (pair.target, pair.source):
        check_image(volume, np.random.default_rng(0))


def _refuse_depths(folder: Path, volumes: dict[str, Volume]) -> None:
    (first, reference), *others = volumes.items()
    for name, volume in others:
        if volume.dtype != reference.dtype:
            raise InputError(
                f"{first!r} and {name!r} in {str(folder)!r} have another bit depth ({reference.dtype} and "
                f"{volume.dtype}), so their grey values cannot be compared: save all of a folder alike"
            )


def read_pairs(
    files: Sequence[PairFiles], read_target: Reader, read_source: Reader, cancel: CancelToken
) -> list[Pair]:
    """Bring pairs to the grid of a network, each laid on the other.

    Parameters
    ----------
    read_target, read_source
        How the network sees images of either modality.

    Raises
    ------
    InputError
        If the two images of a pair do not show the same field, or are shifted too far.
    Cancelled
        When asked to stop.
    """
    found = []
    for one in files:
        cancel.raise_if_cancelled()
        for a, b in zip(read_target(one.target), read_source(one.source), strict=True):
            found.append(_aligned(one.name, _middle(a), _middle(b)))
    return found


def _aligned(name: str, a: Image, b: Image) -> Pair:
    if a.ndim == 3:
        _, _, shift = align_pair(a.max(0), b.max(0), name)  # one for all planes, found in the projections
        if shift != (0, 0):
            raise InputError(
                f"the two stacks named {name!r} are shifted by {shift[0]}, {shift[1]} pixels (y, x): "
                "register them first"
            )
        return Pair(name, a, b)
    mine, its, shift = align_pair(a, b, name)
    return Pair(name, mine, its, shift)


def _middle(image: Image) -> Image:
    """Return the middle of an image that is larger than what is used of it."""
    starts = [max(0, (n - LONGEST_SIDE) // 2) for n in image.shape[-2:]]
    (y, x) = starts
    return image[..., y : y + LONGEST_SIDE, x : x + LONGEST_SIDE]


def split_pairs(pairs: Sequence[Pair]) -> PairSplit:
    """Keep every fourth pair apart, at least one; of a single pair its last quarter along the longer side."""
    if len(pairs) > 1:
        n_kept = max(1, round(_HELD_OUT * len(pairs)))
        kept = {round(number) for number in np.linspace(0, len(pairs) - 1, n_kept + 2)[1:-1]}
        kept = kept if len(pairs) > 2 else {1}
        return PairSplit(
            tuple(pair for number, pair in enumerate(pairs) if number not in kept),
            tuple(pair for number, pair in enumerate(pairs) if number in kept),
        )
    (pair,) = pairs
    axis = int(np.argmax(pair.target.shape[-2:])) + pair.target.ndim - 2
    length = pair.target.shape[axis]
    border = length - max(LEAST_SIDE // 2, round(_HELD_OUT * length))
    first, last = (
        tuple(part if i == axis else slice(None) for i in range(pair.target.ndim))
        for part in (slice(0, border), slice(border, None))
    )
    return PairSplit((_cut(pair, first),), (_cut(pair, last),))


def _cut(pair: Pair, box: tuple[slice, ...]) -> Pair:
    target, source = np.ascontiguousarray(pair.target[box]), np.ascontiguousarray(pair.source[box])
    return Pair(pair.name, target, source, pair.shift)


def shuffle_pairs(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """Return pairs of which none belong together, the control of every gain: nothing can be learned of them.

    Each second image is that of the next pair, turned by half a turn, and cut to the shape of the first.
    """
    start = int(rng.integers(1, max(2, len(pairs))))
    found = []
    for number, pair in enumerate(pairs):
        other = np.flip(pairs[(number + start) % len(pairs)].source, (-2, -1))
        shape = np.minimum(pair.target.shape, other.shape)
        box = tuple(slice(0, int(n)) for n in shape)
        mine, its = np.ascontiguousarray(pair.target[box]), np.ascontiguousarray(other[box])
        found.append(Pair(pair.name, mine, its))
    return found
