from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from tiny_loop import make_sample, write_stack_set

from napari_graft.cli.app import run
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.labels import to_annotation
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.metrics import evaluate
from napari_graft.studies.label_efficiency import random_forest, study
from napari_graft.studies.label_efficiency.arms import ARMS, WITHOUT_TILES, ArmPlan
from napari_graft.studies.label_efficiency.study import (
    TARGETS,
    LabelEfficiencyRequest,
    run_label_efficiency,
)
from napari_graft.studies.label_efficiency.tables import ArmScore, aims, rows_of
from napari_graft.studies.splitting import split_with_gap
from napari_graft.studies.targets import LabelledSet, collection_of

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei", (250, 250, 250))
WITH_NETWORKS = [name for name in ARMS if name != "random forest"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stack_set(tmp_path_factory.mktemp("data"), STACK.name)


def request(out: Path, data: Path) -> LabelEfficiencyRequest:
    plan = ArmPlan(steps=1, tile=48)
    return LabelEfficiencyRequest(out, data, 1, (STACK,), (1,), plan, least_objects=1)


def measure(asked: LabelEfficiencyRequest, report: Report = ignore_progress) -> list[dict[str, object]]:
    return run_label_efficiency(asked, report=report, cancel=CancelToken())


@pytest.fixture
def without_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_forest, "is_available", lambda: False)


@pytest.mark.usefixtures("quick_training", "without_forest")
def test_every_column_is_filled_and_what_is_finished_is_kept(tmp_path: Path, data: Path) -> None:
    told: list[str] = []
    rows = measure(request(tmp_path, data), lambda state: told.append(state.message))

    assert any(random_forest.MISSING in words for words in told)
    assert [(row["target"], row["n_tiles"], row["score"]) for row in rows] == [(STACK.key, 1, "AP")]
    assert all(isinstance(row[arm], float) for row in rows for arm in WITH_NETWORKS)
    assert {row["random forest"] for row in rows} == {None}
    written = json.loads((tmp_path / "label-efficiency.json").read_text())
    assert written["rows"] == rows
    assert [one["n_tiles"] for one in written["aims"]] == [1]
    lines = (tmp_path / "label-efficiency-cells.jsonl").read_text().splitlines()
    assert len(lines) == len(WITH_NETWORKS) == len(written["cells"])
    assert measure(request(tmp_path, data)) == rows
    assert (tmp_path / "label-efficiency-cells.jsonl").read_text().splitlines() == lines


@pytest.mark.usefixtures("quick_training", "without_forest")
def test_a_stopped_benchmark_keeps_the_cells_that_are_finished(tmp_path: Path, data: Path) -> None:
    token = CancelToken()

    def stop_at_ours(state: Progress) -> None:
        if "ours, 1 tiles" in state.message:
            token.cancel()

    with pytest.raises(Cancelled):
        run_label_efficiency(request(tmp_path, data), report=stop_at_ours, cancel=token)
    kept = (tmp_path / "label-efficiency-cells.jsonl").read_text().splitlines()
    assert [json.loads(line)["arm"] for line in kept] == ["untouched", "decoding"]


def test_what_would_prove_nothing_is_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match=r"holds \d+ objects, and 1000 are needed"):
        measure(replace(request(tmp_path, data), least_objects=1000))
    with pytest.raises(InputError, match=r"dsb2018_fluo_520.*--data"):
        measure(LabelEfficiencyRequest(tmp_path / "out", data))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="0 seeds"):
        LabelEfficiencyRequest(tmp_path, data, 0)


def test_the_targets_are_of_eight_collections() -> None:
    assert len({collection_of(one.name)[0] for one in TARGETS}) == len(TARGETS) == 8


def test_between_the_pool_and_the_test_part_lies_a_gap() -> None:
    stack = split_with_gap((40, 64, 64), 3)
    assert stack.annotatable.stop[0] == 30
    assert [tile.start[0] for tile in stack.test] == [32, 35, 38]
    sheet = split_with_gap((500, 300), 3)
    assert (sheet.annotatable.stop[0], sheet.test[0].start[0]) == (375, 400)


@pytest.fixture
def small_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(random_forest, "N_TREES", 12)
    monkeypatch.setattr(random_forest, "MOST_PIXELS", 2000)


@pytest.mark.usefixtures("small_forest")
def test_a_forest_finds_cells_and_a_class_that_nobody_painted_has_no_chance() -> None:
    train, test = make_sample((96, 96), seed=1), make_sample((96, 96), seed=2)
    images = [sample.image.astype(np.float32) / sample.image.max() for sample in (train, test)]
    forest = random_forest.train_forest(
        images[:1], [to_annotation(train.segments)], structure="nuclei", seed=0
    )
    assert evaluate(forest.segment(images[1]), test.segments).ap50 > 0.8
    empty = random_forest.train_forest(images[:1], [np.ones((96, 96), np.uint32)], structure="nuclei", seed=0)
    assert not empty.segment(images[1]).any()


def test_touching_cells_are_told_apart_by_either_kind_of_seed() -> None:
    y, x = np.mgrid[:40, :70]
    far = [np.hypot(y - 20, x - centre) for centre in (22, 46)]
    inside = np.clip(1.2 - np.minimum(*far) / 14, 0, 1).astype(np.float32)
    chances = np.stack([inside < 0.2, 1 - inside, inside]).astype(np.float32)

    def count(by: Literal["inside", "distance"], level: float) -> int:
        found = random_forest.watershed_of(chances, random_forest.SeedSettings(by, level, 1.0))
        return len(np.unique(found)) - 1

    assert (count("inside", 0.3), count("inside", 0.7), count("distance", 0.3)) == (1, 2, 2)


@pytest.mark.usefixtures("small_forest")
def test_seeds_are_tuned_on_tiles_that_no_forest_of_the_tuning_learned_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = [make_sample((64, 64), seed) for seed in range(3)]
    images = [sample.image.astype(np.float32) / sample.image.max() for sample in samples]
    learned: list[list[float]] = []
    fit = random_forest._fit

    def noting(of: Sequence[np.ndarray], *more: Any) -> Any:
        learned.append([float(one.mean()) for one in of])
        return fit(of, *more)

    monkeypatch.setattr(random_forest, "_fit", noting)
    annotations = [to_annotation(sample.segments) for sample in samples]
    random_forest.train_forest(images, annotations, "nuclei", seed=0)
    first, second, third = (float(one.mean()) for one in images)
    assert learned == [[second], [first, third], [first, second, third]]
    learned.clear()
    random_forest.train_forest(images[:1], annotations[:1], "nuclei", seed=0)
    assert learned == [[float(images[0][32:].mean())], [float(images[0][:32].mean())], [first]]


def test_filters_and_classes_follow_the_image() -> None:
    image = np.zeros((20, 30), np.float32)
    image[:, 15:] = 1
    found = random_forest.filter_responses(image)
    assert found.shape == (1 + 7 * len(random_forest.SCALES), 20, 30)
    assert found[2][10].argmax() in (14, 15)  # the gradient is largest at the edge
    annotation = np.ones((5, 9), np.uint32)
    annotation[:, 2:5], annotation[:, 5:9] = 2, 3
    classes = random_forest.pixel_classes(annotation).reshape(annotation.shape)
    assert classes[2].tolist() == [0, 0, 1, 2, 1, 1, 2, 2, 2]


def cell(arm: str, quality: float, n: int = 4, target: str = "a-nuclei", seed: int = 0) -> ArmScore:
    return ArmScore(target, seed, arm, 0 if arm in WITHOUT_TILES else n, quality, "source", {})


def test_the_aims_are_measured_against_the_gap_and_the_better_scratch() -> None:
    nuclei = {"untouched": 0.5, "full": 0.9, "ours": 0.7, "scratch": 0.4, "scratch longer": 0.6}
    worse = nuclei | {"ours": 0.48}
    neurites = {"untouched": -1.0, "full": -0.2, "ours": -0.5, "scratch": -2.0, "scratch longer": -1.0}
    cells = [
        cell(arm, value, target=target, seed=seed)
        for target, seed, arms in (
            ("a-nuclei", 0, nuclei),
            ("a-nuclei", 1, worse),
            ("b-neurites", 0, neurites),
        )
        for arm, value in arms.items()
    ]
    (row,) = aims(cells)
    assert row["no worse than untouched"] == pytest.approx(2 / 3, abs=1e-3)
    assert row["worst loss"] == pytest.approx(0.02 / 0.4)
    assert row["VI saved"] == pytest.approx(0.5)
    assert row["AP gained"] == pytest.approx((0.1 - 0.12) / 2)
    assert row["gap closed (median)"] == pytest.approx(1 / 3, abs=1e-3)
    rows = rows_of(cells)
    assert [(one["target"], one["score"], one["ours"]) for one in rows] == [
        ("a-nuclei", "AP", 0.59),
        ("b-neurites", "VI", 0.5),
    ]


def test_what_is_not_finished_is_left_out_of_the_aims() -> None:
    assert aims([cell("untouched", 0.5), cell("ours", 0.6)]) == []
    (row,) = rows_of([cell("untouched", 0.5), cell("ours", 0.6)])
    assert (row["ours"], row["full"]) == (0.6, None)


@pytest.mark.usefixtures("quick_training", "without_forest")
def test_the_command_prints_a_table_of_one_number_of_tiles(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = request(tmp_path / "out", data)
    defaults = {"targets": made.targets, "plan": made.plan, "least_objects": 1}
    monkeypatch.setattr(study, "ARMS", {name: ARMS[name] for name in ("untouched", "decoding")})

    def small(out: Path, data: Path, n_seeds: int, **more: object) -> LabelEfficiencyRequest:
        return LabelEfficiencyRequest(out, data, n_seeds, **defaults | more)  # type: ignore[arg-type]

    monkeypatch.setattr(study, "LabelEfficiencyRequest", small)
    options = ["--seeds", "1", "--tiles", "1", "--data", str(data), "--out", str(tmp_path / "out")]
    code = run(["benchmark", "label-efficiency", *options])

    out, err = capsys.readouterr()
    assert code == 0, err
    header, rule, row = out.splitlines()
    assert header.startswith("| target | source | n tiles | n seeds | score | untouched | decoding | ours ")
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith(f"| {STACK.key} | ")
