"""What a job is: a request, a result, the function between them, and how it is treated while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue

A = TypeVar("A", bound=BaseModel)

Access = Literal["none", "read", "write"]
"""What a job does with the project: nothing, so that it needs none; look at it; add runs to it."""
Lane = Literal["long", "ranking", "short"]
"""Jobs of one lane of a window run one after the other, each lane in a worker process of its own."""


FILLED_IN = frozenset({"project", "is_delegate"})
"""Fields of a request that whoever asks knows, and no person is asked for as an option."""


class Request(BaseModel, Generic[A]):
    """What a job is asked for; the parameter of the type is what it answers.

    The fields are the options of the command and of the Python function, and what the window asks for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: ClassVar[str]
    """Name of the job."""

    if not TYPE_CHECKING:
        # The parameter is for type checkers: pydantic would make a further class of each, which takes long
        # when a window opens.
        def __class_getitem__(cls, _answer: object) -> type:
            return cls


@dataclass(frozen=True, slots=True)
class FormUnit:
    """Unit in which a form asks for a number; it stands in the annotation of a field.

    Parameters
    ----------
    name
        What stands behind the number.
    size
        How many of the field's own unit it is.
    smallest, largest
        What the form lets a person ask for, in this unit.
    """

    name: str
    size: float
    smallest: float
    largest: float


def fields_of(options: type) -> Mapping[str, FieldInfo]:
    """Return the fields of a request, or of a dataclass with options."""
    if issubclass(options, BaseModel):
        return options.model_fields
    assert dataclasses.is_dataclass(options)
    hints = get_type_hints(options, include_extras=True)
    return {
        field.name: FieldInfo.from_annotated_attribute(hints[field.name], field.default)
        for field in dataclasses.fields(options)
    }


def field_help(options: type) -> dict[str, str]:
    """Return what the docstrings of a request or a dataclass, and of its bases, say of each field."""
    from docstring_parser import parse

    found: dict[str, str] = {}
    for model in reversed(options.__mro__):
        for one in parse(model.__dict__.get("__doc__") or "").params:
            for name in one.arg_name.split(","):
                found[name.strip()] = " ".join((one.description or "").split())
    return found


class ProjectRequest(Request[A], Generic[A]):
    """What a job that works on a project is asked for.

    Parameters
    ----------
    project
        Folder of the project.
    """

    project: str


class Answer(BaseModel):
    """Base of what a job answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TileBox(BaseModel):
    """A tile of the image, as it crosses a pipe; see `Tile`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    start: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, tile: Tile) -> TileBox:
        """Return the box of a tile."""
        return cls(start=tile.start, shape=tile.shape)

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


@dataclass(frozen=True, slots=True)
class Work:
    """Surroundings of a running job.

    Parameters
    ----------
    catalogue
        Where sources are looked up.
    report, cancel
        Progress, and the token that stops the work.
    opened
        The project, opened as the job's `Access` says; None for a job that needs none.
    """

    catalogue: Catalogue
    report: Report
    cancel: CancelToken
    opened: Project | None = None

    @property
    def project(self) -> Project:
        """The project.

        Raises
        ------
        InputError
            If the job is one that needs none.
        """
        if self.opened is None:
            raise InputError("this job was given no project: declare access='read' or 'write'")
        return self.opened


@dataclass(frozen=True, slots=True)
class Job(Generic[A]):
    """A kind of job. `JOBS` knows it by the `kind` of its request.

    Parameters
    ----------
    request, result
        Models of what is asked and answered.
    run
        Does the work. It takes the request and the `Work`, tells how far it is by ``work.report``, asks
        ``work.cancel`` at least once a second, and imports what is heavy itself.
    title
        What a person reads while it runs, such as "Training".
    access
        What it does with the project.
    lane
        Which jobs of a window it waits for.
    keeps_its_best
        Whether, once cancelled, it still brings home what it has so far; other jobs are ended when they do
        not stop within a second.
    after_a_crash
        How to go on when its process has died, in words.
    """

    request: type[Request[A]]
    result: type[A]
    run: Callable[[Any, Work], A]
    title: str
    access: Access = "read"
    lane: Lane = "long"
    keeps_its_best: bool = False
    after_a_crash: str = "nothing is lost: try again"

    @property
    def kind(self) -> str:
        """Its name."""
        return self.request.kind
