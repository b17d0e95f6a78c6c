"""The options of a job that a tab has no field for: a form made of the request, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_graft._qt.annotate.tab import AnnotateTab
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft._qt.train.tab import TrainTab
from napari_graft._qt.widgets.option_form import MoreOptions, option_form, typed_values
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.jobs.base import FILLED_IN, field_help
from napari_graft.jobs.budget import MINUTES
from napari_graft.jobs.builtin.export import ExportRequest
from napari_graft.jobs.builtin.merge import MergeRequest
from napari_graft.jobs.builtin.suggest import SuggestRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.jobs.builtin.trial import TrialRequest
from napari_graft.jobs.registry import BUILT_IN, JOBS
from napari_graft.merging.methods import METHODS
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.sources.card import STRUCTURES
from napari_graft.workbench.next_step import TABS

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000
OF_THE_TAB = {
    "rank": {"with_map": "the map is always drawn"},
    "suggest": {
        "n": "the budget of tiles",
        "tile": "Advanced, in the tab Data",
        "source": "the source in use",
        "within": "the whole image",
        "avoid": "the list of tiles",
        "with_uncertainty": "the tiles are coloured by it",
    },
    "train": {"source": "Start from", "seconds": "Stop after", "stops_when_flat": "below Stop after"},
    "trial": {"sources": "the plan", "seconds": "min in all", "stops_when_flat": "never for a short trial"},
    "predict": {
        "out": "asked in a dialog",
        "run": "the round in use",
        "source": "the round in use",
        "region": "the whole image",
        "overwrite": "asked in the dialog",
        "is_inside": "of the segmentation of a round",
    },
}
"""What the window asks in another way than by a form, or knows."""


def forms(dock: GraftDock) -> dict[str, MoreOptions]:
    sources, train = dock.findChild(SourcesTab), dock.findChild(TrainTab)
    return {
        "rank": sources.options,
        "trial": sources.trial.more,
        "suggest": dock.findChild(AnnotateTab).more,
        "train": train.more,
        "predict": train.result.more,
    }


@pytest.mark.parametrize("kind", BUILT_IN)
def test_any_request_has_a_form_and_what_stands_in_it_is_a_request(qtbot: QtBot, kind: str) -> None:
    request = JOBS[kind].request
    form = option_form(request)
    qtbot.addWidget(form.native)

    assert [widget.name for widget in form] == [n for n in request.model_fields if n not in FILLED_IN]
    assert all(widget.tooltip for widget in form)
    lines = {"out": "a.tif", "tiles": "", "references": "latest", "reference": "latest", "sources": "a, b"}
    lines |= {"segmentation": "a.tif", "to": "csv", "labels": "a.tif"}
    if kind in ("bridge", "pretrain"):  # others have a source without being told
        lines |= {"source": "latest", "pairs": "a, b"}
    for name, text in lines.items():
        if name in request.model_fields and name != "tiles":
            form[name].value = text  # type: ignore[attr-defined]
    known: dict[str, Any] = {"project": "p"} if "project" in request.model_fields else {}
    known |= {"tiles": ()} if "tiles" in request.model_fields else {}
    found = request.model_validate(typed_values(form) | known)
    untouched = {n: f for n, f in request.model_fields.items() if n not in (*lines, *FILLED_IN)}
    assert all(getattr(found, name) == field.get_default() for name, field in untouched.items())


def test_lists_have_commas_and_what_may_be_left_out_may_be_empty(qtbot: QtBot) -> None:
    form = option_form(MergeRequest)
    qtbot.addWidget(form.native)
    form.sources.value, form.steps.value = "one,  another ", "30"

    found = MergeRequest.model_validate(typed_values(form) | {"project": "p"})
    assert (found.sources, found.steps, found.seconds) == (("one", "another"), 30, None)


def test_all_ways_of_merging_are_offered_in_words_and_the_chosen_one_is_asked_for(dock: GraftDock) -> None:
    tab, options = dock.findChild(SourcesTab), dock.workbench.training.merge_options
    tab.merging.expand()
    box = tab.merging.box
    assert box is not None
    assert box.form.method.choices == tuple(MERGE_METHODS)
    shown = [label.text() for label in tab.merging.findChildren(QLabel)]
    assert all(any(one.title in words and one.words in words for words in shown) for one in METHODS)
    assert options.request(project="p", sources=("a", "b")).method == DEFAULT_METHOD

    box.form.method.value = "distilled"

    assert options.request(project="p", sources=("a", "b")).method == "distilled"


def test_a_list_that_may_be_left_out_has_commas_too(qtbot: QtBot) -> None:
    form = option_form(ExportRequest)
    qtbot.addWidget(form.native)
    form.segmentation.value, form.to.value, form.out.value = "a.tif", "csv", "a.csv"
    assert ExportRequest.model_validate(typed_values(form)).pixel_size is None

    form.pixel_size.value = "30, 4, 4"

    assert ExportRequest.model_validate(typed_values(form)).pixel_size == (30, 4, 4)


def test_a_number_with_a_unit_is_asked_for_in_it_within_its_limits(qtbot: QtBot) -> None:
    form = option_form(TrainRequest, ("seconds",), start={"seconds": 90.0})
    qtbot.addWidget(form.native)

    assert (form.seconds.value, form.seconds.native.text()) == (1.5, "1.5 min")
    assert (form.seconds.min, form.seconds.max) == (MINUTES.smallest, MINUTES.largest)
    form.seconds.value = 3
    assert typed_values(form) == {"seconds": 180.0}


def test_the_budget_of_a_training_is_a_form_of_its_request_that_the_model_follows(dock: GraftDock) -> None:
    tab, training = dock.findChild(TrainTab), dock.workbench.training
    told = field_help(TrainRequest)
    assert {widget.name: widget.tooltip for widget in tab.budget} == {
        name: told[name] for name in ("seconds", "stops_when_flat")
    }
    assert (tab.minutes.value, tab.flat.value) == (training.state.minutes, training.state.stops_when_flat)

    tab.minutes.value, tab.flat.value = 4.5, False
    assert (training.state.minutes, training.state.stops_when_flat) == (4.5, False)

    training.state.minutes, training.state.stops_when_flat = 2.0, True
    assert (tab.minutes.value, tab.flat.value) == (2.0, True)


def test_what_a_package_does_not_say_is_asked_for_by_a_form_of_the_import(dock: GraftDock) -> None:
    box, model = dock.findChild(SourcesTab).more.options, dock.workbench.sources.importing
    assert box.form.structure.choices == (None, *STRUCTURES)
    assert "affinity" in box.form.outputs.tooltip

    box.form.outputs.value, box.form.structure.value = "foreground, unused", "nuclei"
    assert model.request(replaces=True) == ImportOptions(("foreground", "unused"), "nuclei", replaces=True)

    box.form.outputs.value = "edges"
    assert box.refusal.text().startswith("outputs ['edges']: ")
    box.form.outputs.value, box.form.structure.value = "", None
    assert box.refusal.text() == ""
    assert model.request() == ImportOptions()


def test_every_option_of_a_command_can_be_asked_for_in_the_window(
    make_dock: Callable[..., GraftDock],
) -> None:
    for kind, more in forms(make_dock()).items():
        asked = set(more.names) | set(OF_THE_TAB[kind])
        assert asked == set(JOBS[kind].request.model_fields) - FILLED_IN, kind


def test_what_is_set_is_asked_for_and_nonsense_is_refused_in_words(
    make_dock: Callable[..., GraftDock], qtbot: QtBot, neuropil_project: Path
) -> None:
    dock = make_dock(show=True)
    dock.workbench.data.open_folder(neuropil_project)
    qtbot.waitUntil(lambda: bool(dock.workbench.annotating.state.strategies), timeout=PATIENCE)
    train, suggest = forms(dock)["train"], forms(dock)["suggest"]
    for name, more in (("train", train), ("annotate", suggest)):
        dock.tabs.setCurrentIndex(TABS.index(name))
        qtbot.mouseClick(more.toggleButton(), Qt.MouseButton.LeftButton)
        assert more.box is not None
        qtbot.waitUntil(lambda form=more.box.form: form.native.visibleRegion().boundingRect().height() > 60)
    assert tuple(suggest.box.form.strategy.choices) == tuple(STRATEGIES)

    train.box.form.steps.value, train.box.form.device.value, train.box.form.seed.value = "12", "cpu", "7"
    suggest.box.form.strategy.value = "random"
    asked: TrainRequest = dock.workbench.training.options.request(project="p", source="s", seed=3)
    wanted: SuggestRequest = dock.workbench.annotating.options.request(project="p", n=2)
    assert (asked.steps, asked.device, asked.seed, asked.source) == (12, "cpu", 7, "s")
    assert (wanted.strategy, wanted.n) == ("random", 2)

    train.box.form.seed.value = ""  # it is left to the window, which takes a new one for each training
    assert dock.workbench.training.options.request(project="p", source="s", seed=3).seed == 3

    train.box.form.steps.value = "many"
    assert train.box.refusal.isVisibleTo(train)
    assert train.box.refusal.text().startswith("steps 'many': ")
    assert dock.workbench.training.options.request(project="p", source="s").steps is None
    train.box.form.steps.value = ""
    assert not train.box.refusal.isVisibleTo(train)
    trial: TrialRequest = dock.workbench.trial.options.request(project="p", sources=("a",))
    assert trial.steps is None
