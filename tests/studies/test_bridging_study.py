from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_graft.bridging import learning, suitability
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.nets.network import Network
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.session.models import model_of_source
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.bridging import bench as bench_module
from napari_graft.studies.bridging.bench import BridgingBench, painted_tiles
from napari_graft.studies.bridging.study import (
    BRIDGE,
    CEILING,
    PAINTED,
    PROMISES,
    SHUFFLED,
    BridgingRequest,
    BridgingRun,
    run_bridging,
    summarise,
    table,
)
from napari_graft.studies.bridging.tasks import GENERATED, LOOKS, TASKS, BridgingTask, Scene
from napari_graft.studies.results import check_benchmark_output
from napari_graft.training.config import TrainResult
from napari_graft.training.examples import Example
from napari_graft.training.trainer import Trainer

CPU = torch.device("cpu")

COLUMNS = ("as-it-is", "best-view", "tgmb", SHUFFLED, PAINTED, CEILING)


def scene(data: Path, seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    made = [generate_cells((96, 96), rng, Appearance(radius=11.0, noise=0.02)) for _ in range(3)]
    pairs = tuple((255 - one.image, one.image) for one in made[:2])
    return Scene(pairs, 255 - made[2].image, made[2].segments, made[2].image)


TASK = BridgingTask("tiny", "generated", "tiny-nuclei", "nuclei", scene)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PATCH", {2: (32, 32), 3: (4, 32, 32)})
    monkeypatch.setattr(suitability, "STEPS", 2)


def make_request(out: Path) -> BridgingRequest:
    return BridgingRequest(out, Path(), 1, 2, (TASK,), COLUMNS, "cpu")


def test_it_goes_on_where_it_was_stopped_and_writes_what_it_prints(tmp_path: Path) -> None:
    token, told = CancelToken(), list[str]()

    def stop(state: Progress) -> None:
        told.append(state.message)
        if state.done == 3:
            token.cancel()

    with pytest.raises(Cancelled):
        run_bridging(make_request(tmp_path), report=stop, cancel=token)
    before = (tmp_path / "bridging-runs.jsonl").read_text()
    rows = run_bridging(make_request(tmp_path), report=ignore_progress, cancel=CancelToken())

    after = (tmp_path / "bridging-runs.jsonl").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + len(COLUMNS)
    document = json.loads((tmp_path / "bridging.json").read_text())
    assert document["rows"] == rows
    (row,) = rows
    assert {"task", "promise", "helps", *COLUMNS} == set(row)
    check_benchmark_output(tmp_path, None, overwrite=False)


def run(task: str, method: str, seed: int, ap50: float = 0.0, **promise: float) -> BridgingRun:
    scores = {} if promise else {"ap50": ap50}
    return BridgingRun(
        task=task, method=method, seed=seed, steps=1, scores=scores, promise=promise, seconds=1, version="0"
    )


def test_gains_are_those_over_the_best_view_and_foretold_or_not() -> None:
    tasks = [BridgingTask(name, "generated", "", "nuclei", scene) for name in ("a", "b", "c", "d")]
    runs = []
    for number, task in enumerate(tasks):
        runs += [
            run(task.key, "best-view", 0, 0.2),
            run(task.key, BRIDGE, 0, 0.2 + 0.05 * number),
            run(task.key, SHUFFLED, 0, 0.1),
            run(task.key, PROMISES, 0, explained=0.1 + 0.1 * number, explained_by_view=0.1, helps=1.0),
        ]
    found = summarise(runs, tasks)

    assert found["rho"] == 1.0
    assert found["reaching_the_aim"] == ["c", "d"]
    assert found["mean_gain"] == pytest.approx(0.075)
    assert found["mean_gain_of_shuffled_pairs"] == pytest.approx(-0.1)
    assert table(runs, tasks)[3][BRIDGE] == 0.35


@pytest.mark.parametrize("task", GENERATED, ids=lambda task: task.key)
def test_a_generated_scene_shows_pairs_of_another_specimen(task: BridgingTask) -> None:
    made = task.make(Path(), 0)
    again = task.make(Path(), 0)

    assert len(made.pairs) == 4
    assert made.target.shape == made.truth.shape
    assert made.truth.max() > 5
    np.testing.assert_array_equal(made.target, again.target)
    assert len(LOOKS) == 3


def test_four_tiles_are_painted_apart_from_each_other_and_hold_objects() -> None:
    truth = scene(Path(), 0).truth
    boxes = painted_tiles(truth, np.random.default_rng(0))

    assert len(boxes) == len(set(boxes)) == 4
    assert all(box.shape == (32, 32) and truth[box.slices].any() for box in boxes)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_what_was_painted_has_no_part_in_the_score_and_gets_as_many_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = scene(Path(), 0)
    bench = BridgingBench(made, model_of_source(Catalogue().get("tiny-nuclei")), 2, 0, CPU, CancelToken())
    known, steps = [], []

    def train(trainer: Trainer, network: Network, examples: Sequence[Example], **_: object) -> TrainResult:
        known.extend(examples)
        steps.append(trainer._config.max_steps)
        return TrainResult(network.stored_weights(), 2, 2, 1.0, "cpu", "steps", ())

    monkeypatch.setattr(Trainer, "fit", train)
    compared = list[tuple[np.ndarray, np.ndarray]]()
    real = bench_module.evaluate
    monkeypatch.setattr(bench_module, "evaluate", lambda a, b: compared.append((a, b)) or real(a, b))
    scores = bench.scores(PAINTED)

    assert 0 <= scores["ap50"] <= 1
    assert steps == [2]
    assert len(known) == 4
    assert all((one.train > 0).all() and not one.validation.any() for one in known)
    ((found, truth),) = compared
    for box in painted_tiles(made.truth, np.random.default_rng(0)):
        assert not found[box.slices].any()
        assert not truth[box.slices].any()
    assert truth.any()


def test_what_was_measured_in_another_way_is_measured_anew(tmp_path: Path) -> None:
    request = replace(make_request(tmp_path), columns=("as-it-is",))
    old = run(TASK.key, "as-it-is", 0, 0.123)
    (tmp_path / "bridging-runs.jsonl").write_text(
        f"{old.model_copy(update={'steps': 2}).model_dump_json()}\n"
    )
    run_bridging(request, report=ignore_progress, cancel=CancelToken())

    runs = json.loads((tmp_path / "bridging.json").read_text())["runs"]
    assert [one["procedure"] for one in runs] == [2, 2]
    assert runs[-1]["scores"]["ap50"] != 0.123


def test_groups_are_chosen_by_name(tmp_path: Path) -> None:
    request = BridgingRequest(tmp_path, Path())

    assert {task.group for task in request.only(["DeepLIIF"]).tasks} == {"DeepLIIF"}
    assert {task.group for task in request.quick().tasks} == {"generated"}
    assert {task.group for task in TASKS} == {"DeepLIIF", "E. coli", "generated"}
    with pytest.raises(InputError, match="DeepLIIF"):
        request.only(["magic"])


def test_a_folder_without_the_images_is_refused(tmp_path: Path) -> None:
    task = next(one for one in TASKS if one.group == "DeepLIIF")
    with pytest.raises(InputError, match="--data"):
        task.make(tmp_path, 0)
