"""The bridge to another modality: pairs, the button that bridges, and a tile before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout, QLabel, QWidget

from napari_graft._qt.widgets.basics import Folding, button, column, flow, set_look, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft.workbench.sources.bridge_model import SECONDS, BridgeModel, Picture

if TYPE_CHECKING:
    from napari import Viewer

HOW = (
    "A source knows only images like those it was trained on. Take any specimen in both ways, and choose the "
    "images: both of a field under the same name. They need not show what you look for, and nothing need be "
    "painted."
)
NO_LAYER = "a layer…"
_SIDE = 90


class BridgeBox(Folding):
    """Widget to bridge the selected source; folded away until asked for.

    Parameters
    ----------
    model
        Bridges.
    viewer
        Has the layers.
    current
        Returns the source that is selected.
    """

    def __init__(self, model: BridgeModel, viewer: Viewer, current: Callable[[], str | None]) -> None:
        super().__init__("Another modality…")
        self._model, self._viewer, self._current = model, viewer, current
        self.target = button("Images like mine…", self._on_target_clicked, tip="A folder of such images")
        self.source = button(
            "Like the source's…",
            self._on_source_clicked,
            tip="A folder with the same fields, as the source knows them",
        )
        self.layers = (QComboBox(), QComboBox())
        self.chosen = text("", "faint")
        self.go_on = button("Bridge", self._on_bridge_clicked, tip="Bridge the source that is selected above")
        self.more = MoreOptions(
            model.options,
            ("seconds", "device", "seed"),
            "Options of the bridge",
            {"seconds": SECONDS},
        )
        self.told = text()
        self.refusal = text("", "error")
        self.pictures = QWidget()
        self.seen = (QLabel(), QLabel())
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        grid = QGridLayout(self.pictures)
        grid.setContentsMargins(0, 0, 0, 0)
        for place, (label, words) in enumerate(zip(self.seen, ("your image", "translated"), strict=True)):
            grid.addWidget(label, 0, place, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(text(words, "faint"), 1, place)
        for box in self.layers:
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
        both = QWidget()
        both.setLayout(column(flow(self.target, self.source), text("or two layers, in this order:", "faint")))
        for widget in (text(HOW, "faint"), both, flow(*self.layers), self.chosen, flow(self.go_on)):
            self.addWidget(widget)
        for widget in (self.more, self.told, self.pictures, self.refusal):
            self.addWidget(widget)

    def _connect(self) -> None:
        state = self._model.state
        self.refusal.hide()
        self.toggled.connect(self._list_layers)
        for box in self.layers:
            box.activated.connect(self._on_layer_chosen)
        for field in ("target", "source", "is_bridging"):
            bind(self, state, field, lambda _: self._show_choice())
        bind(self, state, "told", self._show_told)
        bind(self, state, "tiles", self._show_tiles)
        listen(self, self._model.refused, self._show_refusal)
        for event in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            event.connect(self._list_layers)

    def _on_target_clicked(self) -> None:
        self._model.state.target = self._folder("Images like mine") or self._model.state.target

    def _on_source_clicked(self) -> None:
        self._model.state.source = self._folder("The same fields, as the source knows them") or (
            self._model.state.source
        )

    def _folder(self, title: str) -> Path | None:
        path = QFileDialog.getExistingDirectory(self, title)
        return Path(path) if path else None

    def _on_layer_chosen(self, _: int) -> None:
        names = [box.currentText() for box in self.layers]
        known = {layer.name: layer for layer in self._viewer.layers}
        if all(name in known for name in names):
            self.refusal.hide()
            self._model.take_layers(*(_pixels(known[name]) for name in names))

    def _on_bridge_clicked(self) -> None:
        self.refusal.hide()
        self._model.bridge(self._current())

    def _list_layers(self, _: object = None) -> None:
        names = [layer.name for layer in self._viewer.layers if layer._type_string == "image"]
        for box in self.layers:
            now = box.currentText()
            box.clear()
            box.addItems([NO_LAYER, *names])
            box.setCurrentIndex(max(0, box.findText(now)))

    def _show_choice(self) -> None:
        state = self._model.state
        names = ["–" if path is None else path.name for path in (state.target, state.source)]
        self.chosen.setText(f"Pairs: {names[0]} and {names[1]}")
        self.go_on.setText("Bridging…" if state.is_bridging else "Bridge")
        is_ready = state.target is not None and state.source is not None
        self.go_on.setEnabled(is_ready and not state.is_bridging)
        set_look(self.go_on, "primary" if is_ready else "quiet")
        self.fit()

    def _show_told(self, words: str) -> None:
        self.told.setText(words)
        self.told.setVisible(bool(words))
        set_look(self.told, "good" if self._model.state.is_kept else "")
        self.fit()

    def _show_tiles(self, tiles: tuple[Picture, Picture] | None) -> None:
        self.pictures.setVisible(tiles is not None)
        for label, tile in zip(self.seen, tiles or (), strict=False):
            label.setPixmap(_pixmap(tile))
        self.fit()

    def _show_refusal(self, words: str) -> None:
        self.refusal.setText(words)
        self.refusal.setVisible(bool(words))
        self.fit()


def _pixels(layer: object) -> NDArray[np.generic]:
    data = layer.data  # type: ignore[attr-defined]  # an image layer has them
    return np.asarray(data[0] if layer.multiscale else data)  # type: ignore[attr-defined]


def _pixmap(tile: Picture) -> QPixmap:
    low, high = np.percentile(tile, (1, 99))
    grey = np.clip((tile - low) / max(float(high - low), 1e-6), 0, 1)
    data = np.ascontiguousarray((255 * grey).astype(np.uint8))
    height, width = data.shape
    image = QImage(data.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(image).scaled(
        _SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
