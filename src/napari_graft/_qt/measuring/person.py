"""A person at the window: clicks, keys and strokes as real events of the mouse and the keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_graft._napari.overlays.field_of_view import camera_of

if TYPE_CHECKING:
    from napari import Viewer

_LEFT = Qt.MouseButton.LeftButton
_NONE = Qt.MouseButton.NoButton


class Person:
    """Simulated user of a viewer.

    Parameters
    ----------
    viewer
        It has to be shown.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.canvas: QWidget = viewer.window._qt_viewer.canvas.native  # napari offers no public way to it

    def click(self, widget: QWidget) -> None:
        """Click a widget with the left button of the mouse."""
        QTest.mouseClick(widget, _LEFT)

    def press(self, key: str) -> None:
        """Press a key, such as ``"D"``, while the canvas has the focus."""
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, getattr(Qt.Key, f"Key_{key.upper()}"))

    def stroke(self, layer: Layer, points: Sequence[Sequence[float]], *, pause: float = 0.0) -> None:
        """Draw a stroke through pixels of a layer with the button held down.

        Parameters
        ----------
        points
            Rows of pixel coordinates in the layer, of as many axes as it has.
        pause
            Seconds in which the window may answer between two moves.
        """
        places = [self._place(layer, np.asarray(point, float)) for point in points]
        self._send(QEvent.Type.MouseMove, places[0], _NONE, _NONE)
        self._send(QEvent.Type.MouseButtonPress, places[0], _LEFT, _LEFT)
        for place in places[1:]:
            self._send(QEvent.Type.MouseMove, place, _NONE, _LEFT)
            if pause:
                look_on(pause)
        self._send(QEvent.Type.MouseButtonRelease, places[-1], _LEFT, _NONE)

    def _place(self, layer: Layer, point: NDArray[np.float64]) -> QPointF:
        """Return where on the canvas a pixel of a layer is."""
        world = np.asarray(layer.data_to_world(point))[-2:]
        camera = camera_of(self._viewer)
        offset = (world - np.asarray(camera.center)[-2:]) * camera.zoom
        return QPointF(self.canvas.width() / 2 + offset[1], self.canvas.height() / 2 + offset[0])

    def _send(
        self, kind: QEvent.Type, place: QPointF, button: Qt.MouseButton, buttons: Qt.MouseButton
    ) -> None:
        there = QPointF(self.canvas.mapToGlobal(place.toPoint()))
        event = QMouseEvent(kind, place, there, button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.canvas, event)


def look_on(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        QTest.qWait(max(1, min(20, round(1000 * left))))


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Let the window live until something is so.

    Raises
    ------
    TimeoutError
        If it does not come to be in time; `what` names it.
    """
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        QTest.qWait(10)
