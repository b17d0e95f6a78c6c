"""Sources and tiles to choose from, for scripts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from napari_graft.acquisition.candidates import Suggestion
from napari_graft.core.progress import CancelToken, Report, note
from napari_graft.project.project import Project
from napari_graft.session import suggestion
from napari_graft.session.notebook import default_report
from napari_graft.session.ranking import rank as ranking
from napari_graft.session.ranking.rank import RankedSource
from napari_graft.session.suggestion import SuggestOptions
from napari_graft.session.training import trial_plan
from napari_graft.session.training.trial_plan import TrialPlan
from napari_graft.sources.catalogue import Catalogue


def rank_sources(
    project: Project,
    *,
    exclude: Collection[str] = (),
    include_seen: bool = False,
    device: str = "auto",
    report: Report | None = None,
) -> list[RankedSource]:
    """Return the sources, best first, by how close their training images lie to the project's image.

    Parameters
    ----------
    exclude
        Ids or paths of sources to leave out.
    include_seen
        Rank also the sources that were trained on the image or its data set; see `unseen_sources`. Otherwise
        `report` is told which were left out.
    device
        Where the networks run: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If there is no source to rank, or one to leave out does not exist.
    """
    report = report or default_report()
    if include_seen:
        sources = ranking.candidate_sources(Catalogue(), exclude)
    else:
        sources, seen = ranking.unseen_sources(project, Catalogue(), exclude)
        if seen:
            report(note(ranking.tell_left_out(seen)))
    return ranking.rank_sources(project, sources, device=device, report=report, cancel=CancelToken())


def propose_plan(ranked: Sequence[RankedSource], n_tiles: int = 8, minutes: float = 10.0) -> TrialPlan:
    """Propose which of the ranked sources to try, on how many tiles, and for how long.

    Parameters
    ----------
    ranked
        What `rank_sources` returned.
    n_tiles, minutes
        Tiles to annotate and training time in all.

    Raises
    ------
    InputError
        If there is nothing to spend, or no source of the wanted family was ranked.
    """
    return trial_plan.propose_plan([entry.as_entry() for entry in ranked], n_tiles, minutes)


def suggest_tiles(
    project: Project,
    n: int = 4,
    *,
    tile: int | None = None,
    strategy: str = "auto",
    source: str | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> list[Suggestion]:
    """Return the `n` tiles most worth annotating, and store them if the project is open for writing.

    Parameters
    ----------
    tile
        Side of a tile in pixels of the image; None for one that suits the objects where their size is known,
        else 256.
    strategy
        ``auto``, or the name of a strategy, as the command ``suggest`` lists them.
    source
        Model to look with; None for the run in use, or before the first run for a general one.
    seed
        Decides what is drawn at random.
    device
        Where the network runs: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If an option does not fit, or no tile is left.
    """
    request = SuggestOptions(n, tile, strategy, source, seed, device=device)
    return suggestion.suggest_tiles(
        project, request, catalogue=Catalogue(), report=report or default_report(), cancel=CancelToken()
    )
