"""The command that prepares a source on unlabelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from napari_graft.cli.commands.training import learn
from napari_graft.cli.types import Device, Json, parse_duration
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY

if TYPE_CHECKING:
    from napari_graft.project.reports import PretrainReport

_MOST_SHOWN = 8
"""Values of a curve that a line has room for."""
_Several = Annotated[list[str] | None, Parameter(consume_multiple=True)]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class PretrainChoices:
    """Options of a pretraining: how, on what, how long and where.

    Parameters
    ----------
    objective
        What is learned from the images alone: masked (hidden parts are filled in), moco (places are told
        apart, as in the paper) or dense (pixels are).
    replay
        What keeps the rest of the network in step, one or several: generated (images with truth that look
        like yours), distillation (what the source says itself), labelled (your annotated tiles).
    images
        Further images like yours, paths or patterns in quotes such as 'more/*.tif'.
    time_budget
        For example 60s or 3m; 3m where neither a time nor steps are given.
    steps
        Number of steps.
    device
        Where to work; auto takes the GPU if there is one.
    seed
        Decides what is drawn at random.
    """

    objective: str = DEFAULT_OBJECTIVE
    replay: _Several = None
    images: _Several = None
    time_budget: str | None = None
    steps: int | None = None
    device: Device = "auto"
    seed: int = 0

    @property
    def seconds(self) -> float | None:
        """The time budget, None where none was given."""
        return parse_duration(self.time_budget) if self.time_budget else None


THREE_MINUTES = PretrainChoices()


def pretrain(
    project: Path, *, source: str, options: PretrainChoices = THREE_MINUTES, json: Json = False
) -> None:
    """Prepare a source on your images, without labels; Ctrl+C stops and keeps the best so far.

    What comes of it is a run that a training can start from: train PROJECT --source PROJECT:RUN. The training
    takes the source as it was where the prepared one is worse on the annotated tiles.

    Example: `napari-graft pretrain cortex.graft --source mouse-ca1-fibsem --time-budget 3m`

    Parameters
    ----------
    project
        Folder of the project; nothing need be annotated.
    source
        What to prepare: a source, PROJECT:RUN or latest.
    options
        How, on what, how long and where.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.pretrain import PretrainRequest

    request = PretrainRequest(
        project=str(project),
        source=source,
        objective=options.objective,
        replay=tuple(options.replay or DEFAULT_REPLAY),
        images=tuple(options.images or ()),
        seconds=options.seconds,
        steps=options.steps,
        device=options.device,
        seed=options.seed,
    )
    learn(request, _Teller(project).tell, json=json)


@dataclass(frozen=True, slots=True)
class _Teller:
    project: Path

    def tell(self, report: PretrainReport) -> None:
        """Print what a pretraining came to."""
        for name in ("run", "source", "steps", "seconds", "device", "stopped_by"):
            print(f"{name:12} {getattr(report, name)}")
        record = report.pretraining
        print(f"{'images':12} {len(record.images)}")
        for name, losses in record.curves.items():
            if losses:
                print(f"  loss {name:18} {' '.join(f'{loss:.3f}' for loss in _thinned(losses))}")
        print(f"terms        {record.terms.get('license') or 'not stated'}")
        if report.is_changed:
            print(f"Start a training from it with --source {self.project}:{report.run}")
        else:
            print("The source stays as it was: every change made it worse at what it could do before.")


def _thinned(losses: Sequence[float]) -> list[float]:
    """Return at most some of the values of a curve, evenly apart, with the first and the last."""
    places = {round(i * (len(losses) - 1) / (_MOST_SHOWN - 1)) for i in range(_MOST_SHOWN)}
    return [losses[place] for place in sorted(places)]
