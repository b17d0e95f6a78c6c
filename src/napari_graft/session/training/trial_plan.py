"""Plan a trial of the best sources from their ranking and what the user can spend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from napari_graft.core.errors import InputError
from napari_graft.project.documents import RankedEntry

MOST_SOURCES = 3
LEAST_TILES, MOST_TILES = 2, 6
SHARE = 1 / 3
"""What a trial takes of the tiles and of the time; the winner gets the rest."""
SHORTEST, LONGEST = 30.0, 300.0
"""Seconds of training: less tells nothing about a source, and more is better spent on the winner."""
AHEAD_RANK = 0.25
"""By so much of the whole order, over all scorers, a source that needs no trial leads."""
AHEAD_Z = 3.0
"""So many times farther from the image the second one must be as well."""
OWN_Z = 3.0
"""Up to this z an image is like a source's own data, and a difference of z means nothing."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """Proposal of which sources to try, on what, and for how long.

    Parameters
    ----------
    shortlist
        Ids of the sources to try, best first; one to three.
    n_tiles
        Tiles to annotate before the trial.
    seconds_each
        Training time of each source.
    n_tiles_left, seconds_left
        What remains for the winner.
    reasons
        Why so, in words, a sentence each.
    """

    shortlist: tuple[str, ...]
    n_tiles: int
    seconds_each: float
    n_tiles_left: int
    seconds_left: float
    reasons: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Training time of the whole trial."""
        return self.seconds_each * len(self.shortlist)

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``plan --json``."""
        return asdict(self)


def propose_plan(ranked: Sequence[RankedEntry], n_tiles: int, minutes: float) -> TrialPlan:
    """Propose a trial that takes at most a third of the time, and about a third of the tiles.

    Sources of another family of structures, and finished networks of other programs, are never tried. The
    first one is tried alone where it is far ahead (`AHEAD_RANK` over all scorers, and the image `AHEAD_Z`
    times closer to it), or where the time does not allow two trainings that tell something (`SHORTEST` each).

    Parameters
    ----------
    ranked
        The sources, best first.
    n_tiles
        Tiles that the user means to annotate in all.
    minutes
        Training time that the user means to spend in all.

    Raises
    ------
    InputError
        If there is nothing to spend, or no source of the wanted family was ranked.
    """
    if n_tiles < 1:
        raise InputError(f"a budget of {n_tiles} tiles allows no trial: give 1 or more")
    if not 0 < minutes < math.inf:
        raise InputError(f"a budget of {minutes:g} minutes allows no trial: give more than 0")
    related = [entry for entry in ranked if entry.same_structure and entry.is_trainable]
    if not related:
        raise InputError(
            "no source for this kind of structure that can be trained was ranked: "
            "add one, or train from one that you name"
        )
    seconds = 60 * minutes
    n_sources, why = _how_many(related, seconds)
    seconds_each = share_of_each(n_sources, seconds)
    for_trial = min(n_tiles, max(LEAST_TILES, min(MOST_TILES, math.ceil(SHARE * n_tiles))))
    shortlist = related[:n_sources]
    return TrialPlan(
        shortlist=tuple(entry.source for entry in shortlist),
        n_tiles=for_trial,
        seconds_each=seconds_each,
        n_tiles_left=n_tiles - for_trial,
        seconds_left=seconds - seconds_each * n_sources,
        reasons=(
            why,
            *_left_out(ranked, len(related) - n_sources),
            _time_reason(seconds_each * n_sources, seconds),
        ),
    )


def share_of_each(n_sources: int, seconds: float) -> float:
    """Return the training time of each of the sources in a trial, from the time for all that follows too."""
    return min(LONGEST, SHARE * seconds / n_sources)


def _how_many(related: Sequence[RankedEntry], seconds: float) -> tuple[int, str]:
    """Return how many sources to try, and why so many."""
    first = related[0]
    if len(related) == 1:
        return 1, f"{first.source} alone was ranked for this kind of structure."
    if _is_far_ahead(first, related[1]):
        return 1, (
            f"{first.source} is far ahead of {related[1].source}: by {AHEAD_RANK:.0%} or more of the "
            f"order over all scorers, and the image is {AHEAD_Z:g} times closer to it "
            f"(z {first.z:.3g} against {related[1].z:.3g})."
        )
    affordable = int(SHARE * seconds / SHORTEST + 1e-9)
    if affordable < 2:
        return 1, (
            f"{first.source} alone: a third of {seconds / 60:g} min is too short to try two sources for "
            f"{SHORTEST:g} s each."
        )
    n_sources = min(MOST_SOURCES, len(related), affordable)
    names = ", ".join(entry.source for entry in related[:n_sources])
    return n_sources, f"{names}: the first of the ranking, none far enough ahead to do without a trial."


def _is_far_ahead(first: RankedEntry, second: RankedEntry) -> bool:
    # Combined ranks are taken within the sources of one structure: those of two structures do not compare.
    if first.structure != second.structure or first.combined is None or second.combined is None:
        return False
    if first.z is None or second.z is None:
        return False
    leads = second.combined - first.combined >= AHEAD_RANK
    return leads and second.z >= AHEAD_Z * max(first.z, OWN_Z)


def _left_out(ranked: Sequence[RankedEntry], n_behind: int) -> list[str]:
    """Say how many of the ranked sources are not tried, and why."""
    n_finished = sum(entry.same_structure and not entry.is_trainable for entry in ranked)
    n_others = sum(not entry.same_structure for entry in ranked)
    why = {
        "farther back in the ranking": n_behind,
        "for something else": n_others,
        "finished and not to be trained further": n_finished,
    }
    return [f"Not tried: {'1 source' if n == 1 else f'{n} sources'}, {what}." for what, n in why.items() if n]


def _time_reason(trial: float, whole: float) -> str:
    if trial < SHARE * whole - 1e-6:
        return (
            f"{LONGEST / 60:g} min of training show enough of a source; the winner gets the rest of the time."
        )
    return "The trial takes a third of the training time; the winner gets the rest."
