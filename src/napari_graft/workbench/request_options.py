"""What a user asks of a job beside what the window knows by itself: the options of its request."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from psygnal import Signal
from pydantic import TypeAdapter, ValidationError

from napari_graft.jobs.base import fields_of

R = TypeVar("R")


class RequestOptions(Generic[R]):
    """Options of a job that the user set; what is not set is left to the window.

    Parameters
    ----------
    request
        Kind of request, or a dataclass with the options of something that is no job.
    """

    refused = Signal(str)
    """What cannot be asked for, in words."""

    def __init__(self, request: type[R]) -> None:
        self.type = request
        self._set: dict[str, object] = {}

    def set(self, name: str, value: object) -> None:
        """Set an option, given as it is typed; nothing typed leaves it to the window."""
        if value in (None, ""):
            self._set.pop(name, None)
            return
        annotation: Any = fields_of(self.type)[name].annotation
        try:
            self._set[name] = TypeAdapter(annotation).validate_python(value)
        except ValidationError as error:
            self._set.pop(name, None)
            reasons = "; ".join(one["msg"] for one in error.errors())
            self.refused.emit(f"{name.replace('_', ' ')} {value!r}: {reasons}")

    def request(self, **known: object) -> R:
        """Return a request for what the window knows, and with what the user set in place of that."""
        return TypeAdapter(self.type).validate_python(known | self._set)
