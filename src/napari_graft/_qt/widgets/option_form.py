"""A form for options of a job: a magicgui widget for each field of its request."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Union, get_args, get_origin

from magicgui.widgets import ComboBox, Container, LineEdit, Widget, create_widget
from pydantic.fields import FieldInfo

from napari_graft.jobs.base import FILLED_IN, Request, field_help
from napari_graft.workbench.request_options import RequestOptions

Choices = Mapping[str, Sequence[str]]
"""By the name of a field what can be chosen for it."""
CHOICES: Choices = {"device": ("auto", "cpu", "cuda")}
_LARGEST = 10**9
"""Beyond what anybody means by a number; magicgui ends at 999 by itself."""


def option_form(
    request: type[Request[Any]],
    names: Sequence[str] | None = None,
    choices: Choices = CHOICES,
    left: Collection[str] = (),
) -> Container[Widget]:
    """Return widgets for fields of a request, with their defaults.

    What may be left out, or is a list, is a line of text: empty it is not set, and a list has commas.

    Parameters
    ----------
    request
        Kind of request.
    names
        The fields, by default all that a person is asked for.
    choices
        What can be chosen for some of them.
    left
        Those that whoever asks decides unless something is typed: their lines are empty.
    """
    told = field_help(request)
    fields = request.model_fields
    wanted = [name for name in fields if name not in FILLED_IN] if names is None else names
    widgets = [
        _empty_line(name, told.get(name, ""))
        if name in left
        else _widget(name, fields[name], choices.get(name), told.get(name, ""))
        for name in wanted
    ]
    return Container(widgets=widgets, labels=True)


def typed_values(form: Container[Widget]) -> dict[str, object]:
    """Return what stands in a form by field, without the lines that are empty."""
    found = {widget.name: typed_value(widget) for widget in form}
    return {name: value for name, value in found.items() if value is not None}


def typed_value(widget: Any) -> object:
    """Return what stands in a widget of a form; None where nothing does, a list where it is one."""
    if not isinstance(widget, LineEdit):
        value: object = widget.value
        return value
    typed = str(widget.value).strip()
    if not typed:
        return None
    return [part.strip() for part in typed.split(",")] if isinstance(widget, _ListEdit) else typed


def bind_options(form: Container[Widget], options: RequestOptions[Any]) -> None:
    """Let a form set the options of a job."""
    for widget in form:
        widget.changed.connect(partial(_on_changed, widget, options))  # type: ignore[attr-defined]


def _on_changed(widget: Widget, options: RequestOptions[Any], _: object) -> None:
    options.set(widget.name, typed_value(widget))


def _widget(name: str, field: FieldInfo, choices: Sequence[str] | None, tip: str) -> Widget:
    known: dict[str, Any] = {"name": name, "label": name.replace("_", " "), "tooltip": tip}
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if choices is not None:
        return ComboBox(choices=tuple(choices), value=default, **known)
    if _is_list(field.annotation):
        return _line(_ListEdit(value=", ".join(map(str, default or ())), **known), "one, another")
    if _is_optional(field.annotation):
        return _line(LineEdit(value="" if default is None else str(default), **known), "not set")
    start: dict[str, Any] = {} if field.is_required() else {"value": default}
    limits = {"min": -_LARGEST, "max": _LARGEST} if field.annotation in (int, float) else {}
    made: Widget = create_widget(annotation=field.annotation, options={**limits, "tooltip": tip}, **start)
    made.name, made.label = name, known["label"]
    return made


def _empty_line(name: str, tip: str) -> Widget:
    return _line(LineEdit(value="", name=name, label=name.replace("_", " "), tooltip=tip), "not set")


def _line(line: LineEdit, placeholder: str) -> LineEdit:
    line.native.setPlaceholderText(placeholder)
    return line


def _is_list(annotation: object) -> bool:
    """Say whether a list is asked for, which may be left out."""
    return tuple in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def _is_optional(annotation: object) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


class _ListEdit(LineEdit):
    """Line of text with a list in it, parted by commas."""
