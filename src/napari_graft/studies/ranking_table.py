"""How far each scorer foretold which source turns out best, target by target and in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median

import numpy as np

from napari_graft.scorers.order import DECIDING, combined_ranks, family
from napari_graft.scorers.registry import ON_IMAGE, SCORERS
from napari_graft.sources.source import Source
from napari_graft.studies.agreement import Agreement, agree, by_chance
from napari_graft.studies.generalists import is_generalist
from napari_graft.studies.targets import LabelledSet

Figures = Mapping[str, float]
"""A number for each source, by its id."""


@dataclass(frozen=True, slots=True)
class TargetFigures:
    """What was found on one target with one choice of tiles.

    Parameters
    ----------
    target, seed
        The target, and the seed that drew its tiles.
    truth
        Quality of each source after the training, mean over all seeds.
    trial, truth_elsewhere
        The same with this choice of tiles alone, and with all others; the latter is empty where there is
        none.
    readings
        What each scorer said of each source, by source.
    sources
        The sources, by id.
    """

    target: LabelledSet
    seed: int
    truth: Figures
    trial: Figures
    truth_elsewhere: Figures
    readings: Mapping[str, Figures]
    sources: Mapping[str, Source]

    def agreements(self) -> dict[str, Agreement]:
        """Return how far each scorer, their combinations and the controls foretold the truth.

        *trial* is what it costs to find out: each source is trained on one choice of tiles, and put in the
        order of what it came to, which is compared with what it comes to with other tiles. No scorer that
        sees these tiles can be expected to foretell more.
        """
        found = {name: agree(foretold, self.truth) for name, foretold in self._orders().items()}
        found["trial"] = agree(self.trial, self.truth_elsewhere)
        return {name: one for name, one in found.items() if one is not None}

    def generalist_regret(self) -> float | None:
        """Return the regret of always taking the generalist of the family, None where there is none."""
        wide = [
            self.truth[one]
            for one, source in self.sources.items()
            if one in self.truth and is_generalist(source)
        ]
        if not wide:
            return None
        best = max(self.truth.values())
        return (best - max(wide)) / max(abs(best), 1e-9)

    def describe(self) -> dict[str, object]:
        """Return all of it, ready to be written as JSON."""
        return {
            "target": self.target.key,
            "seed": self.seed,
            "truth": dict(self.truth),
            "trial": dict(self.trial),
            "readings": {one: dict(known) for one, known in self.readings.items()},
            "agreement": {name: asdict(one) for name, one in self.agreements().items()},
        }

    def _orders(self) -> dict[str, Figures]:
        found: dict[str, Figures] = {
            name: {one: known[name] for one, known in self.readings.items() if name in known}
            for name in SCORERS
        }
        for title, groups in (("combined", DECIDING), ("combined, no labels", (ON_IMAGE,))):
            found[title] = {one: -place for one, place in combined_ranks(self.readings, groups).items()}
        found["label"] = {one: label_score(self.target, source) for one, source in self.sources.items()}
        return found


def label_score(target: LabelledSet, source: Source) -> float:
    """Return how many of genus and instrument the cards of target and source share, 0 to 2."""
    genus, instrument = target.labels_of_set
    card = source.card
    same_genus = bool(genus) and genus.lower() in card.species.lower()
    same_instrument = bool(instrument) and instrument.lower() in card.instrument.lower()
    return float(same_genus) + float(same_instrument)


def table(figures: Sequence[TargetFigures]) -> list[dict[str, object]]:
    """Return a row for each scorer and control, over all targets and for each family.

    ρ is the median, regret and hits are means, over targets and choices of tiles.
    """
    groups = {"all": list(figures)}
    for one in figures:
        groups.setdefault(family(one.target.structure), []).append(one)
    return [row for name, members in groups.items() for row in _rows(name, members)]


def _rows(group: str, figures: Sequence[TargetFigures]) -> list[dict[str, object]]:
    found: dict[str, list[tuple[str, Agreement]]] = {}
    for one in figures:
        for name, agreement in one.agreements().items():
            found.setdefault(name, []).append((one.target.key, agreement))
        found.setdefault("random", []).append((one.target.key, by_chance(one.truth)))
    rows = [_row(group, name, agreements) for name, agreements in found.items()]
    regrets = [(one.target.key, regret) for one in figures if (regret := one.generalist_regret()) is not None]
    if regrets:
        row = {"group": group, "order": "generalist", "n_targets": len(dict(regrets))}
        rows.append(row | {"rho": None, "regret": round(fmean(one for _, one in regrets), 3), "top3": None})
    return rows


def _row(group: str, name: str, found: Sequence[tuple[str, Agreement]]) -> dict[str, object]:
    agreements = [agreement for _, agreement in found]
    known = [one.rho for one in agreements if not np.isnan(one.rho)]
    return {
        "group": group,
        "order": name,
        "n_targets": len(dict(found)),
        "rho": round(median(known), 3) if known else None,
        "regret": round(fmean(one.regret for one in agreements), 3),
        "top3": round(fmean(one.is_hit for one in agreements), 3),
    }
