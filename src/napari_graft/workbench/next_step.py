"""What to do next, in one line, and the rest of what the dock shows around its tabs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

TabName = Literal["data", "sources", "annotate", "train", "compare"]
TABS: tuple[TabName, ...] = ("data", "sources", "annotate", "train", "compare")


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of how far the work is.

    Parameters
    ----------
    has_image, has_project
        Whether an image is chosen, and a project open.
    is_ranked, has_source
        Whether the sources were ranked, and one was chosen.
    n_to_do, n_done
        Tiles of the queue that wait, and that are painted.
    n_new
        Tiles painted since the last run.
    n_runs
        Finished runs.
    is_training
        Whether a training is under way.
    """

    has_image: bool = False
    has_project: bool = False
    is_ranked: bool = False
    has_source: bool = False
    n_to_do: int = 0
    n_done: int = 0
    n_new: int = 0
    n_runs: int = 0
    is_training: bool = False


@dataclass(frozen=True, slots=True)
class NextStep:
    """Next step to take, and its tab."""

    text: str
    tab: TabName


_SUGGEST = "Suggest tiles to paint; where the source is good enough, segment the image as it is."


def next_step(facts: Facts) -> NextStep:
    """Return the one next thing to do.

    >>> next_step(Facts(has_image=True, has_project=True)).text
    'Rank the sources: which one fits this image?'
    """
    steps: tuple[tuple[bool, TabName, str], ...] = (
        (
            not facts.has_image and not facts.has_project,
            "data",
            "Open an image in napari, or try the sample.",
        ),
        (not facts.has_project, "data", "Check the pixel size, say what to segment, and start a project."),
        (facts.n_to_do > 0, "annotate", _painting(facts)),
        (facts.is_training, "train", "Training. You can go on painting meanwhile."),
        (facts.n_new > 0, "train", f"{_tiles(facts.n_new)} painted since the last training. Train on them."),
        (facts.n_runs > 0, "compare", "Compare the new result with the one before, or suggest more tiles."),
        (facts.has_source, "annotate", _SUGGEST),
        (facts.is_ranked, "sources", "Preview the best sources, then use one."),
        (True, "sources", "Rank the sources: which one fits this image?"),
    )
    return next(NextStep(words, tab) for holds, tab, words in steps if holds)


def _painting(facts: Facts) -> str:
    n_all = facts.n_to_do + facts.n_done
    return f"{_tiles(n_all)} suggested, {facts.n_done} painted. Paint the next one."


def _tiles(n: int) -> str:
    return f"{n} tile" if n == 1 else f"{n} tiles"


@dataclass(slots=True, weakref_slot=True)
class WorkbenchState:
    """State of the workbench: the tab that is shown, and what comes next."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tab: TabName = "data"
    next: NextStep = field(default_factory=lambda: next_step(Facts()))
