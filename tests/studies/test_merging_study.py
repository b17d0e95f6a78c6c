from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_loop import write_stack_set

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.nets.build import build_network
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.studies.merging import MergeComparison, make_ensemble, run_merging, table
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import TransferPlan, TransferRequest

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stack_set(tmp_path_factory.mktemp("data"), STACK.name)


def request(out: Path, data: Path, **fields: object) -> TransferRequest:
    plan = TransferPlan(n_tiles=1, tile=48, steps=6)
    known = {"targets": (STACK,), "plan": plan, "is_family_only": False}
    return TransferRequest(out, data, data, **(known | fields))  # type: ignore[arg-type]


def run(of: TransferRequest) -> list[dict[str, object]]:
    return run_merging(of, report=ignore_progress, cancel=CancelToken())


@pytest.mark.usefixtures("quick_training")
def test_every_method_and_control_is_compared_and_what_is_finished_is_kept(
    tmp_path: Path, data: Path
) -> None:
    rows = run(request(tmp_path, data))

    ways = ["first", "second", *MERGE_METHODS, "ensemble", "better of the two"]
    assert [row["way"] for row in rows if row["group"] == "cells"] == ways
    assert {row["n"] for row in rows} == {1}
    written = json.loads((tmp_path / "merging.json").read_text())
    assert written["rows"] == rows
    assert sorted(written["contests"][0]["sources"]) == ["tiny-neurites", "tiny-nuclei"]
    lines = (tmp_path / "merging-runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["method"] for line in lines] == [*MERGE_METHODS, "ensemble"]
    assert run(request(tmp_path, data)) == rows
    assert (tmp_path / "merging-runs.jsonl").read_text().splitlines() == lines


@pytest.mark.usefixtures("quick_training")
def test_a_target_with_one_source_is_no_contest(tmp_path: Path, data: Path) -> None:
    assert run(request(tmp_path, data, is_family_only=True)) == []


def test_a_missing_set_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'tiny_stack'"):
        run(request(tmp_path / "out", tmp_path))
    assert not (tmp_path / "out").exists()


def comparison(target: str, **scores: float) -> MergeComparison:
    name = "vi" if target.endswith("neurites") else "ap"
    both = {way: {"vi": 0.0, "ap": 0.0} | {name: score} for way, score in scores.items()}
    return MergeComparison(target, 0, ("a", "b"), both)


def test_gains_are_shares_of_what_the_first_source_came_to_alone() -> None:
    rows = table(
        [
            comparison("x-neurites", first=0.5, second=0.4, kernel=0.45),
            comparison("y-nuclei", first=0.4, second=0.2, kernel=0.5),
            comparison("z-axons", first=0.4, second=0.2, kernel=0.401),
        ]
    )
    found = {(row["group"], row["way"]): row for row in rows}
    assert found["neurites", "kernel"]["score"] == -0.45
    assert found["neurites", "kernel"]["gain"] == pytest.approx(0.1)
    assert found["cells", "kernel"]["gain"] == pytest.approx(0.25)
    assert found["axons", "better of the two"]["gain"] == 0
    assert found["neurites", "better of the two"]["score"] == -0.4
    assert found["cells", "better of the two"]["over_better"] == 0
    assert found["neurites", "kernel"]["over_better"] == pytest.approx(-0.125)
    assert found["all", "kernel"]["n_over_better"] == 1
    low, high = (found["all", "kernel"][side] for side in ("low", "high"))
    assert low == pytest.approx(-0.125)
    assert high == pytest.approx(0.25)
    everywhere = found["all", "kernel"]
    assert (everywhere["n"], everywhere["score"], everywhere["gain"]) == (3, None, pytest.approx(0.1))
    assert (everywhere["better"], everywhere["worse"]) == (2, 0), "a quarter of a per cent is no difference"
    assert (found["all", "second"]["better"], found["all", "second"]["worse"]) == (1, 2)


def test_an_ensemble_answers_with_the_mean_of_the_probabilities() -> None:
    members = [build_network(ModelSpec(widths=(8, 16)), seed=seed) for seed in range(2)]
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32))
    with torch.no_grad():
        wanted = torch.stack([torch.sigmoid(one(image)) for one in members]).mean(0)
        found = torch.sigmoid(make_ensemble(members)(image))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
