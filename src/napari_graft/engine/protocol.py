"""The lines that the two processes exchange: one JSON document each."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from napari_graft.core.errors import GraftError
from napari_graft.merging.recipe import DEFAULT_METHOD


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TileBox(_Message):
    """Name a tile of the image; see `Tile`."""

    start: tuple[int, ...]
    shape: tuple[int, ...]


class LearnJob(_Message):
    """Ask for what learns from the annotated tiles of a project; see `Budget` for the fields.

    With `is_delegate` another process holds the project for writing and lets this one train; see
    `open_delegate`.
    """

    project: str
    seconds: float | None = None
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    stops_when_flat: bool = False
    is_delegate: bool = False


class TrainJob(LearnJob):
    """Ask for a training; see `TrainingTask.run`.

    The result has the keys of ``train --json``.
    """

    kind: Literal["train"] = "train"
    source: str


class TrialJob(LearnJob):
    """Ask for a trial of several sources; see `TrialTask.run`.

    `seconds` and `steps` are those of each source. The result holds the fields of `StoredTrial`.
    """

    kind: Literal["trial"] = "trial"
    sources: tuple[str, ...]


class MergeJob(LearnJob):
    """Ask for a merge of several models; see `MergeTask.run`.

    The result has the keys of ``merge --json``.
    """

    kind: Literal["merge"] = "merge"
    sources: tuple[str, ...]
    method: str = DEFAULT_METHOD


class PredictJob(_Message):
    """Ask for a segmentation of the image into a file; see `PredictRequest` for the fields.

    The result holds ``path``, ``n_objects``, ``uncertainty`` (a path or None), ``seconds`` and ``made_of``,
    a `PixelRecord` or None.
    """

    kind: Literal["predict"] = "predict"
    project: str
    out: str
    run: str | None = None
    source: str | None = None
    region: str | None = None
    uncertainty: str | None = None
    device: str = "auto"
    overwrite: bool = False
    is_inside: bool = False


class RankJob(_Message):
    """Ask for the sources in the order of how close they are to the image.

    The result holds ``ranking``, entries as of ``rank --json`` with more of the card; ``left_out``, the ids
    of the sources that were trained on the image and therefore not ranked; ``unsuited``, by the id of a 3-D
    source why the image has not the depth for it; and ``map``, ``names`` and ``distances`` of a `SourceMap`
    of the ranked ones and the image, None where they could not be mapped. While it is made, the partial
    result holds the ``ranking`` of those that are measured.
    """

    kind: Literal["rank"] = "rank"
    project: str
    exclude: tuple[str, ...] = ()
    device: str = "auto"


class SuggestJob(_Message):
    """Ask for the tiles most worth annotating; see `SuggestRequest` for the fields.

    Nothing is stored. The result holds ``suggestions`` (``start``, ``shape``, ``score``, ``reason``),
    ``candidates`` (``start``, ``shape``, ``uncertainty``, a number or None), ``strategy`` and ``model``.
    """

    kind: Literal["suggest"] = "suggest"
    project: str
    n: int = 4
    tile: int = 256
    strategy: str = "auto"
    source: str | None = None
    seed: int = 0
    avoid: tuple[TileBox, ...] = ()
    device: str = "auto"
    with_uncertainty: bool = False


class PreviewJob(_Message):
    """Ask for what models make of tiles, in one safetensors file; see `preview_models` for what is in it.

    The result holds ``path``, ``references`` as asked for, ``names`` of the models, ``n_objects`` for each
    model and tile, and ``differences``: for each tile a list of ``id`` and ``iou`` of the first model's
    objects in the second's.
    """

    kind: Literal["preview"] = "preview"
    project: str
    references: tuple[str, ...]
    tiles: tuple[TileBox, ...]
    out: str
    with_uncertainty: bool = False
    device: str = "auto"


class DeviceJob(_Message):
    """Ask what the worker computes on.

    The result holds ``name`` of the GPU or ``"CPU"``, ``is_gpu``, ``n_cores`` of the processor that are used,
    and ``memory_mb`` of the GPU, None for a CPU.
    """

    kind: Literal["device"] = "device"
    device: str = "auto"


class CancelJob(_Message):
    """Ask the job under way to stop and keep what it has."""

    kind: Literal["cancel"] = "cancel"


class CloseJob(_Message):
    """Ask the job under way to stop at once, keeping what it has, and the worker to end.

    Where the requests end without it, whoever asked is gone.
    """

    kind: Literal["close"] = "close"


class ProgressEvent(_Message):
    """Tell how far the job is; the first one comes when the job begins. See `Progress` for the fields."""

    kind: Literal["progress"] = "progress"
    done: float
    total: float | None
    message: str
    metrics: dict[str, float] = {}
    partial: dict[str, Any] | None = None


class ResultEvent(_Message):
    """Hand over what the job came to."""

    kind: Literal["result"] = "result"
    value: dict[str, Any]


class ErrorEvent(_Message):
    """Tell that the job failed; `error` names the class of errors, `message` is for the user."""

    kind: Literal["error"] = "error"
    error: Literal["input", "storage", "cancelled", "crash"]
    message: str


Job = TrainJob | TrialJob | MergeJob | PredictJob | RankJob | SuggestJob | PreviewJob | DeviceJob
Request = Annotated[Job | CancelJob | CloseJob, Field(discriminator="kind")]
Event = Annotated[ProgressEvent | ResultEvent | ErrorEvent, Field(discriminator="kind")]
_REQUEST: TypeAdapter[Job | CancelJob | CloseJob] = TypeAdapter(Request)
_EVENT: TypeAdapter[ProgressEvent | ResultEvent | ErrorEvent] = TypeAdapter(Event)


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
