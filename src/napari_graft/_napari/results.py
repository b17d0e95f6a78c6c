"""The segmentations of the rounds as layers: the one in use is seen, the others are there but hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_graft._napari.images import project_image
from napari_graft._napari.layers import Role, details_of, mark, our_layers, remove_layers
from napari_graft._napari.project_layers import lazy_pixels
from napari_graft.core.tile import Tile
from napari_graft.project.results import Result
from napari_graft.workbench.train.results import WholeResult
from napari_graft.workbench.train.rounds import round_name

if TYPE_CHECKING:
    import dask.array

_OPACITY = 0.35


class ResultLayers:
    """Layers of segmentations; a layer that the user removed stays away until it is in use again.

    Parameters
    ----------
    viewer
        Where the layers are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._folder: Path | None = None
        self._added: dict[str, Result] = {}
        self.shown: str | None = None
        """Id of the run whose segmentation is seen."""
        self._whole: list[WholeResult] = []

    def show(self, folder: Path, results: Sequence[Result], shown: str | None) -> None:
        """Add a hidden layer for each new segmentation of a project, and let that of run `shown` be seen."""
        if folder != self._folder:
            self.clear()
            self._folder = folder
        image = project_image(self._viewer, folder)
        if image is None:  # nothing to lay them on: they come once it is there
            return
        active = self._viewer.layers.selection.active
        self._remove_old(results)
        for result in results:
            self._add(result, image, is_wanted=result.record.run == shown != self.shown)
        self._place({result.record.run: result.record.region for result in results}, image)
        if shown != self.shown:
            self.shown = shown
            self._show_only(shown)
            self._replace_uncertainty([result for result in results if result.record.run == shown], image)
        # Whoever paints meanwhile goes on with the layer that was active.
        if active is not None and active in self._viewer.layers:
            self._viewer.layers.selection.active = active

    def show_whole(self, folder: Path, whole: Sequence[WholeResult]) -> None:
        """Add a layer for each segmentation in a file of its own that has none, and show those that are new.

        A file that was written anew is shown anew.
        """
        image = project_image(self._viewer, folder)
        if image is None or folder != self._folder:
            return
        active = self._viewer.layers.selection.active
        for result in whole:
            if result not in self._whole:
                self._whole.append(result)
                remove_layers(self._viewer, "result", project=str(folder), file=str(result.file))
                self._insert_whole(result, folder, image)
        if active is not None and active in self._viewer.layers:
            self._viewer.layers.selection.active = active

    def clear(self) -> None:
        """Remove the layers of the project that was shown."""
        for layer in our_layers(self._viewer, project=str(self._folder)):
            if details_of(layer)["role"] in ("result", "uncertainty"):
                self._viewer.layers.remove(layer)
        self._folder, self.shown, self._added, self._whole = None, None, {}, []

    def _ours(self, role: Role) -> list[Layer]:
        layers = our_layers(self._viewer, role, project=str(self._folder))
        return [layer for layer in layers if "run" in details_of(layer)]

    def _remove_old(self, results: Sequence[Result]) -> None:
        """Remove the layers of segmentations that are damaged, or were made again, since they were added."""
        now = {result.record.run: result for result in results}
        for run, result in list(self._added.items()):
            if now.get(run) == result:
                continue
            del self._added[run]
            for layer in [*self._ours("result"), *self._ours("uncertainty")]:
                if _run_of(layer) == run:
                    self._viewer.layers.remove(layer)
            if self.shown == run:
                self.shown = None

    def _add(self, result: Result, image: Image, *, is_wanted: bool) -> None:
        run = result.record.run
        is_there = run in map(_run_of, self._ours("result"))
        if is_there or (run in self._added and not is_wanted):
            return
        layer = Labels(
            _lazy(result.labels),
            name=f"{image.name} · {round_name(run)}",
            visible=False,
            metadata=mark("result", project=str(self._folder), run=run),
        )
        layer.editable = False  # it would be written to the file, stroke by stroke
        self._insert(layer, result.record.region, image)
        self._added[run] = result

    def _insert_whole(self, result: WholeResult, folder: Path, image: Image) -> None:
        if result.is_new:  # on top of each other nobody could tell them apart
            for other in our_layers(self._viewer, "result", project=str(folder)):
                other.visible = False
        name = result.file.name
        layer = Labels(
            lazy_pixels(result.labels),
            name=f"{image.name} · {name}",
            visible=result.is_new,
            metadata=mark("result", project=str(folder), kind=f"file {name}", file=str(result.file)),
        )
        layer.editable = False
        self._insert(layer, Tile((0,) * len(result.labels.shape), result.labels.shape), image)

    def _show_only(self, shown: str | None) -> None:
        for layer in self._ours("result"):
            layer.visible = _run_of(layer) == shown

    def _replace_uncertainty(self, results: Sequence[Result], image: Image) -> None:
        is_visible = False  # it would hide what the objects look like: shown when asked for
        for layer in self._ours("uncertainty"):
            is_visible = layer.visible
            self._viewer.layers.remove(layer)
        for result in results:
            layer = Image(
                _lazy(result.uncertainty),
                name=f"{image.name} · uncertainty, {round_name(result.record.run)}",
                colormap="inferno",
                blending="additive",
                opacity=_OPACITY,
                contrast_limits=(0, 1),
                visible=is_visible,
                metadata=mark("uncertainty", project=str(self._folder), run=result.record.run),
            )
            self._insert(layer, result.record.region, image)

    def _insert(self, layer: Layer, region: Tile, image: Image) -> None:
        """Put a layer right above the image and the other results: what is painted stays on top."""
        _move_onto(layer, image, region)
        layers = self._viewer.layers
        below = [image, *self._ours("uncertainty"), *self._ours("result")]
        layers.insert(max(map(layers.index, below)) + 1, layer)

    def _place(self, regions: Mapping[str, Tile], image: Image) -> None:
        for layer in [*self._ours("result"), *self._ours("uncertainty")]:
            if _run_of(layer) in regions:
                _move_onto(layer, image, regions[_run_of(layer)])


def _lazy(path: Path) -> dask.array.Array:
    """Open the full resolution of an OME-Zarr image that we wrote; nothing is read yet."""
    import dask.array

    from napari_graft.io.readers.zarr_store import open_own_array

    source = open_own_array(path)
    # By a name of its own: napari keeps what it has computed, also where the file was written anew.
    array: dask.array.Array = dask.array.from_zarr(source, name=f"result-{uuid4().hex}")
    return array


def _run_of(layer: Layer) -> str:
    return str(details_of(layer)["run"])


def _move_onto(layer: Layer, image: Image, region: Tile) -> None:
    """Lay a layer of a region onto its image."""
    ndim = region.ndim
    layer.scale = image.scale[-ndim:]
    layer.translate = image.translate[-ndim:] + image.scale[-ndim:] * region.start
    layer.units = image.units[-ndim:]
