"""Several models on the same tiles: pictures of where they agree, and one file for a window to show."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.weights import save_tensors
from napari_graft.io.writers.file_kinds import PNG, is_our_png, png_with_mark
from napari_graft.project.project import Project
from napari_graft.segmentation.objects import best_overlaps, match_ids
from napari_graft.session.models import SCRATCH, Model, load_model, outputs_beside
from napari_graft.session.prediction import SegmentedTile, segment_each, segment_tiles
from napari_graft.session.projects.project_image import find_diameter_beforehand, intensity_of
from napari_graft.sources.catalogue import Catalogue

Segments = NDArray[np.uint32]
_SIDE = 384
_PICTURE = re.compile(r"tile_\d+\.png")


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """Request for a comparison.

    Parameters
    ----------
    references
        Two or more sources or runs; see `load_model`.
    out
        Folder for the pictures.
    n_tiles
        The tiles suggested last, and where these are too few, tiles spread over the image.
    device
        Where the networks run.
    overwrite
        Whether pictures are replaced that are not known to be earlier ones.
    """

    references: tuple[str, ...]
    out: Path
    n_tiles: int = 2
    device: str = "auto"
    overwrite: bool = False

    def __post_init__(self) -> None:
        if len(set(self.references)) < 2 or SCRATCH in self.references:
            raise InputError(f"{list(self.references)} cannot be compared: name two or more sources or runs")
        if self.n_tiles < 1:
            raise InputError(f"cannot compare on {self.n_tiles} tiles: ask for at least 1")


def compare_models(
    project: Project, request: CompareOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> list[Path]:
    """Write one picture a tile: the image, each model's objects, and the map of their disagreement.

    Raises
    ------
    InputError
        If a model is unknown, or something else is at `out`.
    """
    outputs = outputs_beside(project, request.references, may_overwrite=request.overwrite)
    outputs.check_folder(request.out, lambda name: is_our_png if _PICTURE.fullmatch(name) else None)
    tiles = _tiles(project, request.n_tiles)
    models = {reference: load_model(reference, project, catalogue) for reference in request.references}
    find_diameter_beforehand(project, (model.spec for model in models.values()), cancel, report)
    found: dict[str, list[Segments]] = {}
    for i, (reference, model) in enumerate(models.items()):
        report(Progress(i, len(models), f"segmenting with {reference}"))
        found[reference] = segment_tiles(project, model, tiles, device=request.device, cancel=cancel)
    with atomic.storage_errors(request.out):
        request.out.mkdir(parents=True, exist_ok=True)
    files = []
    for i, tile in enumerate(tiles):
        path = request.out / f"tile_{i + 1:02d}.png"
        image = intensity_of(project).normalise(project.volume.read(tile))
        segments = {name: np.squeeze(of_model[i]) for name, of_model in found.items()}
        outputs.write(path, png_with_mark(_picture(np.squeeze(image), segments, tile)), PNG)
        files.append(path)
    return files


def disagreement(segmentations: Sequence[Segments]) -> NDArray[np.float32]:
    """Return for each pixel the share of pairs of segmentations that disagree there, 0 to 1.

    Two segmentations agree on a pixel where one calls it background as the other does, or where their objects
    there overlap by more than half (intersection over union above 0.5).
    """
    pairs = list(combinations(segmentations, 2))
    votes = [_disagree(first, second) for first, second in pairs]
    return np.asarray(np.mean(votes, axis=0, dtype=np.float32))


def _disagree(first: Segments, second: Segments) -> NDArray[np.bool_]:
    n = int(second.max()) + 1
    keys, inverse, shared = np.unique(
        first.astype(np.int64) * n + second, return_inverse=True, return_counts=True
    )
    a, b = keys // n, keys % n
    union = np.bincount(first.ravel())[a] + np.bincount(second.ravel())[b] - shared
    agree = np.where((a == 0) | (b == 0), (a == 0) & (b == 0), shared / union > 0.5)
    return np.asarray(~agree[inverse].reshape(first.shape), np.bool_)


def _tiles(project: Project, n: int) -> list[Tile]:
    tiles = [suggestion.tile for suggestion in project.suggestions().suggestions][:n]
    shape = project.manifest.shape
    side = tuple(1 if i < len(shape) - 2 else min(_SIDE, length) for i, length in enumerate(shape))
    for i in range(n - len(tiles)):
        share = (i + 0.5) / (n - len(tiles))
        start = tuple(
            int((length - size) * (share if axis == 0 else 0.5))
            for axis, (length, size) in enumerate(zip(shape, side, strict=True))
        )
        tiles.append(Tile(start, side))
    return tiles[:n]


def _picture(image: NDArray[np.float32], found: dict[str, Segments], tile: Tile) -> bytes:
    from matplotlib.figure import Figure

    n_panels = len(found) + 2
    figure = Figure(figsize=(3.2 * n_panels, 3.6), layout="constrained")
    axes = figure.subplots(1, n_panels)
    axes[0].imshow(image, cmap="gray")
    axes[0].set_title(f"image at {', '.join(map(str, tile.start))}", fontsize=9)
    for axis, (name, segments) in zip(axes[1:-1], found.items(), strict=True):
        axis.imshow(image, cmap="gray")
        axis.imshow(_coloured(segments))
        axis.set_title(f"{name}: {np.unique(segments[segments > 0]).size} objects", fontsize=9)
    mapped = axes[-1].imshow(disagreement(list(found.values())), cmap="inferno", vmin=0, vmax=1)
    axes[-1].set_title("where they disagree", fontsize=9)
    figure.colorbar(mapped, ax=axes[-1], shrink=0.8, label="share of pairs")
    for axis in axes:
        axis.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _coloured(segments: Segments) -> NDArray[np.float64]:
    """Return RGBA colours of segments: one colour an object, background clear."""
    colours = np.random.default_rng(1).uniform(0.25, 1.0, (int(segments.max()) + 1, 4))
    colours[:, 3] = 0.45
    colours[0] = 0
    return np.asarray(colours[segments])


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """Request for a preview.

    Parameters
    ----------
    references
        One or more sources or runs; see `load_model`.
    tiles
        Where, inside the image; for a 2-D model of a stack one slice thick.
    out
        File for the result, ``.safetensors``.
    with_uncertainty
        Whether the uncertainty is written beside the objects.
    device
        Where the networks run.
    """

    references: tuple[str, ...]
    tiles: tuple[Tile, ...]
    out: Path
    with_uncertainty: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.references or SCRATCH in self.references:
            raise InputError(f"{list(self.references)} cannot be previewed: name sources or finished runs")
        if not self.tiles:
            raise InputError("there is no tile to preview: name at least one")


@dataclass(frozen=True, slots=True)
class Preview:
    """Result of a preview.

    Parameters
    ----------
    path
        The file.
    names
        Names of the models.
    n_objects
        Number of objects for each model and tile.
    differences
        For each tile how well the second model finds each object of the first: intersection over union by
        id; empty where there is one model.
    """

    path: Path
    names: tuple[str, ...]
    n_objects: tuple[tuple[int, ...], ...]
    differences: tuple[dict[int, float], ...]


def preview_models(
    project: Project, request: PreviewOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> Preview:
    """Segment tiles with each model and write all into one safetensors file.

    The file holds ``segments/M/T`` (uint32, shape of the tile) for model M and tile T, and as float32 from 0
    to 1 ``uncertainty/M/T`` where it was asked for and, for two or more models, ``disagreement/T`` (see
    `disagreement`). An object that the first model finds as well has the id that it has there; see
    `match_ids`.

    Raises
    ------
    InputError
        If a model is unknown, or a tile does not suit the image or a model.
    Cancelled
        Between two tiles, when asked to stop; nothing is written then.
    """
    _check_tiles(project, request.tiles)
    models = [load_model(reference, project, catalogue) for reference in request.references]
    found = _segment(project, request, models, report, cancel)
    segments = _matched([[tile.segments for tile in of_model] for of_model in found])
    tensors: dict[str, NDArray[np.generic]] = {
        f"segments/{m}/{t}": one for m, of_model in enumerate(segments) for t, one in enumerate(of_model)
    }
    for m, of_model in enumerate(found):
        for t, tile in enumerate(of_model):
            if tile.uncertainty is not None:
                tensors[f"uncertainty/{m}/{t}"] = tile.uncertainty
    differences: list[dict[int, float]] = []
    if len(models) > 1:
        for t, of_tile in enumerate(zip(*segments, strict=True)):
            tensors[f"disagreement/{t}"] = disagreement(of_tile)
            differences.append(best_overlaps(of_tile[0], of_tile[1]))
    with atomic.storage_errors(request.out):
        request.out.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(request.out, tensors, {})
    n_objects = tuple(tuple(int(np.unique(one[one > 0]).size) for one in of_model) for of_model in segments)
    return Preview(request.out, tuple(model.name for model in models), n_objects, tuple(differences))


def _check_tiles(project: Project, tiles: Sequence[Tile]) -> None:
    shape = project.manifest.shape
    image = Tile((0,) * len(shape), shape)
    for tile in tiles:
        if tile.ndim != image.ndim or not image.contains(tile):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} is not wholly inside the image of shape "
                f"{shape}: choose a tile inside"
            )


def _segment(
    project: Project, request: PreviewOptions, models: Sequence[Model], report: Report, cancel: CancelToken
) -> list[list[SegmentedTile]]:
    find_diameter_beforehand(project, (model.spec for model in models), cancel, report)
    total = len(models) * len(request.tiles)
    found: list[list[SegmentedTile]] = []
    for m, model in enumerate(models):
        done = m * len(request.tiles)
        report(Progress(done, total, f"segmenting with {model.name}"))
        of_model = []
        for tile in segment_each(
            project,
            model,
            request.tiles,
            wants_uncertainty=request.with_uncertainty,
            device=request.device,
            cancel=cancel,
        ):
            of_model.append(tile)
            report(Progress(done + len(of_model), total, f"segmenting with {model.name}"))
        found.append(of_model)
    return found


def _matched(segments: Sequence[Sequence[Segments]]) -> list[list[Segments]]:
    """Give the objects of all models but the first the ids of the first, or ids that no other model uses."""
    highest = [int(one.max(initial=0)) for one in segments[0]]
    matched = [list(segments[0])]
    for of_model in segments[1:]:
        renamed = [
            match_ids(first, one, top) for first, one, top in zip(segments[0], of_model, highest, strict=True)
        ]
        highest = [max(top, int(one.max(initial=0))) for top, one in zip(highest, renamed, strict=True)]
        matched.append(renamed)
    return matched
