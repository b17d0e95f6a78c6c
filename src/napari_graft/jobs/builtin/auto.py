"""Suggest tiles, take their labels, train and judge, round after round, until a budget is spent."""

from __future__ import annotations

from typing import ClassVar, Literal

from napari_graft.jobs.base import Answer, Job, Work
from napari_graft.jobs.budget import LearnRequest
from napari_graft.project.auto import AutoPlan, AutoRound, EndedBy


class AutoResult(Answer):
    """What the rounds came to.

    Parameters
    ----------
    source
        What the first round started from.
    run
        The run in use at the end, None where none is.
    n_tiles
        Tiles painted in all.
    seconds
        Time of the computer.
    stopped_by, words
        Why no further round was begun: ``tiles``, ``time``, ``flat``, ``no tiles`` or ``cancel``; and in
        words.
    rounds
        The rounds.
    """

    source: str
    run: str | None
    n_tiles: int
    seconds: float
    stopped_by: EndedBy
    words: str
    rounds: tuple[AutoRound, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``auto --json``."""
        return self.model_dump(mode="json")


class AutoRequest(LearnRequest[AutoResult]):
    """What rounds are asked for.

    Parameters
    ----------
    labels
        Label image of the size of the image, which plays the person who paints.
    n_tiles
        Tiles to paint in all, those that are painted already among them.
    per_round
        Tiles of a round.
    source
        What the first round starts from: best (first of the ranking), a source, PROJECT:RUN, or scratch.
    strategy
        How tiles are chosen: auto, or the name of a strategy.
    seconds
        Time of the computer for all rounds; ten minutes where neither a time nor steps are given.
    steps
        Training steps of a round.
    seed
        Decides tiles, patches and augmentation.
    tile
        Side of a tile in pixels of the image; None for one that suits the objects, else 256.
    sparse
        The labels are strokes: 0 unlabelled, 1 background, 2… objects.
    axes
        One letter of tczyx for each axis of the label image.
    mask
        What a label image of two values is: one object, or pieces of which each is one.
    """

    kind: ClassVar[str] = "auto"

    labels: str
    n_tiles: int = 8
    per_round: int = 4
    source: str = "best"
    strategy: str = "auto"
    tile: int | None = None
    sparse: bool = False
    axes: str | None = None
    mask: Literal["object", "pieces"] | None = None

    @property
    def plan(self) -> AutoPlan:
        """The same as it is kept in the project."""
        seconds = DEFAULT_SECONDS if self.seconds is None and self.steps is None else self.seconds
        return AutoPlan(
            labels=self.labels,
            n_tiles=self.n_tiles,
            per_round=self.per_round,
            seconds=seconds,
            steps=self.steps,
            source=self.source,
            strategy=self.strategy,
            seed=self.seed,
            tile=self.tile,
        )


DEFAULT_SECONDS = 600.0


def _go_on(request: AutoRequest, work: Work) -> AutoResult:
    from napari_graft.io import open_labels
    from napari_graft.session.active.rounds import AutoTask

    labels = open_labels(request.labels, axes=request.axes, mask=request.mask)
    task = AutoTask(
        work.project,
        labels,
        request.plan,
        work.catalogue,
        work.report,
        work.cancel,
        device=request.device,
        is_sparse=request.sparse,
    )
    found, latest = task.run(), work.project.latest_run()
    return AutoResult(
        source=found.source,
        run=None if latest is None else latest.id,
        n_tiles=len(work.project.annotations.tiles()),
        seconds=found.seconds,
        stopped_by=found.ended_by,
        words=found.words,
        rounds=found.rounds,
    )


JOB = Job(
    AutoRequest,
    AutoResult,
    _go_on,
    title="Going on by itself",
    access="write",
    keeps_its_best=True,
    after_a_crash="finished rounds and painted tiles are kept: the same command goes on",
)
