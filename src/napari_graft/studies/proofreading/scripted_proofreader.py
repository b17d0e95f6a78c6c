"""A scripted person who knows the truth and corrects a result, by object tools or by painting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.metrics import evaluate
from napari_graft.proofreading import tools
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.reasons import suspicious_objects
from napari_graft.proofreading.split import split
from napari_graft.proofreading.suspicion import Suspicion
from napari_graft.sources.card import FILLING_STRUCTURES, Structure
from napari_graft.studies.proofreading.cases import CaseResult

LOOK, CLICK, STROKE = 2.0, 1.5, 2.5
"""Seconds that a person takes to look at an object, for a click or key, and for a stroke of the brush."""
BRUSH, LONGEST_STROKE = 10, 100
"""Width of the brush and length of a stroke, in pixels."""
_LEAST_PIXELS, _LEAST_SHARE = 25, 0.1
"""Of a true object in an object, below which a person leaves it."""

Point = tuple[int, float, float]
"""Actions and minutes so far, and the error that is left."""


def error_of(labels: NDArray[np.integer], truth: NDArray[np.integer], structure: Structure) -> float:
    """Return what is wrong of a result: VI in bits where objects fill the image, else 1 - AP50."""
    scores = evaluate(labels, truth)
    return scores.vi if structure in FILLING_STRUCTURES else 1 - scores.ap50


@dataclass(slots=True, eq=False)
class ScriptedProofreader:
    """Person who corrects a result, with what that took.

    Parameters
    ----------
    result
        What is corrected; a copy of its labels.
    structure
        What the objects are.
    rng
        Draws the slips.
    n_wrong
        Probability that an answer or a click is wrong.
    """

    result: CaseResult
    structure: Structure
    rng: np.random.Generator
    n_wrong: float = 0.05
    objects: ObjectMap = field(init=False)
    n_actions: int = 0
    seconds: float = 0.0
    curve: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.objects = ObjectMap(self.result.labels.copy())
        self._note()

    @property
    def error(self) -> float:
        """What is wrong now."""
        return self.curve[-1][2]

    def examine(self, one: int) -> None:
        """Look at an object, and do what it needs: cut, merge, delete, or accept it."""
        self.seconds += LOOK
        parts = self._parts(one)
        if not parts:
            self._do(1, partial(tools.delete, self.objects, [one]))
        elif len(parts) > 1:
            seeds = [[self._point_in(one, part)] for part in parts]
            near = self.result.affinities.crop(self.objects.box(one))
            self._do(len(seeds) + 1, partial(split, self.objects, one, seeds, near))
        elif others := self._same(one, parts[0]):
            for other in others:
                self._do(2, partial(tools.merge, self.objects, [other, one]))
        elif self._slips() and (touching := self._neighbours(one)):
            self._do(2, partial(tools.merge, self.objects, [one, touching[0]]))
        else:
            self._act(1)

    def n_pixels(self, one: int) -> int:
        """Return the size of an object, 0 where it is gone."""
        return self.objects.positions(one)[0].size if _is_there(self.objects, (one,)) else 0

    def answer(self, first: int, second: int) -> None:
        """Say whether two objects are one."""
        self.seconds += LOOK
        parts = self._parts(first), self._parts(second)
        is_one = bool(parts[0] and parts[1]) and parts[0][0] == parts[1][0]
        if is_one != self._slips():
            self._do(1, partial(tools.merge, self.objects, [first, second]))
        else:
            self._act(1)

    def paint(self, true: int) -> None:
        """Look at a true object, and paint where it is wrong, slice by slice."""
        self.seconds += LOOK
        inside = self.result.truth == true
        found, counts = np.unique(self.objects.labels[inside], return_counts=True)
        best = int(found[np.argmax(counts)])
        is_own = best > 0 and self._parts(best)[:1] == [true]
        label = best if is_own else self.objects.new_ids(1)[0]
        wrong = inside & (self.objects.labels != label)
        n_wrong = int(wrong.sum())
        if n_wrong < max(_LEAST_PIXELS, _LEAST_SHARE * inside.sum()):
            return
        planes = wrong.reshape(-1, *wrong.shape[-2:]).sum(axis=(1, 2))
        n_strokes = int(np.ceil(planes[planes > 0] / (BRUSH * LONGEST_STROKE)).sum())
        before = self.objects.labels[wrong]
        self.objects.apply(Edit.from_pixels("paint", np.nonzero(wrong), before, label))
        self.n_actions += n_strokes
        self.seconds += n_strokes * STROKE
        self._note()

    def _parts(self, one: int) -> list[int]:
        """Return the true objects that an object holds enough of, the largest first.

        None where it is none; 0 where all of it is a border between objects that fill the image.
        """
        box = self.objects.box(one)
        inside = self.objects.labels[box.slices] == one
        found, counts = np.unique(self.result.truth[box.slices][inside], return_counts=True)
        n_pixels, counts, found = inside.sum(), counts[found > 0], found[found > 0]
        is_filling = self.structure in FILLING_STRUCTURES
        if not found.size or (2 * counts.sum() < n_pixels and not is_filling):
            return [0] if is_filling else []
        least = max(_LEAST_PIXELS, _LEAST_SHARE * counts.sum())
        order = np.argsort(-counts, kind="stable")
        return [int(found[i]) for place, i in enumerate(order) if place == 0 or counts[i] >= least]

    def _same(self, one: int, true: int) -> list[int]:
        """Return the other objects that are of the same true object for the most part."""
        if true == 0:
            return []
        found, counts = np.unique(self.objects.labels[self.result.truth == true], return_counts=True)
        others = found[(found > 0) & (found != one) & (counts >= _LEAST_PIXELS)].tolist()
        return [other for other in others if self._parts(other) == [true]]

    def _neighbours(self, one: int) -> list[int]:
        """Return the objects that touch an object."""
        from scipy.ndimage import binary_dilation

        box = self.objects.box(one).grow([1] * self.objects.labels.ndim).clip(self.objects.labels.shape)
        labels = self.objects.labels[box.slices]
        found = np.unique(labels[binary_dilation(labels == one)])
        return [int(other) for other in found if other not in (0, one)]

    def _point_in(self, one: int, true: int) -> tuple[int, ...]:
        """Return where a person clicks in a part of an object: in its middle, or by a slip anywhere in it."""
        from scipy.ndimage import distance_transform_edt

        box = self.objects.box(one)
        inside = self.objects.labels[box.slices] == one
        if self._slips():
            at = self.rng.choice(np.argwhere(inside))
        else:
            part = np.pad(inside & (self.result.truth[box.slices] == true), 1)
            depth = distance_transform_edt(part)
            at = np.array(np.unravel_index(np.argmax(depth), depth.shape)) - 1
        return tuple(int(i) + a for i, a in zip(at, box.start, strict=True))

    def _slips(self) -> bool:
        return bool(self.rng.random() < self.n_wrong)

    def _do(self, n_actions: int, make: Callable[[], Edit]) -> None:
        is_done = False
        with suppress(InputError):  # two clicks on one pixel, by a slip: nothing is done
            self.objects.apply(make())
            is_done = True
        self._act(n_actions, is_done=is_done)

    def _act(self, n: int, *, is_done: bool = False) -> None:
        self.n_actions += n
        self.seconds += n * CLICK
        if is_done:
            self._note()
        else:
            self.curve.append((self.n_actions, self.seconds / 60, self.error))

    def _note(self) -> None:
        error = error_of(self.objects.labels, self.result.truth, self.structure)
        self.curve.append((self.n_actions, self.seconds / 60, error))


Order = Callable[[ScriptedProofreader, list[Suspicion]], list[Suspicion]]
N_LISTS = 2
"""Times that suspicious objects are looked for: at the start, and once more when all are looked at."""


def _through_lists(person: ScriptedProofreader, order: Order) -> Iterator[None]:
    """Go through the suspicious objects in an order; entries whose objects are gone cost nothing."""
    done = set[tuple[tuple[int, ...], str]]()
    for number in range(N_LISTS):
        listed = (
            person.result.suspicions
            if number == 0
            else suspicious_objects(person.objects, person.result.affinities)
        )
        waiting = [one for one in listed if (one.ids, one.reason) not in done]
        for one in order(person, waiting):
            done.add((one.ids, one.reason))
            if _is_there(person.objects, one.ids):
                _check(person, one)
                yield


def by_queue(person: ScriptedProofreader) -> Iterator[None]:
    """Go through the suspicious objects in the order of the list."""
    return _through_lists(person, lambda _, listed: listed)


def at_random(person: ScriptedProofreader) -> Iterator[None]:
    """Go through the same list in a random order."""
    return _through_lists(person, lambda who, listed: [listed[i] for i in who.rng.permutation(len(listed))])


def largest_first(person: ScriptedProofreader) -> Iterator[None]:
    """Go through the same list, the largest objects first."""

    def order(who: ScriptedProofreader, listed: list[Suspicion]) -> list[Suspicion]:
        return sorted(listed, key=lambda one: -sum(who.n_pixels(i) for i in one.ids))

    return _through_lists(person, order)


def all_objects(person: ScriptedProofreader) -> Iterator[None]:
    """Examine all objects in a random order, without a list."""
    for one in person.rng.permutation(person.objects.ids()).tolist():
        if _is_there(person.objects, (one,)):
            person.examine(one)
            yield


def by_painting(person: ScriptedProofreader) -> Iterator[None]:
    """Paint all true objects that are wrong, in a random order."""
    true = np.unique(person.result.truth)
    for one in person.rng.permutation(true[true > 0]).tolist():
        person.paint(one)
        yield


ORDERS: dict[str, Callable[[ScriptedProofreader], Iterator[None]]] = {
    "queue": by_queue,
    "random": at_random,
    "largest": largest_first,
    "objects": all_objects,
    "painting": by_painting,
}
"""In which order things are looked at, by name."""


def least_error(result: CaseResult, structure: Structure, rng: np.random.Generator) -> float:
    """Return what is wrong once all objects were examined twice without a slip: what tools cannot reach."""
    person = ScriptedProofreader(result, structure, rng, n_wrong=0.0)
    for _ in range(2):
        for _ in all_objects(person):
            pass
    return person.error


def _is_there(objects: ObjectMap, ids: Sequence[int]) -> bool:
    try:
        for one in ids:
            objects.box(one)
    except InputError:
        return False
    return True


def _check(person: ScriptedProofreader, one: Suspicion) -> None:
    if one.is_question:
        person.answer(*one.ids)
    else:
        person.examine(one.ids[0])
