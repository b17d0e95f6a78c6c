"""Reasons to look at an object, one a function, and all suspicious objects in the order of expected gain.

The probabilities were set on six crops of real images (fly neurons, mouse hippocampus, cells in phase
contrast), decoded with three biases each. On the same, the first ten answers bring about 0.6 of all VI that
merges and cuts can bring, ten in a random order 0.2; half of it takes 0.18 of all answers, in a random order
0.52.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.registry import Registry
from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import rank
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.block_borders import cut_at_block_border
from napari_graft.proofreading.cut import Cut, Hierarchy
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import parts_from
from napari_graft.proofreading.suspicion import ReviewContext, Suspicion, bits_of_cut
from napari_graft.segmentation.objects import object_differences

Reason = Callable[[ReviewContext], Iterable[Suspicion]]
REASONS: Registry[Reason] = Registry("reason to look at an object")
REASONS.register("cut at a block border")(cut_at_block_border)

_FEWEST_PIXELS, _LEAST_SHARE = 25, 0.03
"""Of a part of an object that counts, and as a share of the object."""
_FEWEST_PAIRS = 10
_LEAST_PROBABILITY = 0.05


def suspicious_objects(
    objects: ObjectMap,
    affinities: AffinityMap | None = None,
    other: NDArray[np.integer] | None = None,
    *,
    previous: NDArray[np.integer] | None = None,
    reasons: Sequence[str] | None = None,
) -> list[Suspicion]:
    """Return the objects that may be wrong, those first whose check is expected to remove most error.

    Of several suspicions of the same objects the largest stays. Locked objects are left out: somebody has
    looked at them.

    Parameters
    ----------
    objects, affinities, other, previous
        See `ReviewContext`.
    reasons
        Names in `REASONS`; None for all.

    Raises
    ------
    InputError
        If shapes do not fit, or there is no such reason.
    """
    context = ReviewContext(objects, affinities, other, previous)
    found: dict[tuple[int, ...], Suspicion] = {}
    for name in REASONS if reasons is None else reasons:
        for one in REASONS[name](context):
            key = tuple(sorted(one.ids))
            is_open = not objects.locked.issuperset(key)
            if is_open and one.score > 0 and (key not in found or found[key].score < one.score):
                found[key] = one
    return sorted(found.values(), key=lambda one: (-one.score, one.ids))


def _sharpened(share: float) -> float:
    """Return a mean of affinities as a probability: as if three independent witnesses had said so.

    Taken as they are, large objects with many weak borders would come first.
    """
    return share**3 / (share**3 + (1 - share) ** 3)


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


_WRONG_LINES = 0.5
"""Probability that an object is wrong which has no affinity across a line inside."""


@REASONS.register("border inside")
def border_inside(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects that a line of weak affinities crosses: likely two objects.

    The basins of an object are merged, the strongest affinity first (`Hierarchy`); the merge counts that is
    most worth undoing.
    """
    if context.affinities is None:
        return
    basins, owners = _basins_of_objects(context.segments, context.affinities)
    borders = context.affinities.borders(basins)
    ends = owners[borders.pairs]
    order = np.argsort(ends[:, 0], kind="stable")
    inside = borders.select(order[ends[order, 0] == ends[order, 1]])
    hierarchy = Hierarchy(inside, np.bincount(basins.reshape(-1)))
    owned = owners[inside.pairs[:, 0]]
    sides = np.zeros(owners.size, np.int32)  # of all objects so far
    for one, (bits, cut) in _best_cuts(hierarchy, owners, context.sizes).items():
        for number, node in enumerate(cut.sides, 1):
            sides[hierarchy.leaves(node)] = number
        start, stop = np.searchsorted(owned, [one, one + 1])
        near = inside.select(slice(int(start), int(stop)))
        across = near.select(sides[near.pairs].prod(axis=1) == 2)
        words = f"the affinity across a line inside is {cut.affinity:.2f}"
        position = across.positions[np.argmax(across.counts)].tolist()
        found = context.suspect((one,), "border inside", words, position, bits)
        box = context.objects.box(one)
        parts = np.where(context.segments[box.slices] == one, sides[basins[box.slices]], 0)
        yield replace(found, seeds=_seeds(parts, (1, 2), box))


def _best_cuts(
    hierarchy: Hierarchy, owners: NDArray[np.int64], n_pixels: Mapping[int, int]
) -> dict[int, tuple[float, Cut]]:
    """Return the cut of each object that is most worth a look, with its bits."""
    best: dict[int, tuple[float, Cut]] = {}
    for cut in hierarchy.cuts():
        one = int(owners[hierarchy.some_leaf(cut.sides[0])])
        bits = _WRONG_LINES * (1 - cut.affinity) * bits_of_cut(*cut.sizes)
        if _is_counted(cut, n_pixels[one]) and bits > best.get(one, (0.0, cut))[0]:
            best[one] = bits, cut
    return best


def _basins_of_objects(
    segments: NDArray[np.integer], affinities: AffinityMap
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the basins of all objects, 1…, each in one object, and the object of each by its number."""
    basins = affinities.basins(segments > 0).reshape(-1).astype(np.int64)
    objects, index = rank(segments.reshape(-1))
    different, numbers = rank(np.where(segments.reshape(-1) > 0, basins * objects.size + index, 0))
    numbers += int(different[0] > 0)  # 0 is none, also where no pixel is background
    owners = np.zeros(int(numbers.max()) + 1, np.int64)
    owners[numbers] = segments.reshape(-1)
    return numbers.reshape(segments.shape), owners


def _is_counted(cut: Cut, n_pixels: int) -> bool:
    is_seen = cut.n_pairs >= _FEWEST_PAIRS and 1 - cut.affinity >= _LEAST_PROBABILITY
    return is_seen and min(cut.sizes) >= max(_FEWEST_PIXELS, _LEAST_SHARE * n_pixels)


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
_WRONG_OUTLIERS = 0.25
"""Probability that an object is wrong which is like no other."""


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
            probability = _WRONG_OUTLIERS * (1 - _USUAL / abs(deviation))
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
    """Find objects that another source sees otherwise."""
    if context.other is not None:
        yield from _differences(context, context.other, "disagreement", "the other result")


@REASONS.register("changed since last round")
def changed(context: ReviewContext) -> Iterator[Suspicion]:
    """Find objects that the round before saw otherwise, as far as it was corrected."""
    if context.previous is not None:
        yield from _differences(context, context.previous, "changed since last round", "the last round")


def _differences(
    context: ReviewContext, other: NDArray[np.integer], reason: str, name: str
) -> Iterator[Suspicion]:
    words = {
        "missed": f"{name} has nothing here",
        "merged": f"it is part of a larger object in {name}",
        "split": f"it is several objects in {name}",
        "changed": f"it has another outline in {name}",
    }
    for one in object_differences(context.segments.astype(np.uint32), other.astype(np.uint32)):
        bits = (1 - one.iou) * one.n_pixels
        yield context.suspect((one.id,), reason, words[one.kind], one.position, bits)
