"""A job of a plugin in a real window: its form, its progress, its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt

from napari_graft.sources import plugins
from plugin_site import install_plugin

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

TOY = Path(__file__).parents[1] / "jobs" / "count_bright.py"
PATIENCE = 120_000
MakeDock = Callable[..., "GraftDock"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install_plugin(TOY, tmp_path / "site", monkeypatch)
    yield
    plugins.forget_plugins()


@pytest.mark.usefixtures("toy")
def test_a_job_of_a_plugin_has_a_tab_a_form_and_a_stop(
    make_dock, qtbot: QtBot, neuropil_project: Path
) -> None:  # type: ignore[no-untyped-def]  # a fixture
    dock = make_dock(show=True)
    n_tabs = dock.tabs.count()
    dock.workbench.data.open_folder(neuropil_project)
    qtbot.waitUntil(lambda: dock.tabs.count() == n_tabs + 1, timeout=PATIENCE)
    dock.tabs.setCurrentIndex(n_tabs)
    (form,) = dock.job_forms
    assert (dock.tabs.tabText(n_tabs), form.title()) == ("More", "Counting bright pixels")
    assert [one.name for one in form.form] == ["above", "repeats"]

    form.form.above.value = 0.0
    qtbot.mouseClick(form.begin, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: form._model.state.answer is not None, timeout=PATIENCE)
    assert form._model.state.answer.n_pixels == 3 * 256 * 256

    form.form.repeats.max = 10**6
    form.form.repeats.value = 100_000
    qtbot.mouseClick(form.begin, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: form.bar.value() >= 0 and bool(form._model.state.fraction), timeout=PATIENCE)
    assert form.stop.isVisibleTo(dock)
    assert not form.begin.isEnabled()
    qtbot.mouseClick(form.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not form._model.state.is_running, timeout=PATIENCE)
    assert form.words.text() == "stopped"
