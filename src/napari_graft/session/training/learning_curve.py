"""What painting has brought so far, and whether more of it is worth the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from napari_graft.project.project import Project, painted_seconds
from napari_graft.project.run import Run
from napari_graft.sources.card import Structure, leading_score

LITTLE = 0.05
"""A round that makes the score better by less is not worth another one like it."""
MUCH = 0.15
"""A round that makes the score better by this or more is followed by another one like it."""

Score = Literal["loss", "vi", "ap50"]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Point of the learning curve: what a finished run reached, and what had been painted for it.

    The pixels kept apart grow with the tiles, so scores of two runs are not of the same pixels. The scores
    ``_before`` are: they are those of the model that the run competed with, measured at the same time.

    Parameters
    ----------
    run
        Its number.
    n_tiles
        Tiles annotated when it began.
    minutes
        Time painted until then.
    loss, vi, ap50
        Its scores, None where they could not be measured. VI and loss are better when lower, AP50 when
        higher.
    kept
        Whether its model is allowed to be used.
    loss_before, vi_before, ap50_before
        Scores of the model in use before, or where there was none, of the untouched source.
    """

    run: str
    n_tiles: int
    minutes: float
    loss: float | None
    vi: float | None
    ap50: float | None
    kept: bool
    loss_before: float | None
    vi_before: float | None
    ap50_before: float | None

    def score(self, name: Score, *, before: bool = False) -> float | None:
        """Return one of the scores, or the one of the model before."""
        values = {
            "loss": (self.loss, self.loss_before),
            "vi": (self.vi, self.vi_before),
            "ap50": (self.ap50, self.ap50_before),
        }
        return values[name][before]


def learning_curve(project: Project) -> list[CurvePoint]:
    """Return a point for each finished run, in the order in which they were started.

    Raises
    ------
    InputError
        If the journal is damaged.
    """
    entries = list(project.journal.entries())
    return [
        _point(run, painted_seconds(entries, until=run.record.created) / 60)
        for run in project.runs.all()
        if run.is_finished
    ]


def advice(points: Sequence[CurvePoint], structure: Structure | None) -> str:
    """Say in plain words whether to paint more.

    It looks at the last round, which is the tiles that were new in the last runs, and at how much better the
    model became with them, on the same pixels kept apart: by what share VI or the loss fell, or by how much
    AP50 rose. Less than `LITTLE` is little, `MUCH` or more is much. VI is what counts for neurites and axons,
    where a wrong merger spoils much; AP50 for all else, where objects are counted; the loss where the score
    could not be measured. Before the second round it is too early to tell, because the first one compares
    with a source that has never seen the image.
    """
    rounds = _rounds(points)
    change = _change(rounds[-1], structure) if len(rounds) > 1 else None
    if change is None:
        return "Too few rounds to tell: paint more tiles and train again."
    n_new = rounds[-1][0].n_tiles - rounds[-2][0].n_tiles
    tiles = _tiles(n_new, rounds[-1][0].minutes - rounds[-2][-1].minutes)
    if change.gain <= 0:
        return (
            f"{tiles} did not improve the held-out {change.title} ({change.before:.2f} before, "
            f"{change.after:.2f} now): look at where the model is wrong before painting more."
        )
    improved = f"{tiles} improved the held-out {change.title} from {change.before:.2f} to {change.after:.2f}"
    if change.gain < LITTLE:
        return f"{improved}: painting more will bring little."
    if change.gain < MUCH:
        return f"{improved}: painting more still helps, but slowly."
    return f"{improved}: still improving quickly, paint {n_new} more."


N_FLAT = 2
"""So many rounds in a row must gain little before the rest is said to bring little."""


def reason_to_stop(points: Sequence[CurvePoint], structure: Structure | None) -> str:
    """Say why more tiles of this kind will not help much; empty where they may.

    So it is where each of the last `N_FLAT` rounds gained less than `LITTLE`; see `advice` for what a round
    and its gain are. One round alone may have been bad luck with its tiles.
    """
    changes = [_change(one, structure) for one in _rounds(points)[-N_FLAT:]]
    found = [one for one in changes if one is not None]
    if len(found) < N_FLAT or any(change.gain >= LITTLE for change in found):
        return ""
    last = found[-1]
    little = f"{LITTLE:.2f} of {last.title}" if last.name == "ap50" else f"{LITTLE:.0%} of the {last.title}"
    return (
        f"The last two rounds gained less than {little} on what was held out: more tiles of this kind will "
        "not help much."
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """The score that counts, before and after the last round."""

    name: Score
    before: float
    after: float

    @property
    def title(self) -> str:
        return "loss" if self.name == "loss" else self.name.upper()

    @property
    def gain(self) -> float:
        if self.name == "ap50":
            return self.after - self.before
        return (self.before - self.after) / self.before if self.before > 0 else 0.0


def _point(run: Run, minutes: float) -> CurvePoint:
    found = run.record.validation
    suffix = "_previous" if any(name.endswith("_previous") for name in found) else "_source"
    return CurvePoint(
        run=run.id,
        n_tiles=run.record.n_tiles,
        minutes=minutes,
        loss=found.get("loss"),
        vi=found.get("vi"),
        ap50=found.get("ap50"),
        kept=run.record.kept,
        loss_before=found.get(f"loss{suffix}"),
        vi_before=found.get(f"vi{suffix}"),
        ap50_before=found.get(f"ap50{suffix}"),
    )


def _rounds(points: Sequence[CurvePoint]) -> list[list[CurvePoint]]:
    """Put the runs on the same tiles together, those on fewer tiles first."""
    by_tiles: dict[int, list[CurvePoint]] = {}
    for point in points:
        by_tiles.setdefault(point.n_tiles, []).append(point)
    return [by_tiles[n_tiles] for n_tiles in sorted(by_tiles)]


def _change(last: Sequence[CurvePoint], structure: Structure | None) -> _Change | None:
    """Return how the score that counts changed in the last round, None where it was not measured."""
    names: tuple[Score, Score] = (leading_score(structure), "loss")
    for name in names:
        before = last[0].score(name, before=True)
        reached = [value for point in last if (value := point.score(name)) is not None]
        if before is not None and reached:
            return _Change(name, before, max(reached) if name == "ap50" else min(reached))
    return None


def _tiles(n: int, minutes: float) -> str:
    """Name the tiles, and say how long they took where that was measured."""
    tiles = "The last tile" if n == 1 else f"The last {n} tiles"
    if minutes < 0.5:
        return tiles
    unit = "minute" if round(minutes) == 1 else "minutes"
    return f"{tiles} took {round(minutes)} {unit} and"
