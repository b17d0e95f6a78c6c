from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from napari_graft.engine.protocol import (
    CancelJob,
    ErrorEvent,
    ProgressEvent,
    ResultEvent,
    RunJob,
    read_event,
    read_order,
    to_line,
)
from napari_graft.jobs.base import Request, TileBox
from napari_graft.jobs.builtin.predict import PredictRequest
from napari_graft.jobs.builtin.preview import PreviewRequest
from napari_graft.jobs.builtin.rank import RankRequest
from napari_graft.jobs.builtin.suggest import SuggestRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.jobs.registry import JOBS

BOX = TileBox(start=(1, 0, 20), shape=(1, 64, 64))


@pytest.mark.parametrize(
    "message",
    [
        TrainRequest(project="a b.graft", source="best", seconds=1.5, steps=None, seed=3, is_delegate=True),
        PredictRequest(project="p", out="o.zarr", run="latest", region="0:1,0:9,0:9", uncertainty="u.tif"),
        RankRequest(project="p", exclude=("a", "b")),
        SuggestRequest(project="p", n=3, avoid=(BOX, BOX)),
        PreviewRequest(
            project="p", references=("a", "run 0001"), tiles=(BOX,), out="o", with_uncertainty=True
        ),
    ],
)
def test_a_request_arrives_as_it_was_sent(message: Request[Any]) -> None:
    order = read_order(to_line(RunJob.of(message)))

    assert isinstance(order, RunJob)
    assert JOBS[order.job].request.model_validate(order.request) == message


def test_an_order_arrives_as_it_was_sent() -> None:
    assert read_order(to_line(CancelJob())) == CancelJob()


@pytest.mark.parametrize(
    "message",
    [
        ProgressEvent(done=3, total=None, message="training\nµm", metrics={"loss": 0.5}),
        ProgressEvent(done=3, total=9, message="ranking", partial={"ranking": [{"z": math.inf}]}),
        ResultEvent(value={"run": "0001", "validation": {"vi": 0.25}, "kept": True, "n": None}),
        ErrorEvent(error="input", message="two\nlines"),
    ],
)
def test_an_event_arrives_as_it_was_sent_on_one_line(message: BaseModel) -> None:
    line = to_line(message)

    assert line.count("\n") == 1
    assert read_event(line) == message


def test_a_loss_that_is_no_number_arrives_as_such() -> None:
    progress = read_event(
        to_line(ProgressEvent(done=1, total=2, message="", metrics={"loss": math.nan, "b": math.inf}))
    )
    result = read_event(to_line(ResultEvent(value={"validation": {"loss": math.nan, "b": -math.inf}})))

    assert isinstance(progress, ProgressEvent)
    assert math.isnan(progress.metrics["loss"])
    assert progress.metrics["b"] == math.inf
    assert isinstance(result, ResultEvent)
    assert math.isnan(result.value["validation"]["loss"])
    assert result.value["validation"]["b"] == -math.inf


@pytest.mark.parametrize("line", ['{"kind": "run"}', '{"kind": "dance"}', "[]"])
def test_what_is_no_message_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        read_order(line)
