from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_loop import write_stack_set

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.pretraining import generated
from napari_graft.session import pretraining
from napari_graft.studies.pretraining.study import (
    ARMS,
    DEFAULT,
    PretrainingRequest,
    another_set,
    run_pretraining,
)
from napari_graft.studies.pretraining.table import LONGER, UNTOUCHED, Prepared, table
from napari_graft.studies.targets import RANKING_TARGETS, LabelledSet, collection_of
from napari_graft.studies.transfer import TransferPlan

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei")
ISBI = RANKING_TARGETS[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_stack_set(tmp_path / "data", STACK.name)


@pytest.fixture
def quick_preparing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "PATCH", {2: (32, 32), 3: (8, 16, 16)})
    monkeypatch.setattr(pretraining, "PLACE", {2: (48, 48), 3: (8, 32, 32)})
    monkeypatch.setattr(pretraining, "N_PLACES", {2: 4, 3: 2})
    monkeypatch.setattr(pretraining, "BATCH", {2: 1, 3: 1})
    for name, value in {"LARGE": 64, "SIDE": 64, "N_LOOKS": 6, "N_IMAGES": 2}.items():
        monkeypatch.setattr(generated, name, value)


def request(out: Path, data: Path) -> PretrainingRequest:
    arms = tuple(arm for arm in ARMS if arm.name in (UNTOUCHED, DEFAULT, "self-supervision only"))
    plan = TransferPlan(tile=48, steps=2)
    return PretrainingRequest(
        out, data, targets=(STACK,), n_tiles=(1, 2), arms=arms, pretrain_steps=2, plan=plan
    )


@pytest.mark.usefixtures("quick_training", "quick_preparing")
def test_every_arm_is_tried_for_each_number_of_tiles_and_what_is_finished_is_kept(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = request(tmp_path, data)
    rows = run_pretraining(of, report=ignore_progress, cancel=CancelToken())

    names = [arm.name for arm in of.arms]
    assert [(row["n_tiles"], row["arm"]) for row in rows] == [(n, name) for n in (1, 2) for name in names]
    written = json.loads((tmp_path / "pretraining.json").read_text())
    assert written["rows"] == rows
    runs = {(one["n_tiles"], one["arm"]): one for one in written["runs"]}
    assert {one["source"] for one in runs.values()} == {"tiny-nuclei"}
    assert runs[1, DEFAULT]["check_before"] is not None
    assert runs[1, UNTOUCHED]["check_before"] is None
    assert runs[1, "self-supervision only"]["check_after"] is None
    assert runs[1, DEFAULT]["pretrain_seconds"] == runs[2, DEFAULT]["pretrain_seconds"]  # done once
    lines = (tmp_path / "pretraining-runs.jsonl").read_text()
    monkeypatch.setattr("napari_graft.studies.pretraining.study._adapt", None)
    assert run_pretraining(of, report=ignore_progress, cancel=CancelToken()) == rows
    assert (tmp_path / "pretraining-runs.jsonl").read_text() == lines


def result(target: str, arm: str, ap: float, seed: int = 0) -> Prepared:
    known = {"objective": None, "replay": (), "source": "s", "weights_sha256": "0", "tile": 1, "steps": 1}
    return Prepared(
        target=target, seed=seed, arm=arm, n_tiles=1, pretrain_steps=1, scores={"ap": ap, "vi": 1 - ap},
        seconds=1.0, version="0", **known,
    )  # fmt: skip


def test_gains_are_over_the_untouched_source_and_the_interval_is_over_targets() -> None:
    found = [
        *(result(f"{name}-cells", UNTOUCHED, 0.4, seed) for name in "abc" for seed in (0, 1)),
        *(result(f"{name}-cells", LONGER, 0.4 + gain, seed)
          for name, gain in zip("abc", (0.1, 0.2, 0.3), strict=True) for seed in (0, 1)),
        result("d-neurites", UNTOUCHED, 0.2),
        result("d-neurites", LONGER, 0.1),
    ]  # fmt: skip
    rows = {(row["group"], row["arm"]): row for row in table(found, [UNTOUCHED, LONGER])}
    cells, neurites = rows["all but neurites", LONGER], rows["neurites", LONGER]

    assert (cells["n"], cells["score"], cells["gain"]) == (6, 0.6, 0.2)
    assert (cells["low"], cells["high"]) == (-0.0484, 0.4484)  # of 0.1, 0.2 and 0.3: t = 4.303, two degrees
    assert (cells["better"], cells["worse"]) == (6, 0)
    assert (neurites["gain"], neurites["low"], neurites["worse"]) == (-0.1, None, 1)


def test_the_other_set_is_of_another_collection() -> None:
    for target in RANKING_TARGETS:
        assert another_set(target).name not in collection_of(target.name)[1]


def test_sets_are_chosen_by_name_or_structure(tmp_path: Path) -> None:
    whole = PretrainingRequest(tmp_path, tmp_path)
    assert whole.only([ISBI.name]).targets == (ISBI,)
    assert {one.structure for one in whole.only(["neurites"]).targets} == {"neurites"}
    with pytest.raises(InputError, match="no set is called moon"):
        whole.only(["moon"])


def test_a_quick_run_is_of_one_target_and_hardly_any_step(tmp_path: Path) -> None:
    quick = PretrainingRequest(tmp_path, tmp_path).quick()
    assert (len(quick.targets), quick.n_tiles, quick.pretrain_steps) == (1, (1,), 4)
