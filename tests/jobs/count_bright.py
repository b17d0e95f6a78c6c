"""A job of a plugin: count the pixels of the image that are brighter than a threshold."""

from __future__ import annotations

from typing import ClassVar

from napari_plugin_engine import HookImplementationMarker

from napari_graft.core.progress import Progress
from napari_graft.core.tile import Tile
from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work


class CountResult(Answer):
    """How many pixels are brighter.

    Parameters
    ----------
    n_bright, n_pixels
        Of them, and of all.
    """

    n_bright: int
    n_pixels: int


class CountRequest(ProjectRequest[CountResult]):
    """What a count is asked for.

    Parameters
    ----------
    above
        Grey value that a bright pixel exceeds.
    repeats
        How often to count.
    """

    kind: ClassVar[str] = "count-bright"

    above: float = 0.5
    repeats: int = 1


def count(request: CountRequest, work: Work) -> CountResult:
    """Count the bright pixels of the image, row by row."""
    volume = work.project.volume
    *outer, height, width = volume.shape
    rows = [Tile((0,) * len(outer) + (y, 0), (*outer, 1, width)) for y in range(height)]
    n_bright = 0
    for done in range(height * request.repeats):
        work.cancel.raise_if_cancelled()
        pixels = volume.read(rows[done % height])
        n_bright += int((pixels > request.above).sum())
        work.report(Progress(done + 1, height * request.repeats, "counting"))
    n_pixels = request.repeats * height * width
    for n in outer:
        n_pixels *= n
    return CountResult(n_bright=n_bright, n_pixels=n_pixels)


JOB = Job(CountRequest, CountResult, count, title="Counting bright pixels", lane="short")


@HookImplementationMarker("napari_graft")
def napari_graft_jobs() -> list[Job[CountResult]]:
    """Return the jobs of this package."""
    return [JOB]
