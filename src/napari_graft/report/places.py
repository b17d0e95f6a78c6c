"""The pictures of one place of the test part: image, truth, what each model found, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.report.colours import Colouring, colour_objects, match_colours, paint_objects
from napari_graft.report.errors import KINDS, find_mistakes, mistake_shares, paint_mistakes
from napari_graft.report.overlap import dense
from napari_graft.report.pictures import Picture, picture_of
from napari_graft.report.record import Panel
from napari_graft.report.values import percent, slug


@dataclass(frozen=True, slots=True)
class Found:
    """Segmentation of a place by one model.

    Parameters
    ----------
    name
        Of the model.
    objects, errors
        Its objects, and where they are wrong.
    summary
        How much is wrong, in words.
    """

    name: str
    objects: Picture
    errors: Picture
    summary: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the report: the image, the truth, and what each model made of it."""

    title: str
    image: Picture
    truth: Picture
    found: tuple[Found, ...]

    @property
    def pictures(self) -> Iterator[Picture]:
        """All pictures."""
        yield from (self.image, self.truth)
        for found in self.found:
            yield from (found.objects, found.errors)


def show_place(panel: Panel, index: int, rng: np.random.Generator) -> Place:
    """Draw the pictures of the panel with this number; equal objects have equal colours in all of them."""
    name = f"place-{index}"
    truth = dense(panel.truth)
    of_truth = colour_objects(truth, rng)
    found = [
        _show_found(panel, title, (truth, of_truth), f"{name}-{i}-{slug(title)}", rng)
        for i, title in enumerate(panel.segmentations, start=1)
    ]
    return Place(
        panel.place,
        picture_of(panel.image, f"{name}-image", f"The image at {panel.place}."),
        picture_of(
            paint_objects(panel.image, truth, of_truth),
            f"{name}-truth",
            f"The {int(truth.max())} true objects at {panel.place}, each in its colour.",
        ),
        tuple(found),
    )


def _show_found(
    panel: Panel, title: str, true: tuple[NDArray[np.int64], Colouring], name: str, rng: np.random.Generator
) -> Found:
    truth, of_truth = true
    segments = dense(panel.segmentations[title])
    mistakes = find_mistakes(segments, truth)
    shares = mistake_shares(mistakes, truth)
    said = [
        f"{kind.name} {percent(shares[kind.mistake])}"
        for kind in KINDS
        if shares.get(kind.mistake, 0) >= 0.0005
    ]
    summary = ", ".join(said) or "no object is wrong"
    objects = paint_objects(panel.image, segments, match_colours(segments, truth, of_truth, rng))
    return Found(
        title,
        picture_of(objects, name, f"{title}: the {int(segments.max())} objects found at {panel.place}."),
        picture_of(
            paint_mistakes(panel.image, mistakes),
            f"{name}-errors",
            f"{title}: errors at {panel.place}, as shares of the area of the true objects: {summary}.",
        ),
        summary,
    )
