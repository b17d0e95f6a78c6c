"""The lines that the two processes exchange: one JSON document each."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from napari_graft.core.errors import GraftError
from napari_graft.core.progress import Phase
from napari_graft.jobs.base import Request


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RunJob(_Message):
    """Request for a job; `request` holds the fields of the request of the job named `job`."""

    kind: Literal["run"] = "run"
    job: str
    request: dict[str, Any]

    @classmethod
    def of(cls, request: Request[Any]) -> RunJob:
        """Return the line for a request."""
        return cls(job=request.kind, request=request.model_dump(mode="json"))


class CancelJob(_Message):
    """Request to the job under way to stop and keep what it has."""

    kind: Literal["cancel"] = "cancel"


class CloseJob(_Message):
    """Request to the job under way to stop at once, keeping what it has, and to the worker to end.

    Where the requests end without it, whoever asked is gone.
    """

    kind: Literal["close"] = "close"


class ProgressEvent(_Message):
    """Progress of the job; the first one comes when the job begins. See `Progress` for the fields."""

    kind: Literal["progress"] = "progress"
    done: float
    total: float | None
    message: str
    metrics: dict[str, float] = {}
    partial: dict[str, Any] | None = None
    phase: Phase = ""


class ResultEvent(_Message):
    """Result of the job."""

    kind: Literal["result"] = "result"
    value: dict[str, Any]


class ErrorEvent(_Message):
    """Failure of the job; `error` names the class of errors, `message` is for the user."""

    kind: Literal["error"] = "error"
    error: Literal["input", "storage", "cancelled", "crash"]
    message: str


Order = Annotated[RunJob | CancelJob | CloseJob, Field(discriminator="kind")]
Event = Annotated[ProgressEvent | ResultEvent | ErrorEvent, Field(discriminator="kind")]
_ORDER: TypeAdapter[RunJob | CancelJob | CloseJob] = TypeAdapter(Order)
_EVENT: TypeAdapter[ProgressEvent | ResultEvent | ErrorEvent] = TypeAdapter(Event)


class EngineError(GraftError):
    """Error: the worker process failed for a reason that is not the user's."""


def to_line(message: BaseModel) -> str:
    """Return a message as one line of text; a number that is not finite survives."""
    return json.dumps(message.model_dump()) + "\n"


def read_order(line: str) -> Order:
    """Read a line from the side that waits."""
    return _ORDER.validate_python(json.loads(line))


def read_event(line: str) -> Event:
    """Read a line from the side that works."""
    return _EVENT.validate_python(json.loads(line))
