"""The tab Data: choose the image, say what is known of it, start or resume a project."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSpinBox, QVBoxLayout, QWidget

from napari_graft._napari.images import (
    describe_layer,
    find_described,
    image_layers,
    mark_image,
    project_image,
)
from napari_graft._napari.overlays.tile_boxes import hide_tile_box, show_tile_box
from napari_graft._napari.placement import rescale
from napari_graft._qt.data.image_fields import AxisBox, ObjectSizeBox, PixelSizeFields
from napari_graft._qt.data.project_box import ProjectBox
from napari_graft._qt.data.words import STRUCTURES, describe_image, words_of_size
from napari_graft._qt.widgets.basics import Folding, button, column, row, set_look, text
from napari_graft._qt.widgets.binding import bind, listen, listen_to_viewer, silenced
from napari_graft.core.errors import InputError
from napari_graft.core.tile import SMALLEST_SIDE
from napari_graft.workbench.data.layer_description import USUAL_NM
from napari_graft.workbench.data.layer_image import LayerImage
from napari_graft.workbench.data.object_size import parse_pixel_size
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


_INVERTED_TIP = "For images whose contrast is the reverse of what sources were trained on"


class DataTab(QWidget):
    """Tab that shows and changes the model of the data.

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
        self._awaits_image = False
        self.project = ProjectBox(workbench)
        self._make_widgets(workbench)
        self._lay_out()
        self._connect()
        self._list_images()

    def _make_widgets(self, workbench: Workbench) -> None:
        self.image = QComboBox()
        self.image.setToolTip("The image layer to segment: 2-D or a stack, grey or RGB")
        self.about = text("", "faint")
        self.axes = AxisBox(self._model)
        self.open_file = button("Open an image…", self._on_open_clicked)
        self.sample = button("Try with the sample", self._on_sample_clicked)
        self.pixel_size = PixelSizeFields()
        self.origin = text("", "faint")
        self.usual = QWidget()
        self._usual = QVBoxLayout(self.usual)
        self._usual.setContentsMargins(0, 0, 0, 0)
        self.structure = QComboBox()
        # Else the longest of its words would decide how narrow the tab can be.
        self.structure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for structure, words in STRUCTURES.items():
            self.structure.addItem(words, structure)
        self.objects = ObjectSizeBox(workbench, self._viewer, lambda: self._layer)
        self.tile_side = QSpinBox()
        self.tile_side.setRange(SMALLEST_SIDE, 2048)
        self.tile_side.setSingleStep(32)
        self.tile_side.setSuffix(" pixels")
        self.inverted = QCheckBox("Swap dark and bright")

    def _lay_out(self) -> None:
        self.advanced = Folding("Advanced: tile size, contrast")
        for widget in (text("Side of a tile to paint"), self.tile_side, self.inverted):
            self.advanced.addWidget(widget)
        layout = column(text("Image", "title"), self.image, self.about, self.axes, spacing=4, margin=6)
        layout.addLayout(row(self.open_file, self.sample, 1))
        layout.addWidget(text("Pixel size", "title"))
        wanted = text("I want to segment", "title")
        for widget in (self.pixel_size, self.origin, self.usual, wanted, self.structure, self.objects):
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
            listen_to_viewer(self, event, self._list_images)
        bind(self, state, "image", self._show_image)
        bind(self, state, "extra_axes", lambda _: self._show_fields())
        for field in ("pixel_size", "unit"):
            bind(self, state, field, self._show_size)
        for field in ("is_size_from_layer", "hint", "size_error", "is_of_project", "fixed"):
            bind(self, state, field, lambda _: self._show_origin())
        bind(self, state, "structure", self._show_structure)
        bind(self, state, "tile_side", self._show_side)
        bind(self, state, "is_inverted", self._show_inverted)
        listen(self, self._context.project_changed, self._on_project_changed)
        listen(self, self._model.corrected, self._place_image)

    # What the user does

    def _on_image_chosen(self) -> None:
        layer = self._layer
        self._model.choose_image(None if layer is None else describe_layer(layer))

    def _on_size_edited(self) -> None:
        try:
            sizes = parse_pixel_size(self.pixel_size.texts, self.pixel_size.names)
        except InputError as error:
            self._model.refuse_size(str(error))
            return
        self._model.set_pixel_size(sizes, self.pixel_size.unit.currentText())

    def _on_structure_chosen(self) -> None:
        self._model.set_structure(self.structure.currentData())
        self._show_structure(self._model.state.structure)

    def _on_side_changed(self, side: int) -> None:
        self._model.state.tile_side = side
        self._on_advanced_toggled(self.advanced.isExpanded())

    def _on_inverted_toggled(self, is_on: bool) -> None:
        self._model.set_inverted(is_on)
        self._show_inverted(self._model.state.is_inverted)

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
        before, project = chosen, self._context.project
        if project is not None and self._awaits_image:
            # What the tab says is about the image of the project, once that is there.
            found = project_image(self._viewer, project.folder)
            chosen, self._awaits_image = found or chosen, found is None
        with silenced(self.image):
            self.image.clear()
            for layer in layers:
                self.image.addItem(layer.name, layer)
            if chosen in layers:
                self.image.setCurrentIndex(layers.index(chosen))
        if self._layer is not before:
            self._on_image_chosen()

    def _on_project_changed(self) -> None:
        self.advanced.collapse(animate=False)
        project, image = self._context.project, self._model.shown_by
        self._awaits_image = project is not None
        layer = None if image is None else find_described(self._viewer, image)
        if project is None:
            return
        if layer is not None:
            mark_image(layer, project.folder)
        if project_image(self._viewer, project.folder) is not None:
            self._place_image()
            self._list_images()
            self._on_image_chosen()

    def _place_image(self) -> None:
        """Let the layer of the project's image have the pixel size of the project, and ours with it."""
        project = self._context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        if project is not None and image is not None:
            rescale(self._viewer, image, project.manifest.spatial_axes)

    def _show_image(self, image: LayerImage | None) -> None:
        self.about.setText(describe_image(image))
        self.sample.setVisible(image is None)
        self._show_fields()

    def _show_fields(self) -> None:
        self.pixel_size.show_axes(self._model.state.n_spatial)
        self._show_size(None)

    def _show_size(self, _: object) -> None:
        state = self._model.state
        self.pixel_size.show_size(state.pixel_size, state.unit)
        self._show_origin()

    def _show_origin(self) -> None:
        state = self._model.state
        self.origin.setText(words_of_size(state))
        set_look(self.origin, "warning" if state.size_error else "faint")
        self.pixel_size.show_fixed(state.fixed)
        self.inverted.setEnabled(not state.fixed)
        self.inverted.setToolTip(state.fixed or _INVERTED_TIP)
        is_asked = state.image is not None and state.pixel_size is None and not state.fixed
        self._show_usual(USUAL_NM.get(state.structure or "", ()) if is_asked else ())

    def _show_usual(self, usual: tuple[tuple[str, float], ...]) -> None:
        while self._usual.count():
            self._usual.takeAt(0).widget().deleteLater()
        for words, nanometres in usual:
            self._usual.addWidget(button(words, partial(self.pixel_size.put_in_plane, nanometres)))
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
