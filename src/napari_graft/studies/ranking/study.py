"""Does the ranking foretell which source turns out best? The benchmark ``ranking``, its table and picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median

import numpy as np
from matplotlib.axes import Axes

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.writers.file_kinds import JSON, PNG, marked, png_with_mark
from napari_graft.report.drawing import LIGHT, Picture, add_axes, new_figure, save, write_on
from napari_graft.scorers.order import DECIDING, Evidence, combined_ranks, family, rank
from napari_graft.scorers.registry import COMBINED, ON_IMAGE, ON_TILES, SCORERS
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.generalists import Generalists, is_generalist
from napari_graft.studies.ranking.agreement import Agreement, Regrets, agree, by_chance, regret_columns
from napari_graft.studies.ranking.views import plain_id, views_of, views_of_program
from napari_graft.studies.results import KeptResults
from napari_graft.studies.score_cache import ScoreCache, SourceReadings
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import Transfer, TransferBench, TransferRequest

NAME = "ranking"


def run_ranking(request: TransferRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Adapt every source to every target it has not seen, and compare the true order with the foretold ones.

    What was finished before is not done again.

    Returns
    -------
    list of dict
        One row for each scorer and control, see `table`.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    for target in request.targets:
        target.check(request.data)
    study = _Study(request, report, cancel)
    runs = [(seed, target) for seed in range(request.n_seeds) for target in request.targets]
    for number, (seed, target) in enumerate(runs):
        report(Progress(number, len(runs), f"seed {seed}, target {target.key}"))
        study.measure(target, seed)
    figures = [found for target in request.targets for found in study.figures(target)]
    rows = table(figures)
    document = {
        "settings": {
            "n_seeds": request.n_seeds,
            "is_family_only": request.is_family_only,
            "has_views": request.has_views,
        }
        | asdict(request.plan),
        "rows": rows,
        "targets": [one.describe() for one in figures],
    }
    text = json.dumps(marked(document), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    if rows:
        picture = png_with_mark(ranking_chart(rows).png)
        request.outputs.write(request.out / f"{NAME}.png", picture, PNG)
    return rows


class _Study:
    """What is found of each source on each target, one choice of tiles after the other."""

    def __init__(self, request: TransferRequest, report: Report, cancel: CancelToken) -> None:
        self._request = request
        self._cancel = cancel
        self._catalogue = Catalogue()
        self._transfers = KeptResults(Transfer, request.out / f"{NAME}-transfers.jsonl")
        readings = KeptResults(SourceReadings, request.out / f"{NAME}-readings.jsonl")
        held_out = request.out / "generalists"
        self._generalists = Generalists(
            held_out, request.recipes, request.data, outputs=request.outputs, report=report, cancel=cancel
        )
        self._scores = ScoreCache((request.recipes, held_out), request.data, readings, cancel)
        self._found: dict[str, dict[int, list[tuple[Source, Transfer, SourceReadings]]]] = {}

    def measure(self, target: LabelledSet, seed: int) -> None:
        """Adapt and measure every source on a target whose tiles are drawn from a seed."""
        request = self._request
        bench = TransferBench(target, request.data, request.plan, seed, self._transfers, self._cancel)
        found = self._found.setdefault(target.key, {}).setdefault(seed, [])
        try:
            for source in self._candidates(target, bench):
                found.append((source, bench.run(source), self._scores.measure(source, bench)))
        finally:
            bench.close()

    def _candidates(self, target: LabelledSet, bench: TransferBench) -> list[Source]:
        """Return who takes part: who has not seen the target, and a generalist that has not either."""
        found = bench.candidates(self._catalogue, is_family_only=self._request.is_family_only)
        generalist = self._generalists.for_target(
            target, lambda source: bench.has_run(source) and self._scores.has_measured(source, bench)
        )
        found = found if generalist is None else [*found, generalist]
        return [view for one in found for view in views_of(one)] if self._request.has_views else found

    def figures(self, target: LabelledSet) -> list[TargetFigures]:
        """Return what was found on one target, for each seed; nothing where fewer than two sources are."""
        by_seed = self._found[target.key]
        trials = {seed: {source.id: t.quality for source, t, _ in found} for seed, found in by_seed.items()}
        truth = _mean(list(trials.values()))
        if len(truth) < 2:
            return []
        return [
            TargetFigures(
                target,
                seed,
                truth,
                trials[seed],
                _mean([trial for other, trial in trials.items() if other != seed]),
                {source.id: read.known for source, _, read in found},
                {source.id: source for source, _, _ in found},
            )
            for seed, found in by_seed.items()
        ]


def _mean(many: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(one[name] for one in many) for name in many[0]} if many else {}


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
        order of what it came to. No scorer that sees these tiles can be expected to foretell more. All are
        judged by the same: what the sources come to with other tiles.
        """
        found = {name: agree(foretold, self.judge) for name, foretold in self._orders().items()}
        found["trial"] = agree(self.trial, self.truth_elsewhere)
        return {name: one for name, one in found.items() if one is not None}

    @property
    def judge(self) -> Figures:
        """What an order is judged by: the truth with other tiles, or where there are none, with these."""
        return self.truth_elsewhere or self.truth

    def generalist_regret(self) -> float | None:
        """Return the regret of always taking the generalist of the family, None where there is none.

        In the plain view: whoever looks at nothing chooses no other.
        """
        judge = self.judge
        wide = [
            judge[one]
            for one, source in self.sources.items()
            if one in judge and one == plain_id(one) and is_generalist(source)
        ]
        if not wide:
            return None
        best = max(judge.values())
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
        shown = views_of_program(self.readings)
        found |= {"product": self._product((), shown), "product, no labels": self._product(ON_TILES, shown)}
        if len(shown) < len(self.readings):
            every = list(self.readings)
            found["product, plain"] = self._product((), [one for one in every if one == plain_id(one)])
            found["product, every view"] = self._product((), every)
            found["product, every view, no labels"] = self._product(ON_TILES, every)
        found["label"] = {one: label_score(self.target, source) for one, source in self.sources.items()}
        return found

    def _product(self, left_out: Sequence[str], shown: Sequence[str]) -> Figures:
        """Return the order that the program makes of some candidates, without what some scorers say.

        See `rank`.
        """
        evidence = {
            one: Evidence(
                self.sources[one].card.structure,
                None,
                {name: value for name, value in known.items() if name in COMBINED and name not in left_out},
            )
            for one, known in self.readings.items()
            if one in shown
        }
        ordered = rank(evidence, self.target.structure)
        return {entry.source_id: -float(place) for place, entry in enumerate(ordered)}


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
    found: dict[str, list[tuple[str, int, Agreement]]] = {}
    for one in figures:
        for name, agreement in one.agreements().items():
            found.setdefault(name, []).append((one.target.key, one.seed, agreement))
        found.setdefault("random", []).append((one.target.key, one.seed, by_chance(one.judge)))
    generalist = {
        (one.target.key, one.seed): regret
        for one in figures
        if (regret := one.generalist_regret()) is not None
    }
    rows = [_row(group, name, agreements, generalist) for name, agreements in found.items()]
    if generalist:
        row = {"group": group, "order": "generalist", "n_targets": len({key for key, _ in generalist})}
        row |= {"rho": None, "regret": round(fmean(generalist.values()), 3), "top3": None}
        rows.append(row | regret_columns(generalist, {}))
    return rows


def _row(
    group: str, name: str, found: Sequence[tuple[str, int, Agreement]], generalist: Regrets
) -> dict[str, object]:
    agreements = [agreement for *_, agreement in found]
    regrets = {(key, seed): agreement.regret for key, seed, agreement in found}
    known = [one.rho for one in agreements if not np.isnan(one.rho)]
    return {
        "group": group,
        "order": name,
        "n_targets": len({key for key, *_ in found}),
        "rho": round(median(known), 3) if known else None,
        "regret": round(fmean(one.regret for one in agreements), 3),
        "top3": round(fmean(one.is_hit for one in agreements), 3),
    } | regret_columns(regrets, generalist)


NAMES = {
    "trial": "train every source on the tiles",
    "product": "rank, four tiles painted",
    "product, every view": "rank, each view a candidate",
    "few-shot": "few shot alone",
    "product, no labels": "rank, before any label",
    "mmd": "closeness alone (MMD)",
    "consistency": "consistency alone",
    "label": "genus and instrument on the card",
    "generalist": "always the generalist",
    "random": "at random",
}
"""The orders that are shown, from above, and what they are called."""
AIMS = {"regret": 0.1, "rho": 0.7}

_WIDTH, _ROW, _TOP, _BOTTOM = 780, 26, 34, 26
_PANELS = {"regret": (250, 250), "rho": (540, 220)}
_TITLES = {"regret": "First choice worse than the best by", "rho": "Agreement of the whole order, ρ"}


def ranking_chart(rows: Sequence[Mapping[str, object]]) -> Picture:
    """Draw the rows over all targets, as `table` returns them."""
    of_order = {row["order"]: row for row in rows if row["group"] == "all"}
    shown = [name for name in NAMES if name in of_order]
    height = _TOP + _ROW * len(shown) + _BOTTOM
    figure = new_figure(_WIDTH, height, LIGHT)
    for measure, (left, width) in _PANELS.items():
        axes = add_axes(figure, (left, _TOP, width, _ROW * len(shown)), LIGHT)
        values = [of_order[name][measure] for name in shown]
        _draw_panel(axes, shown, values, measure)
        axes.set_yticks(range(len(shown)))
        axes.set_yticklabels([NAMES[name] for name in shown] if measure == "regret" else [])
    return save(figure, "ranking", _alt(of_order))


def _draw_panel(axes: Axes, shown: Sequence[str], values: Sequence[object], measure: str) -> None:
    lengths = [float(value) if isinstance(value, int | float) else 0.0 for value in values]
    colours = [LIGHT.adapted if name.startswith("product") else LIGHT.other for name in shown]
    axes.barh(range(len(shown)), lengths, height=0.62, color=colours)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(*lengths, AIMS[measure]))
    axes.axvline(AIMS[measure], color=LIGHT.scratch, linewidth=1.2)
    axes.set_xticks([])
    for place, (value, length) in enumerate(zip(values, lengths, strict=True)):
        # A ground of its own keeps a number legible where the line of the aim goes through it.
        ground = {"facecolor": LIGHT.page, "edgecolor": "none", "pad": 1.5}
        shift = 0.02 * axes.get_xlim()[1]
        write_on(
            axes,
            length + shift,
            place,
            _words(value, measure),
            color=LIGHT.ink,
            va="center_baseline",
            bbox=ground,
        )
    write_on(axes, 0, -0.9, _TITLES[measure], color=LIGHT.ink)
    aim = f"aim {_words(AIMS[measure], measure)}"
    write_on(axes, AIMS[measure], len(shown) - 0.1, aim, color=LIGHT.scratch, ha="center", va="top")


def _words(value: object, measure: str) -> str:
    if not isinstance(value, int | float):
        return "–"
    return f"{100 * value:.3g} %" if measure == "regret" else f"{value:.2f}"


def _alt(of_order: Mapping[object, Mapping[str, object]]) -> str:
    row = of_order.get("combined")
    if row is None:
        return "How well the ranking foretells the best source"
    regret, rho = (_words(row[measure], measure) for measure in ("regret", "rho"))
    return f"With four tiles painted, the source put first is {regret} worse than the best; ρ is {rho}"
