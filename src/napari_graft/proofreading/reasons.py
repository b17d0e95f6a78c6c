"""Reasons to look at an object, one a function, and all suspicious objects in the order of expected gain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.registry import Registry
from napari_graft.core.tile import Tile
from napari_graft.proofreading.affinity_map import AffinityMap, Borders
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import parts_from
from napari_graft.proofreading.suspicion import ReviewContext, Suspicion, bits_of_cut
from napari_graft.segmentation.objects import object_differences

Reason = Callable[[ReviewContext], Iterable[Suspicion]]
REASONS: Registry[Reason] = Registry("reason to look at an object")

_FEWEST_PIXELS, _LEAST_SHARE = 25, 0.03
"""Of a part of an object that counts, and as a share of the object."""
_FEWEST_PAIRS = 10
_LEAST_PROBABILITY = 0.05


def suspicious_objects(
    objects: ObjectMap,
    affinities: AffinityMap | None = None,
    other: NDArray[np.integer] | None = None,
    *,
    reasons: Sequence[str] | None = None,
) -> list[Suspicion]:
    """Return the objects that may be wrong, those first whose check is expected to remove most error.

    Of several suspicions of the same objects the largest stays. Locked objects are left out: somebody has
    looked at them.

    Parameters
    ----------
    objects, affinities, other
        See `ReviewContext`.
    reasons
        Names in `REASONS`; None for all.

    Raises
    ------
    InputError
        If shapes do not fit, or there is no such reason.
    """
    context = ReviewContext(objects, affinities, other)
    found: dict[tuple[int, ...], Suspicion] = {}
    for name in REASONS if reasons is None else reasons:
        for one in REASONS[name](context):
            key = tuple(sorted(one.ids))
            is_open = not objects.locked.issuperset(key)
            if is_open and one.score > 0 and (key not in found or found[key].score < one.score):
                found[key] = one
    return sorted(found.values(), key=lambda one: (-one.score, one.ids))


def _sharpened(share: float) -> float:
    """Return a mean of affinities as a probability: as if two independent witnesses had said so."""
    return share**2 / (share**2 + (1 - share) ** 2)


@REASONS.register("weak border")
def weak_border(context: ReviewContext) -> Iterator[Suspicion]:
    """Find pairs of objects that the affinities across their border rather join: likely one object."""
    borders = context.borders
    if borders is None:
        return
    for number in np.flatnonzero(borders.counts >= _FEWEST_PAIRS):
        first, second = (int(one) for one in borders.pairs[number])
        probability = _sharpened(float(borders.affinity[number]))
        if probability >= _LEAST_PROBABILITY:
            bits = probability * bits_of_cut(context.sizes[first], context.sizes[second])
            words = f"the affinity across their border is {borders.affinity[number]:.2f}"
            yield context.suspect(
                (first, second), "weak border", words, borders.positions[number].tolist(), bits
            )


@REASONS.register("border inside")
def border_inside(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects that a line of weak affinities crosses: likely two objects."""
    from skimage.measure import label

    if context.affinities is None or context.boundary is None:
        return
    is_core = context.boundary < 0.5
    pieces = label(np.where(is_core, context.segments, 0), connectivity=1)
    for one, box, markers in _in_pieces(context, pieces):
        mask = context.segments[box.slices] == one
        near = context.affinities.crop(box)
        parts = parts_from(near.boundary(), markers, mask)
        borders, sizes = near.borders(parts), np.bincount(parts.reshape(-1))
        best = _weakest(borders, sizes)
        if best is not None:
            number, bits = best
            words = f"the affinity across a line inside is {borders.affinity[number]:.2f}"
            found = context.suspect(
                (one,), "border inside", words, (borders.positions[number] + box.start).tolist(), bits
            )
            yield replace(found, seeds=_seeds(parts, borders.pairs[number].tolist(), box))


def _seeds(
    parts: NDArray[np.int32], numbers: Sequence[int], box: Tile, margin: int = 0
) -> tuple[tuple[int, ...], ...]:
    """Return the innermost pixel of some parts of a box, which `margin` pixels surround, in the image."""
    from scipy.ndimage import distance_transform_edt

    found = []
    for number in numbers:
        depth = distance_transform_edt(np.pad(parts == number, 1))
        at = np.unravel_index(np.argmax(depth), depth.shape)
        found.append(tuple(int(i) + a - 1 - margin for i, a in zip(at, box.start, strict=True)))
    return tuple(found)


def _weakest(borders: Borders, sizes: NDArray[np.integer]) -> tuple[int, float] | None:
    """Return the border that is most worth a look, and its bits; None where none is."""
    best = None
    for number, (first, second) in enumerate(borders.pairs):
        probability = _sharpened(1 - float(borders.affinity[number]))
        bits = probability * bits_of_cut(int(sizes[first]), int(sizes[second]))
        is_seen = borders.counts[number] >= _FEWEST_PAIRS and probability >= _LEAST_PROBABILITY
        if is_seen and (best is None or bits > best[1]):
            best = number, bits
    return best


def _in_pieces(
    context: ReviewContext, pieces: NDArray[np.integer]
) -> Iterator[tuple[int, Tile, NDArray[np.int32]]]:
    """Yield the objects that hold two or more pieces that count, each with its box and these as markers.

    Parameters
    ----------
    pieces
        Shape of the image, 0 none, 1…; each in one object.
    """
    sizes = np.bincount(pieces.reshape(-1))
    owners = np.zeros(sizes.size, np.int64)
    owners[pieces.reshape(-1)] = context.segments.reshape(-1)
    owners[0] = 0
    areas = np.array([context.sizes.get(int(one), 0) for one in owners])
    is_counted = (owners > 0) & (sizes >= np.maximum(_FEWEST_PIXELS, _LEAST_SHARE * areas))
    ids, counts = np.unique(owners[is_counted], return_counts=True)
    for one in ids[counts > 1].tolist():
        box = context.objects.box(one)
        number = np.zeros(sizes.size, np.int32)
        chosen = np.flatnonzero(is_counted & (owners == one))
        number[chosen] = np.arange(1, chosen.size + 1)
        yield one, box, number[pieces[box.slices]]


_BRIDGE = 0.5
"""A bridge is at most so thick as a share of the thinner side beside it."""
_WRONG_BRIDGES = 0.3
"""Probability that an object is wrong at the thinnest of bridges; most shapes with a neck are right."""


@REASONS.register("thin bridge")
def thin_bridge(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects whose parts hang together by little."""
    from scipy.ndimage import distance_transform_edt, label

    for one, n_pixels in context.sizes.items():
        if n_pixels < 2 * _FEWEST_PIXELS:
            continue
        box = context.objects.box(one)
        mask = np.pad(context.segments[box.slices] == one, 1)
        depth = distance_transform_edt(mask)
        markers = label(depth > _BRIDGE * depth.max())[0].astype(np.int32)
        if markers.max() < 2:
            continue
        parts = parts_from(-depth, markers, mask)
        sides = 1 + np.argsort(-np.bincount(parts.reshape(-1))[1:], kind="stable")[:2]
        bridge = _bridge(parts, int(sides[1]), depth)
        if bridge is not None:
            thickness, size, position = bridge
            bits = _WRONG_BRIDGES * (1 - thickness) * bits_of_cut(size, n_pixels - size)
            words = f"its parts hang together by a bridge of {thickness:.0%} of their thickness"
            found = context.suspect((one,), "thin bridge", words, (position + box.start - 1).tolist(), bits)
            yield replace(found, seeds=_seeds(parts, sides.tolist(), box, 1))


def _bridge(
    parts: NDArray[np.int32], number: int, depth: NDArray[np.floating]
) -> tuple[float, int, NDArray[np.int64]] | None:
    """Return how thick the bridge of a part to the others is, the size of the part, and a pixel on it.

    The thickness is a share of that of the thinner side; None where there is no bridge, or a thick one.
    """
    from scipy.ndimage import binary_dilation

    is_part = parts == number
    is_bridge = binary_dilation(is_part) & (parts > 0) & ~is_part
    size = int(np.count_nonzero(is_part))
    if not is_bridge.any() or size < _FEWEST_PIXELS:
        return None
    middle = np.array(np.unravel_index(np.argmax(np.where(is_bridge, depth, -1)), depth.shape))
    sides = min(depth[is_part].max(), depth[(parts > 0) & ~is_part].max())
    thickness = float(depth[tuple(middle)] / sides)
    return (thickness, size, middle) if thickness <= _BRIDGE else None


_FEWEST_OBJECTS = 10
_USUAL = 3.0
"""Robust standard deviations from the median that are nothing special."""


@REASONS.register("outlier")
def outlier(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects of another size or shape than the others.

    The shape is the surface as a share of that of a ball of the same size, in logarithms like the size.
    """
    ids = np.array(list(context.sizes))
    if ids.size < _FEWEST_OBJECTS:
        return
    sizes = np.array(list(context.sizes.values()), np.float64)
    n_axes = context.segments.ndim
    surface = np.log(_surfaces(context, ids)) - (1 - 1 / n_axes) * np.log(sizes)
    for name, deviations in (("size", _deviations(np.log(sizes))), ("shape", _deviations(surface))):
        for number in np.flatnonzero(np.abs(deviations) > _USUAL):
            one, deviation = int(ids[number]), float(deviations[number])
            probability = 1 - _USUAL / abs(deviation)
            bits = probability * sizes[number]
            side = "above" if deviation > 0 else "below"
            words = f"its {name} is {abs(deviation):.1f} deviations {side} the usual"
            yield context.suspect((one,), "outlier", words, context.middle(one), bits)


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many robust standard deviations values lie from their median."""
    median = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - median))
    return np.asarray((values - median) / max(float(spread), 0.05))


def _surfaces(context: ReviewContext, ids: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how many pixels of each object touch something else, at least 1."""
    from skimage.segmentation import find_boundaries

    edge = context.segments[find_boundaries(context.segments, mode="inner")]
    found, counts = np.unique(edge, return_counts=True)
    known = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return np.array([max(known.get(one, 1), 1) for one in ids.tolist()], np.float64)


_WRONG_ENDS = 0.5
"""Probability that an object is wrong which ends as thick as it usually is."""


@REASONS.register("ends inside")
def ends_inside(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects of a stack that end abruptly between its first and its last plane."""
    segments = context.segments
    if segments.ndim != 3:
        return
    for one in context.sizes:
        box = context.objects.box(one)
        inside = segments[box.slices] == one
        areas = inside.sum(axis=(1, 2))
        for end, z, beyond in ((0, box.start[0], box.start[0] - 1), (-1, box.stop[0] - 1, box.stop[0])):
            share = min(1.0, areas[end] / np.median(areas[areas > 0]))
            if not 0 <= beyond < segments.shape[0] or share < 0.5 or areas[end] < _FEWEST_PIXELS:
                continue
            outline = inside[end]
            rows, columns = np.nonzero(outline)
            centre = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
            at = z, box.start[1] + rows[centre], box.start[2] + columns[centre]
            partner = _largest(segments[beyond][box.slices[1:]][outline], one)
            ids = (one,) if partner is None else (one, partner)
            cost = context.sizes[one] if partner is None else bits_of_cut(*(context.sizes[i] for i in ids))
            words = f"it ends on plane z {z}, as thick as it usually is"
            yield context.suspect(ids, "ends inside", words, at, _WRONG_ENDS * share * cost)


def _largest(labels: NDArray[np.integer], but: int) -> int | None:
    """Return the object that makes up at least half of some pixels, None where none does."""
    found, counts = np.unique(labels[(labels > 0) & (labels != but)], return_counts=True)
    if not found.size or counts.max() < labels.size / 2:
        return None
    return int(found[np.argmax(counts)])


@REASONS.register("disagreement")
def disagreement(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects that another source, or another round, sees otherwise."""
    if context.other is None:
        return
    words = {
        "missed": "the other result has nothing here",
        "merged": "it is part of a larger object in the other result",
        "split": "it is several objects in the other result",
        "changed": "it has another outline in the other result",
    }
    for one in object_differences(context.segments.astype(np.uint32), context.other.astype(np.uint32)):
        bits = (1 - one.iou) * one.n_pixels
        yield context.suspect((one.id,), "disagreement", words[one.kind], one.position, bits)
