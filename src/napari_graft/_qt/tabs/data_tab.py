"""The tab Data: choose the image, say what is known of it, start or resume a project."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSpinBox, QVBoxLayout, QWidget

from napari_graft._napari.images import describe_layer, image_layers, mark_image
from napari_graft._napari.tile_box import hide_tile_box, show_tile_box
from napari_graft._qt.binding import bind, listen, silenced
from napari_graft._qt.tabs.data_words import STRUCTURES, describe_image, words_of_size
from napari_graft._qt.widgets.basics import button, column, row, text
from napari_graft._qt.widgets.folding import Folding
from napari_graft._qt.widgets.pixel_size import PixelSizeFields
from napari_graft._qt.widgets.project_box import ProjectBox
from napari_graft.workbench.data import SMALLEST_TILE
from napari_graft.workbench.hints import USUAL_NM
from napari_graft.workbench.layer_image import LayerImage
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class DataTab(QWidget):
    """Show and change the model of the data.

    Parameters
    ----------
    workbench, viewer
        What the tab shows, and where the image layers are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._context = workbench.context
        self._model = workbench.data
        self._viewer = viewer
        self.project = ProjectBox(workbench)
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._list_images()

    def _make_widgets(self) -> None:
        self.image = QComboBox()
        self.image.setToolTip("The image layer to segment: 2-D or a stack, grey or RGB")
        self.about = text("", "faint")
        self.open_file = button("Open an image…", self._on_open_clicked)
        self.sample = button("Try with the sample", self._on_sample_clicked)
        self.pixel_size = PixelSizeFields()
        self.origin = text("", "faint")
        self.usual = QWidget()
        self._usual = QVBoxLayout(self.usual)
        self._usual.setContentsMargins(0, 0, 0, 0)
        self.structure = QComboBox()
        for structure, words in STRUCTURES.items():
            self.structure.addItem(words, structure)
        self.tile_side = QSpinBox()
        self.tile_side.setRange(SMALLEST_TILE, 2048)
        self.tile_side.setSingleStep(32)
        self.tile_side.setSuffix(" pixels")
        self.inverted = QCheckBox("Swap dark and bright")
        self.inverted.setToolTip("For images whose contrast is the reverse of what sources were trained on")

    def _lay_out(self) -> None:
        self.advanced = Folding("Advanced: tile size, contrast")
        for widget in (text("Side of a tile to paint"), self.tile_side, self.inverted):
            self.advanced.addWidget(widget)
        layout = column(text("Image", "title"), self.image, self.about, spacing=4, margin=6)
        layout.addLayout(row(self.open_file, self.sample, 1))
        layout.addWidget(text("Pixel size", "title"))
        wanted = text("I want to segment", "title")
        for widget in (self.pixel_size, self.origin, self.usual, wanted, self.structure):
            layout.addWidget(widget)
        layout.addWidget(self.advanced)
        layout.addWidget(self.project)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        state, layers = self._model.state, self._viewer.layers.events
        self.image.currentIndexChanged.connect(self._on_image_chosen)
        self.pixel_size.edited.connect(self._on_size_edited)
        self.structure.currentIndexChanged.connect(self._on_structure_chosen)
        self.tile_side.valueChanged.connect(self._on_side_changed)
        self.inverted.toggled.connect(self._on_inverted_toggled)
        self.advanced.toggled.connect(self._on_advanced_toggled)
        for event in (layers.inserted, layers.removed, layers.renamed):
            event.connect(self._list_images)
        bind(self, state, "image", self._show_image)
        for field in ("pixel_size", "unit", "is_size_from_layer", "hint"):
            bind(self, state, field, self._show_size)
        bind(self, state, "structure", self._show_structure)
        bind(self, state, "tile_side", self._show_side)
        bind(self, state, "is_inverted", self._show_inverted)
        listen(self, self._context.project_changed, self._on_project_changed)

    # What the user does

    def _on_image_chosen(self) -> None:
        layer = self._layer
        self._model.choose_image(None if layer is None else describe_layer(layer))

    def _on_size_edited(self) -> None:
        self._model.set_pixel_size(self.pixel_size.pixel_size, self.pixel_size.unit.currentText())

    def _on_usual_clicked(self, nanometres: float) -> None:
        image = self._model.state.image
        self._model.set_pixel_size((nanometres,) * (2 if image is None else len(image.shape)), "nm")

    def _on_structure_chosen(self) -> None:
        self._model.state.structure = self.structure.currentData()

    def _on_side_changed(self, side: int) -> None:
        self._model.state.tile_side = side
        self._on_advanced_toggled(self.advanced.isExpanded())

    def _on_inverted_toggled(self, is_on: bool) -> None:
        self._model.state.is_inverted = is_on

    def _on_advanced_toggled(self, is_expanded: bool) -> None:
        if is_expanded and self._layer is not None:
            show_tile_box(self._viewer, self._layer, self._model.state.tile_side)
        else:
            hide_tile_box(self._viewer)

    def _on_open_clicked(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open an image")
        if path:
            self._viewer.open(path)

    def _on_sample_clicked(self) -> None:
        self._viewer.open_sample("napari-graft", "neuropil")

    # What the model and the viewer say

    @property
    def _layer(self) -> Image | None:
        layer: Image | None = self.image.currentData()
        return layer

    def _list_images(self) -> None:
        layers, chosen = image_layers(self._viewer), self._layer
        with silenced(self.image):
            self.image.clear()
            for layer in layers:
                self.image.addItem(layer.name, layer)
            if chosen in layers:
                self.image.setCurrentIndex(layers.index(chosen))
        if self._layer is not chosen:
            self._on_image_chosen()

    def _on_project_changed(self) -> None:
        project, layer = self._context.project, self._layer
        self.advanced.collapse(animate=False)
        if (
            project is not None
            and layer is not None
            and describe_layer(layer).shape == project.manifest.shape
        ):
            mark_image(layer, project.folder)

    def _show_image(self, image: LayerImage | None) -> None:
        self.about.setText(describe_image(image))
        self.sample.setVisible(image is None)
        self.pixel_size.show_axes(2 if image is None else len(image.shape))
        self._show_size(None)

    def _show_size(self, _: object) -> None:
        state = self._model.state
        self.pixel_size.show_size(state.pixel_size, state.unit)
        self.origin.setText(words_of_size(state))
        is_asked = state.image is not None and state.pixel_size is None
        self._show_usual(USUAL_NM.get(state.structure or "", ()) if is_asked else ())

    def _show_usual(self, usual: tuple[tuple[str, float], ...]) -> None:
        while self._usual.count():
            self._usual.takeAt(0).widget().deleteLater()
        for words, nanometres in usual:
            self._usual.addWidget(button(words, partial(self._on_usual_clicked, nanometres)))
        self.usual.setVisible(bool(usual))

    def _show_structure(self, structure: str | None) -> None:
        with silenced(self.structure):
            self.structure.setCurrentIndex(max(0, self.structure.findData(structure)))
        self._show_size(None)

    def _show_side(self, side: int) -> None:
        with silenced(self.tile_side):
            self.tile_side.setValue(side)

    def _show_inverted(self, is_inverted: bool) -> None:
        with silenced(self.inverted):
            self.inverted.setChecked(is_inverted)
