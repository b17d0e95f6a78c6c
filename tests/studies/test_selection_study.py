from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_loop import write_stack_set

from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.nets.build import build_network
from napari_graft.nets.device import choose_device
from napari_graft.scorers.few_shot import compute_head_features, predict_from_features
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.studies.selection.pool import SelectionTarget
from napari_graft.studies.selection.ridge_head import adapted_head, head_statistics
from napari_graft.studies.selection.screen import SelectionRequest, run_selection
from napari_graft.studies.targets import LabelledSet
from napari_graft.training.examples import Example
from napari_graft.training.losses import make_targets

STACK = SelectionTarget(LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei"), "tiny-nuclei", 32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stack_set(tmp_path_factory.mktemp("data"), "tiny_stack")


def request(out: Path, data: Path) -> SelectionRequest:
    names = ("random", "foreground-random", "freesel", "k-center")
    return SelectionRequest(
        out, data, 2, (STACK,), (1, 2), strategies=names, least_objects=1, coreset_steps=1
    )


@pytest.mark.usefixtures("quick_training")
def test_every_strategy_is_compared_with_chance_and_what_is_finished_is_kept(
    tmp_path: Path, data: Path
) -> None:
    rows = run_selection(request(tmp_path, data), report=ignore_progress, cancel=CancelToken())

    assert sorted(str(row["strategy"]) for row in rows) == ["freesel", "k-center", "random"]
    assert {row["finding"] for row in rows} == {"no finding"}  # one target proves nothing
    written = json.loads((tmp_path / "selection.json").read_text())
    assert written["rows"] == rows
    assert written["seconds"]["freesel"] > 0
    assert len(written["runs"]) == 8
    for run in written["runs"]:
        assert [point["n_tiles"] for point in run["points"]] == [1, 2]
        assert run["points"][1]["n_objects"] >= run["points"][0]["n_objects"] > 0
        assert run["points"][0]["scores"] != run["untouched"]
    lines = (tmp_path / "selection-runs.jsonl").read_text().splitlines()
    again = run_selection(request(tmp_path, data), report=ignore_progress, cancel=CancelToken())
    assert again == rows
    assert (tmp_path / "selection-runs.jsonl").read_text().splitlines() == lines


def test_a_stopped_screen_keeps_what_is_finished(tmp_path: Path, data: Path) -> None:
    token = CancelToken()

    def stop_at_the_third(state: Progress) -> None:
        if "freesel, seed 0" in state.message:
            token.cancel()

    with pytest.raises(Cancelled):
        run_selection(request(tmp_path, data), report=stop_at_the_third, cancel=token)

    kept = (tmp_path / "selection-runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["strategy"] for line in kept] == ["random", "foreground-random"]


def test_what_would_prove_nothing_is_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="1 seeds have no spread"):
        replace(request(tmp_path, data), n_seeds=1)
    with pytest.raises(InputError, match="no target 'hearts': choose from tiny_stack-nuclei"):
        request(tmp_path, data).only(["hearts"])
    with pytest.raises(InputError, match="must hold 'foreground-random'"):
        replace(request(tmp_path, data), strategies=("random",))
    with pytest.raises(InputError, match=r"holds \d+ objects, and 1000 are needed"):
        run_selection(
            replace(request(tmp_path, data), least_objects=1000),
            report=ignore_progress,
            cancel=CancelToken(),
        )


def test_targets_are_named_by_set_or_structure() -> None:
    whole = SelectionRequest(Path(), Path())
    assert [one.target.key for one in whole.only(["nuclei"]).targets] == [
        one.target.key for one in whole.targets if one.target.structure == "nuclei"
    ]
    (one,) = whole.only(["isbi2012_vnc_sstem"]).targets
    assert one.source == "mouse-ca1-fibsem"


def test_the_screen_tries_all_strategies_but_the_default_that_follows_from_it() -> None:
    assert set(SelectionRequest(Path(), Path()).strategies) == set(STRATEGIES) - {"auto"}


def head_loss(network: torch.nn.Module, features: object, example: Example, offsets: object) -> float:
    found = predict_from_features(network, features)  # type: ignore[arg-type]
    whole = np.concatenate([found.foreground[None], found.affinities])
    targets = make_targets(torch.from_numpy(example.train)[None], offsets)  # type: ignore[arg-type]
    chance = torch.from_numpy(whole)[None].clamp(1e-6, 1 - 1e-6)
    loss = torch.nn.functional.binary_cross_entropy(chance, targets.values, reduction="none")
    return float((loss * targets.mask).sum() / targets.mask.sum())


def test_the_closed_form_head_learns_and_statistics_of_tiles_add_up() -> None:
    torch.manual_seed(0)
    network = build_network(ModelSpec(widths=(8, 16))).eval()
    rng = np.random.default_rng(0)
    labels = np.ones((64, 64), np.int32)
    labels[8:24, 8:24], labels[36:60, 30:56] = 2, 3
    image = ((labels > 1) + rng.normal(0, 0.1, labels.shape)).astype(np.float32)
    example = Example(image, labels, np.zeros_like(labels))
    features = compute_head_features(network, example, ComputeContext(choose_device("cpu"), CancelToken()))
    one = head_statistics(network, features)
    before = network.stored_weights()["head.weight"]
    adapted = adapted_head(network, [one])
    assert np.array_equal(network.stored_weights()["head.weight"], before)
    untouched, learned = (
        head_loss(net, features, example, network.spec.offsets) for net in (network, adapted)
    )
    assert learned < 0.8 * untouched
    twice = adapted_head(network, [one, one])
    assert head_loss(twice, features, example, network.spec.offsets) < learned
