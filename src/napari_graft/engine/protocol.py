"""The lines that the two processes exchange: one JSON document each."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from napari_graft.core.errors import GraftError


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainJob(_Message):
    """Ask for a training in a project; see `TrainingTask.run` for the fields."""

    kind: Literal["train"] = "train"
    project: str
    source: str
    seconds: float | None = None
    steps: int | None = None
    device: str = "auto"
    seed: int = 0


class CancelJob(_Message):
    """Ask the job under way to stop and keep what it has."""

    kind: Literal["cancel"] = "cancel"


class ProgressEvent(_Message):
    """Tell how far the job is."""

    kind: Literal["progress"] = "progress"
    done: float
    total: float | None
    message: str
    metrics: dict[str, float] = {}


class ResultEvent(_Message):
    """Hand over what the job came to."""

    kind: Literal["result"] = "result"
    value: dict[str, Any]


class ErrorEvent(_Message):
    """Tell that the job failed; `error` names the class of errors, `message` is for the user."""

    kind: Literal["error"] = "error"
    error: Literal["input", "storage", "cancelled", "crash"]
    message: str


Request = TrainJob | CancelJob
Event = ProgressEvent | ResultEvent | ErrorEvent
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class EngineError(GraftError):
    """Report that the worker process failed for a reason that is not the user's."""


def to_line(message: BaseModel) -> str:
    """Return a message as one line of text; a number that is not finite survives."""
    return json.dumps(message.model_dump()) + "\n"


def read_request(line: str) -> Request:
    """Read a line from the side that waits."""
    return _REQUEST.validate_python(json.loads(line))


def read_event(line: str) -> Event:
    """Read a line from the side that works."""
    return _EVENT.validate_python(json.loads(line))
