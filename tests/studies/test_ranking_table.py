from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.ranking.agreement import regret_columns
from napari_graft.studies.ranking.study import TargetFigures, ranking_chart, table
from napari_graft.studies.targets import RANKING_TARGETS

TARGET = RANKING_TARGETS[0]
NAMES = ("a", "b", "c", "d")


def figures(seed: int, few_shot: tuple[float, ...], trial: tuple[float, ...] = (4, 3, 2, 1)) -> TargetFigures:
    """Give four sources whose true order is that of `NAMES`; MMD has it right."""
    source = Catalogue().get("tiny-nuclei")
    readings = {
        name: {"mmd": -float(i), "few-shot": value}
        for i, (name, value) in enumerate(zip(NAMES, few_shot, strict=True))
    }
    return TargetFigures(
        TARGET,
        seed,
        truth=dict(zip(NAMES, (0.8, 0.6, 0.4, 0.2), strict=True)),
        trial=dict(zip(NAMES, trial, strict=True)),
        truth_elsewhere=dict(zip(NAMES, (0.7, 0.6, 0.4, 0.2), strict=True)),
        readings=readings,
        sources=dict.fromkeys(NAMES, source),
    )


def test_each_choice_of_tiles_is_an_order_of_its_own() -> None:
    right, wrong = figures(0, (4, 3, 2, 1)), figures(1, (1, 2, 3, 4), trial=(3, 4, 2, 1))
    rows = {row["order"]: row for row in table([right, wrong]) if row["group"] == "all"}

    assert rows["mmd"]["rho"] == 1
    assert rows["few-shot"]["rho"] == 0
    # All are judged by what the sources come to with other tiles, as the trial is.
    assert rows["few-shot"]["regret"] == pytest.approx((0 + 0.5 / 0.7) / 2, abs=1e-3)
    assert rows["trial"]["rho"] == pytest.approx(0.9)
    assert rows["trial"]["regret"] == pytest.approx((0 + 0.1 / 0.7) / 2, abs=1e-3)
    assert {row["n_targets"] for row in rows.values() if row["order"] != "generalist"} == {1}


def test_tiles_count_as_much_as_all_else_in_the_combined_order() -> None:
    found = figures(0, (1, 2, 3, 4)).agreements()
    assert found["combined, no labels"].rho == 1
    level = (0 + 0.1 + 0.3 + 0.5) / 4 / 0.7  # all four are
    assert found["combined"].regret == pytest.approx(level)


def test_chart_shows_the_orders_that_there_are() -> None:
    picture = ranking_chart(table([figures(0, (4, 3, 2, 1))]))
    assert "0 % worse than the best" in picture.alt
    smaller = ranking_chart([row for row in table([figures(0, (4, 3, 2, 1))]) if row["order"] != "mmd"])
    assert Image.open(io.BytesIO(smaller.png)).size[1] < Image.open(io.BytesIO(picture.png)).size[1]


def test_the_order_of_the_product_puts_the_wanted_structure_first_before_labels() -> None:
    one = figures(0, (1, 2, 3, 4))
    neurites = Catalogue().get("tiny-neurites")
    mixed = replace(one, sources={**one.sources, "d": neurites})
    assert mixed.target.structure == "neurites"
    found = mixed.agreements()
    assert found["combined, no labels"].regret == 0
    assert found["product, no labels"].regret == pytest.approx(0.5 / 0.7)  # d is the last by MMD


def regrets(values: dict[str, float]) -> dict[tuple[str, int], float]:
    return {
        (f"{name}-nuclei", seed): value + 0.001 * seed for name, value in values.items() for seed in (0, 1)
    }


def test_better_than_the_generalist_is_said_only_where_the_interval_leaves_0_out() -> None:
    names = [f"set{i}" for i in range(8)]
    good, wide = regrets(dict.fromkeys(names, 0.05)), regrets(dict.fromkeys(names, 0.15))
    found = regret_columns(good, wide)
    assert found["finding"] == "better"
    assert found["less_generalist"] == pytest.approx(-0.1)
    mixed = regrets({name: 0.05 + 0.2 * (i % 2) for i, name in enumerate(names)})
    assert regret_columns(mixed, wide)["finding"] == "no finding"
    assert regret_columns(wide, good)["finding"] == "worse"
    few = regret_columns(regrets({"a": 0.0, "b": 0.0}), regrets({"a": 0.5, "b": 0.5}))
    assert few["finding"] == "no finding"
    assert "finding" not in regret_columns(good, {})
