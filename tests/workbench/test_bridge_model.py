from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.jobs.builtin.bridge import BridgeRequest
from napari_graft.workbench.context import Context
from napari_graft.workbench.sources.bridge_model import BridgeModel


@pytest.fixture
def model() -> BridgeModel:
    return BridgeModel(Context(lambda call: call()))


def refusals(model: BridgeModel) -> list[str]:
    told: list[str] = []
    model.refused.connect(told.append)
    return told


def test_without_a_project_nothing_begins(model: BridgeModel, tmp_path: Path) -> None:
    told = refusals(model)
    model.state.target = model.state.source = tmp_path
    model.bridge("tiny")
    model.take_layers(np.zeros((4, 4)), np.zeros((4, 4)))

    assert len(told) == 2
    assert not model.state.is_bridging


def test_the_form_sets_what_the_request_asks_for(model: BridgeModel) -> None:
    model.options.set("seconds", "30")
    model.options.set("seed", 4)
    request = model.options.request(project="p", source="s", pairs=("a", "b"), seconds=180)

    assert isinstance(request, BridgeRequest)
    assert (request.seconds, request.seed, request.pairs) == (30, 4, ("a", "b"))
