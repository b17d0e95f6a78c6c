"""What tests of the tab Data do again and again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from napari_graft._qt.data.tab import DataTab

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000


def data_tab(dock: GraftDock) -> DataTab:
    tab = dock.findChild(DataTab)
    assert tab is not None
    return tab


def some_image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape, np.uint8)


def start_project(dock: GraftDock, qtbot: QtBot, folder: Path) -> None:
    tab = data_tab(dock)
    tab.project.folder.setText(str(folder))
    tab.project.folder.editingFinished.emit()
    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)


def type_in(field: QLineEdit, words: str) -> None:
    field.setText(words)
    field.editingFinished.emit()
