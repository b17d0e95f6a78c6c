from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_loop import PIXEL_NM, write_stack_set

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.ranking.agreement import agree
from napari_graft.studies.ranking.study import run_ranking
from napari_graft.studies.ranking.views import plain_id, scale_source, views_of, views_of_program
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import TransferPlan, TransferRequest

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei")


def test_a_scaled_source_asks_for_a_larger_image_and_keeps_its_weights(sources: Path) -> None:
    source = Catalogue().get("tiny-nuclei")
    twice = scale_source(source, 2.0)
    assert twice.card.spec.pixel_size == (PIXEL_NM / 2, PIXEL_NM / 2)
    assert (twice.id, twice.card.weights_sha256) == ("tiny-nuclei@x2", source.card.weights_sha256)
    assert [one.id for one in views_of(source)] == [
        "tiny-nuclei",
        "tiny-nuclei@inverted",
        "tiny-nuclei@x0.5",
        "tiny-nuclei@x2",
    ]
    # One that knows no scale sees the same at every one.
    assert [one.id for one in views_of(Catalogue().get("tiny-neurites"))] == [
        "tiny-neurites",
        "tiny-neurites@inverted",
    ]


@pytest.mark.parametrize(
    ("negative", "consistency", "shown"),
    [(5.0, 0.8, "a@inverted"), (5.0, 0.5, "a"), (19.5, 0.8, "a"), (None, 0.8, "a")],
)
def test_the_program_shows_the_negative_where_it_is_clearly_nearer_and_as_consistent(
    negative: float | None, consistency: float, shown: str
) -> None:
    readings = {
        "a": {"mmd": -20.0, "consistency": 0.8},
        "a@inverted": {"consistency": consistency} | ({} if negative is None else {"mmd": -negative}),
        "a@x2": {"mmd": -1.0, "consistency": 0.9},
        "b": {"mmd": -1.0, "consistency": 0.9},
        "b@inverted": {"mmd": -0.1, "consistency": 0.9},
    }
    assert views_of_program(readings) == [shown, "b"]


def test_an_order_that_leaves_the_best_out_is_judged_by_it_all_the_same() -> None:
    truth = {"a": 0.5, "b": 0.4, "c": 0.3, "a@inverted": 1.0}
    found = agree({"a": 3.0, "b": 2.0, "c": 1.0}, truth)
    assert found is not None
    assert (found.n, found.regret, found.is_hit) == (3, 0.5, 0.0)
    assert found.rho == pytest.approx(1)


@pytest.mark.usefixtures("quick_training")
def test_views_take_part_as_candidates_and_are_kept(tmp_path: Path) -> None:
    data = write_stack_set(tmp_path / "data", STACK.name)
    plan = TransferPlan(n_tiles=1, tile=48, steps=2)
    asked = TransferRequest(
        tmp_path / "out", data, data, 1, (STACK,), plan, is_family_only=False, has_views=True
    )

    def run(request: TransferRequest) -> dict[str, list[dict[str, object]]]:
        run_ranking(request, report=ignore_progress, cancel=CancelToken())
        written: dict[str, list[dict[str, object]]] = json.loads((request.out / "ranking.json").read_text())
        return written

    found = run(asked)
    truth = found["targets"][0]["truth"]
    assert isinstance(truth, dict)
    assert sorted(truth) == [
        "tiny-neurites",
        "tiny-neurites@inverted",
        "tiny-nuclei",
        "tiny-nuclei@inverted",
        "tiny-nuclei@x0.5",
        "tiny-nuclei@x2",
    ]
    orders = {row["order"] for row in found["rows"]}
    assert {"product, every view", "product, every view, no labels"} <= orders
    lines = (asked.out / "ranking-transfers.jsonl").read_text().splitlines()
    assert len(lines) == 6
    # Those of the plain views serve the benchmark without views as well.
    run(replace(asked, has_views=False))
    assert (asked.out / "ranking-transfers.jsonl").read_text().splitlines() == lines
    assert {plain_id(json.loads(line)["source"]) for line in lines} == {"tiny-nuclei", "tiny-neurites"}
