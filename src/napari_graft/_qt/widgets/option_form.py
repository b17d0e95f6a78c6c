"""Forms for options: a magicgui widget for each field of a request or a dataclass, and a fold around them."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin

from magicgui.widgets import ComboBox, Container, FloatSpinBox, LineEdit, Widget, create_widget
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_graft._qt.widgets.basics import Folding, column, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft.jobs.base import FILLED_IN, FormUnit, field_help, fields_of
from napari_graft.workbench.request_options import RequestOptions

Choices = Mapping[str, Sequence[str] | Sequence[tuple[str, str]]]
"""By the name of a field what can be chosen for it: words, or what people read with the word behind it."""
CHOICES: Choices = {"device": ("auto", "cpu", "cuda")}
_LARGEST = 10**9
"""Beyond what anybody means by a number; magicgui ends at 999 by itself."""


def option_form(
    options: type,
    names: Sequence[str] | None = None,
    choices: Choices = CHOICES,
    start: Mapping[str, object] | None = None,
    *,
    is_labelled: bool = True,
) -> Container[Widget]:
    """Return widgets for fields of a request, or of a dataclass, with their defaults.

    What may be left out, or is a list, is a line of text: empty it is not set, and a list has commas. A
    number that has a unit (`FormUnit`) and a start is asked for in that.

    Parameters
    ----------
    options
        Kind of request, or a dataclass.
    names
        The fields, by default all that a person is asked for.
    choices
        What can be chosen for some of them.
    start
        By name what stands there at first, in place of the default; None is an empty line, for what whoever
        asks decides unless something is typed.
    is_labelled
        Whether the names of the fields stand beside them.
    """
    fields, told, start = fields_of(options), field_help(options), start or {}
    wanted = [name for name in fields if name not in FILLED_IN] if names is None else names
    widgets: list[Widget] = []
    for name in wanted:
        field, known = fields[name], _known(name, told.get(name, ""))
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        value = start.get(name, default)
        is_left_out = name in start and value is None
        widgets.append(
            _line(LineEdit(**known), "not set") if is_left_out else _widget(field, value, choices, known)
        )
    form = Container(widgets=widgets, labels=is_labelled)
    form.native.layout().setContentsMargins(0, 0, 0, 0)  # it stands in a layout that has its own
    return form


def typed_values(form: Container[Widget]) -> dict[str, object]:
    """Return what stands in a form by field, without the lines that are empty."""
    found = {widget.name: typed_value(widget) for widget in form}
    return {name: value for name, value in found.items() if value is not None}


def typed_value(widget: Any) -> object:
    """Return what stands in a widget of a form; None where nothing does, a list where it is one."""
    if isinstance(widget, _UnitEdit):
        return float(widget.value) * widget.unit.size
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


def bind_field(owner: QWidget, widget: Any, state: Any, field: str) -> None:
    """Keep a widget of a form, in its unit, and a field of a view-model in step while `owner` lives."""

    def show(value: object) -> None:
        with silenced(widget.native):
            widget.value = value

    bind(owner, state, field, show)
    widget.changed.connect(lambda value: setattr(state, field, value))


def _on_changed(widget: Widget, options: RequestOptions[Any], _: object) -> None:
    options.set(widget.name, typed_value(widget))


def _known(name: str, tip: str) -> dict[str, Any]:
    return {"name": name, "label": name.replace("_", " "), "tooltip": tip}


def _widget(field: FieldInfo, value: Any, choices: Choices, known: dict[str, Any]) -> Widget:
    unit = next((one for one in field.metadata if isinstance(one, FormUnit)), None)
    if unit is not None and value is not None:
        return _UnitEdit(unit, value, known)
    if (named := choices.get(known["name"])) is not None:
        return _narrow(ComboBox(choices=tuple(named), value=value, **known))
    if (words := _words(field.annotation)) is not None:
        return _narrow(ComboBox(choices=words, value=value, nullable=_is_optional(field.annotation), **known))
    if _is_list(field.annotation):
        return _line(_ListEdit(value=", ".join(map(str, value or ())), **known), "one, another")
    if _is_optional(field.annotation):
        return _line(LineEdit(value="" if value is None else str(value), **known), "not set")
    begin: dict[str, Any] = {} if value is None else {"value": value}
    limits = {"min": -_LARGEST, "max": _LARGEST} if field.annotation in (int, float) else {}
    made: Widget = create_widget(
        annotation=field.annotation, options={**limits, "tooltip": known["tooltip"]}, **begin
    )
    made.name, made.label = known["name"], known["label"]
    return made


def _narrow(box: ComboBox) -> ComboBox:
    """Let a box be narrower than its longest word, in a narrow dock."""
    box.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _line(line: LineEdit, placeholder: str) -> LineEdit:
    line.native.setPlaceholderText(placeholder)
    return line


def _is_list(annotation: object) -> bool:
    """Say whether a list is asked for, which may be left out."""
    return tuple in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def _is_optional(annotation: object) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def _words(annotation: object) -> tuple[str, ...] | None:
    """Return the words of a `Literal`, also of one that may be left out; None where it is none."""
    kinds = get_args(annotation) if _is_optional(annotation) else (annotation,)
    literal = next((kind for kind in kinds if get_origin(kind) is Literal), None)
    return None if literal is None else get_args(literal)


class _ListEdit(LineEdit):
    """Line of text with a list in it, parted by commas."""


class _UnitEdit(FloatSpinBox):
    """Number with its unit behind it."""

    def __init__(self, unit: FormUnit, value: float, known: Mapping[str, Any]) -> None:
        super().__init__(value=value / unit.size, min=unit.smallest, max=unit.largest, step=1, **known)
        self.unit = unit
        self.native.setDecimals(1)
        self.native.setSuffix(f" {unit.name}")


class OptionBox(QWidget):
    """Form that sets options, and says which of them cannot be asked for.

    Parameters
    ----------
    options
        What is set.
    names, choices, start
        See `option_form`.
    """

    grown = Signal()
    """It takes more room, or less."""

    def __init__(
        self,
        options: RequestOptions[Any],
        names: Sequence[str],
        choices: Choices = CHOICES,
        start: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        self.form = option_form(options.type, names, choices, start)
        self.refusal = text("", "error")
        self.refusal.hide()
        self.setLayout(column(self.form.native, self.refusal))
        for widget in self.form:
            widget.changed.connect(self._hide_refusal)  # type: ignore[attr-defined]  # each has a value
        bind_options(self.form, options)
        listen(self, options.refused, self._show_refusal)

    def _hide_refusal(self) -> None:
        self._show_refusal("")

    def _show_refusal(self, words: str) -> None:
        self.refusal.setText(words)
        self.refusal.setVisible(bool(words))
        self.grown.emit()


class MoreOptions(Folding):
    """Fold with some options of a job, made when it is first opened.

    Parameters
    ----------
    options
        What is set.
    names
        Fields of the request.
    title
        What stands on the fold.
    start
        What stands in them at first, see `option_form`.

    Attributes
    ----------
    choices
        By the name of a field what can be chosen for it, beside the usual ones; to be set before the fold is
        opened.
    """

    def __init__(
        self,
        options: RequestOptions[Any],
        names: Sequence[str],
        title: str = "More options",
        start: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(title)
        self.setDuration(0)  # it would grow to the height that it had before the form was made
        self._options, self.names, self._start = options, tuple(names), start
        self.choices: Choices = {}
        self.box: OptionBox | None = None
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, is_open: bool) -> None:
        if is_open and self.box is None:
            self.box = OptionBox(self._options, self.names, {**CHOICES, **self.choices}, self._start)
            self.box.grown.connect(self.fit)
            self.show_only(self.box)
