from __future__ import annotations

import io

import pytest
from PIL import Image

from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.ranking import TargetFigures, ranking_chart, table
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
    assert rows["few-shot"]["regret"] == pytest.approx((0 + 0.75) / 2)
    assert rows["trial"]["rho"] == pytest.approx(0.9)
    assert rows["trial"]["regret"] == pytest.approx((0 + 0.1 / 0.7) / 2, abs=1e-3)
    assert {row["n_targets"] for row in rows.values() if row["order"] != "generalist"} == {1}


def test_tiles_count_as_much_as_all_else_in_the_combined_order() -> None:
    found = figures(0, (1, 2, 3, 4)).agreements()
    assert found["combined, no labels"].rho == 1
    assert found["combined"].regret == pytest.approx((0 + 0.25 + 0.5 + 0.75) / 4)  # all four are level


def test_chart_shows_the_orders_that_there_are() -> None:
    picture = ranking_chart(table([figures(0, (4, 3, 2, 1))]))
    assert "0 % worse than the best" in picture.alt
    smaller = ranking_chart([row for row in table([figures(0, (4, 3, 2, 1))]) if row["order"] != "mmd"])
    assert Image.open(io.BytesIO(smaller.png)).size[1] < Image.open(io.BytesIO(picture.png)).size[1]
