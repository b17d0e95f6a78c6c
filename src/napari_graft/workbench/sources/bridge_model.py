"""The bridge to another modality: which pairs, how it goes, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.progress import Progress
from napari_graft.io.weights import load_tensors
from napari_graft.jobs.builtin.bridge import BridgeRequest
from napari_graft.project.reports import BridgeReport
from napari_graft.workbench.context import Context
from napari_graft.workbench.request_options import RequestOptions

Picture = NDArray[np.float32]
SECONDS = 180.0
_FOLDER = ("cache", "pairs")


@dataclass(slots=True, weakref_slot=True)
class BridgeState:
    """State of the bridge.

    Parameters
    ----------
    target, source
        Folders of the pairs: images like the user's, and like those that the source was trained on.
    is_bridging
        Whether a bridge is under way or waits for its turn.
    told
        What is said of the pairs and of what came of the bridge, in words.
    is_kept
        Whether what was bridged last is used.
    tiles
        A tile of the image as it is, and as the bridged source is shown it; None before.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    target: Path | None = None
    source: Path | None = None
    is_bridging: bool = False
    told: str = ""
    is_kept: bool = False
    tiles: tuple[Picture, Picture] | None = None


class BridgeModel:
    """View-model of the bridge: takes pairs, and bridges a source with them.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    bridged = Signal(str)
    """Names the source that came of it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.options = RequestOptions(BridgeRequest)
        self.state = BridgeState()
        context.hear(context.project_changed, self._on_project_changed)

    def bridge(self, source: str | None) -> None:
        """Bridge a source with the pairs, in the background."""
        state = self.state
        try:
            project = self._context.require_project()
            if source is None:
                raise InputError("no source is selected: select the one to bridge in the table")
            if state.target is None or state.source is None:
                raise InputError("the pairs are not chosen yet: choose two folders, or two layers")
        except InputError as error:
            self.refused.emit(str(error))
            return
        if state.is_bridging:
            return
        state.told, state.tiles, state.is_bridging = "", None, True
        request = self.options.request(
            project=str(project.folder),
            source=source,
            pairs=(str(state.target), str(state.source)),
            seconds=SECONDS,
            is_delegate=True,
        )
        job = self._context.run_job(request, self._on_done, on_progress=self._on_progress)
        job.ended.connect(self._on_ended)

    def take_layers(self, target: NDArray[np.generic], source: NDArray[np.generic]) -> None:
        """Take two layers for a pair; they are written to the cache of the project, where the worker is."""
        try:
            folder = self._context.require_project().folder.joinpath(*_FOLDER)
            for name, pixels in (("image", target), ("source", source)):
                _write(folder / name / "layer.tif", pixels)
        except (GraftError, OSError) as error:
            self.refused.emit(str(error))
            return
        self.state.target, self.state.source = folder / "image", folder / "source"

    def _on_progress(self, progress: Progress) -> None:
        if progress.phase == "note":
            self.state.told = progress.message.partition(": ")[2]

    def _on_done(self, report: BridgeReport) -> None:
        state, project = self.state, self._context.require_project()
        words = [f"Best view of your image: {report.bridge.view}."] if report.bridge.view else []
        words += [] if report.bridge.suitability is None else [report.bridge.suitability.words]
        state.is_kept = report.training.kept
        added = f"“{report.bridge.source_id}” is among your sources now." if report.training.kept else ""
        state.told = " ".join(filter(None, [*words, report.training.note, added]))
        state.tiles = _read_tiles(project.runs.get(report.training.run).translated_path)
        self._context.note_saved()
        self._context.runs_changed.emit()
        if report.training.kept:
            self.bridged.emit(report.bridge.source_id)

    def _on_ended(self) -> None:
        self.state.is_bridging = False

    def _on_project_changed(self) -> None:
        state = self.state
        state.target = state.source = state.tiles = None
        state.told = ""


def _write(path: Path, pixels: NDArray[np.generic]) -> None:
    import tifffile

    if pixels.ndim not in (2, 3):
        raise InputError(f"a layer of {pixels.ndim} axes makes no pair: take one with two or three")
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = "YX" if pixels.ndim == 2 else "YXS" if pixels.shape[-1] in (3, 4) else "ZYX"
    photometric = "rgb" if axes == "YXS" else "minisblack"
    tifffile.imwrite(path, pixels, photometric=photometric, metadata={"axes": axes})


def _read_tiles(path: Path) -> tuple[Picture, Picture] | None:
    try:
        tensors, _ = load_tensors(path)
    except InputError:  # a method without a translator has none
        return None
    return tuple(tensors[name].astype(np.float32) for name in ("image", "translated"))  # type: ignore[return-value]
