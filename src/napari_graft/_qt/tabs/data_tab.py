"""The tab Data: choose the image, say what is known of it, start or resume a project."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLineEdit, QSpinBox, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_graft._napari.images import describe_layer, image_layers, mark_image
from napari_graft._napari.tile_box import hide_tile_box, show_tile_box
from napari_graft._qt.binding import bind, listen, silenced
from napari_graft._qt.tabs.data_words import STRUCTURES, describe_image, describe_project, words_of_size
from napari_graft._qt.widgets.basics import button, column, row, text
from napari_graft._qt.widgets.pixel_size import PixelSizeFields
from napari_graft.project.project import MANIFEST
from napari_graft.workbench.data import SMALLEST_TILE
from napari_graft.workbench.hints import USUAL_NM
from napari_graft.workbench.layer_image import LayerImage
from napari_graft.workbench.recent import recent_projects
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
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._list_images()
        self._show_recent()

    def _make_widgets(self) -> None:
        self.image = QComboBox()
        self.image.setToolTip("The image layer to segment: 2-D or a stack, grey or RGB")
        self.about = text("", "faint")
        self.open_file = button("Open an image…", self._on_open_clicked)
        self.sample = button(
            "Try with the sample", self._on_sample_clicked, tip="A generated volume, with truth"
        )
        self.size_fields = PixelSizeFields()
        self.origin = text("", "faint")
        self.usual = QWidget()
        self.usual.setLayout(QVBoxLayout())
        self.structure = QComboBox()
        for structure, words in STRUCTURES.items():
            self.structure.addItem(words, structure)
        self.folder = QLineEdit()
        self.folder.setToolTip("Folder of the project; it holds everything that you paint and train")
        self.browse = button("…", self._on_browse_clicked, tip="Choose where the project lies")
        self.tile_side = QSpinBox()
        self.tile_side.setRange(SMALLEST_TILE, 2048)
        self.tile_side.setSingleStep(32)
        self.tile_side.setSuffix(" pixels")
        self.inverted = QCheckBox("Swap dark and bright")
        self.inverted.setToolTip("For images whose contrast is the reverse of what sources were trained on")
        self.start = button("Start project", self._on_start_clicked, look="primary")
        self.open_project = button("Open a project…", self._on_open_project_clicked)
        self.project = text("")
        self.refusal = text("", "error")
        self.refusal.hide()

    def _lay_out(self) -> None:
        self.advanced = QCollapsible("Advanced: tile size, contrast")
        self.advanced.addWidget(text("Side of a tile to paint"))
        self.advanced.addWidget(self.tile_side)
        self.advanced.addWidget(self.inverted)
        self.recent = QCollapsible("Recent projects")
        layout = column(text("Image", "title"), self.image, self.about, spacing=4, margin=6)
        layout.addLayout(row(self.open_file, self.sample, 1))
        layout.addWidget(text("Pixel size", "title"))
        for widget in (
            self.size_fields,
            self.origin,
            self.usual,
            text("I want to segment", "title"),
            self.structure,
        ):
            layout.addWidget(widget)
        layout.addWidget(text("Project", "title"))
        layout.addLayout(row(self.folder, self.browse))
        for widget in (self.advanced, self.refusal, self.start, self.open_project, self.project, self.recent):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        state = self._model.state
        self.image.currentIndexChanged.connect(self._on_image_chosen)
        self.size_fields.edited.connect(self._on_size_edited)
        self.structure.currentIndexChanged.connect(self._on_structure_chosen)
        self.folder.editingFinished.connect(self._on_folder_edited)
        self.tile_side.valueChanged.connect(self._on_side_changed)
        self.inverted.toggled.connect(lambda is_on: setattr(state, "is_inverted", is_on))
        self.advanced.toggled.connect(self._on_advanced_toggled)
        self._viewer.layers.events.inserted.connect(self._list_images)
        self._viewer.layers.events.removed.connect(self._list_images)
        self._viewer.layers.events.renamed.connect(self._list_images)
        bind(self, state, "image", self._show_image)
        for field in ("pixel_size", "unit", "is_size_from_layer", "hint", "structure"):
            bind(self, state, field, lambda _: self._show_size())
        bind(self, state, "folder", self._show_folder)
        bind(self, state, "tile_side", self._show_side)
        bind(self, state, "is_opening", lambda is_opening: self.start.setEnabled(not is_opening))
        listen(self, self._model.refused, self._show_refusal)
        listen(self, self._context.project_changed, self._show_project)
        self._show_project()

    # What the user does

    def _on_image_chosen(self) -> None:
        layer = self.image.currentData()
        self._model.choose_image(describe_layer(layer) if isinstance(layer, Image) else None)

    def _on_size_edited(self) -> None:
        self._model.set_pixel_size(self.size_fields.pixel_size, self.size_fields.unit.currentText())

    def _on_usual_clicked(self, nanometres: float) -> None:
        image = self._model.state.image
        self._model.set_pixel_size((nanometres,) * (len(image.shape) if image else 2), "nm")

    def _on_structure_chosen(self) -> None:
        self._model.state.structure = self.structure.currentData()

    def _on_folder_edited(self) -> None:
        name = self.folder.text().strip()
        self._model.state.folder = Path(name).expanduser() if name else None

    def _on_side_changed(self, side: int) -> None:
        self._model.state.tile_side = side
        self._on_advanced_toggled(self.advanced.isExpanded())

    def _on_advanced_toggled(self, is_expanded: bool) -> None:
        layer = self.image.currentData()
        if is_expanded and isinstance(layer, Image):
            show_tile_box(self._viewer, layer, self._model.state.tile_side)
        else:
            hide_tile_box(self._viewer)

    def _on_start_clicked(self) -> None:
        self.refusal.hide()
        hide_tile_box(self._viewer)
        folder = self._model.state.folder
        if folder is not None and (folder / MANIFEST).is_file():
            self._model.open_folder(folder)
        else:
            self._model.start_project()

    def _on_open_clicked(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open an image")
        if path:
            self._viewer.open(path)

    def _on_sample_clicked(self) -> None:
        self._viewer.open_sample("napari-graft", "neuropil")

    def _on_browse_clicked(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Where the project lies", self.folder.text(), "*.graft")
        if path:
            self._model.state.folder = Path(path)

    def _on_open_project_clicked(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a project (a folder that ends in .graft)")
        if path:
            self._model.open_folder(Path(path))

    # What the model says

    def _list_images(self) -> None:
        layers = image_layers(self._viewer)
        chosen = self.image.currentData()
        with silenced(self.image):
            self.image.clear()
            for layer in layers:
                self.image.addItem(layer.name, layer)
            if chosen in layers:
                self.image.setCurrentIndex(layers.index(chosen))
        if self.image.currentData() is not chosen:
            self._on_image_chosen()

    def _show_image(self, image: LayerImage | None) -> None:
        self.about.setText(describe_image(image))
        self.sample.setVisible(image is None)
        self.size_fields.show_axes(2 if image is None else len(image.shape))
        self._show_size()

    def _show_size(self) -> None:
        state = self._model.state
        self.size_fields.show_size(state.pixel_size, state.unit)
        self.origin.setText(words_of_size(state))
        self._show_usual(
            USUAL_NM.get(state.structure or "", ()) if state.image and not state.pixel_size else ()
        )

    def _show_usual(self, usual: tuple[tuple[str, float], ...]) -> None:
        layout = self.usual.layout()
        while layout.count():
            layout.takeAt(0).widget().deleteLater()
        for words, nanometres in usual:
            layout.addWidget(button(words, partial(self._on_usual_clicked, nanometres)))
        self.usual.setVisible(bool(usual))

    def _show_folder(self, folder: Path | None) -> None:
        self.folder.setText("" if folder is None else str(folder))
        exists = folder is not None and (folder / MANIFEST).is_file()
        self.start.setText("Resume project" if exists else "Start project")

    def _show_side(self, side: int) -> None:
        with silenced(self.tile_side):
            self.tile_side.setValue(side)

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.show()

    def _show_project(self) -> None:
        project, layer = self._context.project, self.image.currentData()
        if (
            project is not None
            and isinstance(layer, Image)
            and describe_layer(layer).shape == project.volume.shape
        ):
            mark_image(layer, project.folder)
        self.project.setText(describe_project(self._context.project))
        self._show_recent()

    def _show_recent(self) -> None:
        content = QWidget()
        content.setLayout(column(*(self._link_to(folder) for folder in recent_projects())))
        self.recent.setContent(content)
        self.recent.setVisible(bool(recent_projects()))

    def _link_to(self, folder: Path) -> QWidget:
        return button(folder.stem, lambda: self._model.open_folder(folder), look="link", tip=str(folder))
