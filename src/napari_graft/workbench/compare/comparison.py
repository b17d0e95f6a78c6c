"""What several models make of one place, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io.weights import load_tensors
from napari_graft.jobs.base import TileBox
from napari_graft.jobs.builtin.preview import PreviewRequest
from napari_graft.project.project import Project
from napari_graft.segmentation.objects import ObjectDifference, object_differences

Mode = Literal["grid", "overlay", "blink"]


@dataclass(frozen=True, slots=True)
class ModelOption:
    """A model that can be compared.

    Parameters
    ----------
    reference
        Source id, or ``"run 0003"``.
    title
        As the user reads it, for example ``"round 3"``.
    """

    reference: str
    title: str


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """Display options of a comparison.

    Parameters
    ----------
    mode
        ``"grid"``: side by side. ``"overlay"``: on each other. ``"blink"``: one at a time.
    front
        Index of the model that is shown alone, or filled where the others are outlines.
    opacity
        Of filled objects, 0 to 1.
    shows_disagreement
        Whether the map of where they disagree is shown.
    """

    mode: Mode = "grid"
    front: int = 0
    opacity: float = 0.45
    shows_disagreement: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Comparison of what models make of a tile.

    Parameters
    ----------
    tile
        Where.
    choices
        The models.
    image
        Grey values of the tile, float32.
    segments
        Objects that each model finds, of the shape of the tile; those that the first finds as well have the
        ids that they have there.
    disagreement
        Share of pairs of models that disagree on a pixel, 0 to 1; None where there is one model.
    differences
        Objects of the first model that the second does not find.
    """

    tile: Tile
    choices: tuple[ModelOption, ...]
    image: NDArray[np.float32]
    segments: tuple[NDArray[np.uint32], ...]
    disagreement: NDArray[np.float32] | None
    differences: tuple[ObjectDifference, ...]
    n_objects: tuple[int, ...]
    agreement: float | None
    """Share of the pixels on which all models agree, 0 to 1; None where there is one model."""


def preview_request(
    project: Project, choices: tuple[ModelOption, ...], tile: Tile, name: str
) -> PreviewRequest:
    """Return the job that segments a tile with each model, into the cache of the project."""
    return PreviewRequest(
        project=str(project.folder),
        references=tuple(choice.reference for choice in choices),
        tiles=(TileBox.of(tile),),
        out=str(project.folder / "cache" / f"{name}.safetensors"),
    )


def load_comparison(project: Project, path: Path, choices: tuple[ModelOption, ...], tile: Tile) -> Comparison:
    """Read what the job wrote, and the image there; takes too long for the thread of the window.

    Raises
    ------
    InputError
        If the file or the image cannot be read.
    """
    tensors, _ = load_tensors(path)
    segments = tuple(np.asarray(tensors[f"segments/{m}/0"], np.uint32) for m in range(len(choices)))
    disagreement = tensors.get("disagreement/0")
    is_pair = disagreement is not None
    return Comparison(
        tile=tile,
        choices=choices,
        image=project.volume.read(tile),
        segments=segments,
        disagreement=np.asarray(disagreement, np.float32) if is_pair else None,
        differences=tuple(object_differences(segments[0], segments[1])) if is_pair else (),
        n_objects=tuple(int(np.unique(one[one > 0]).size) for one in segments),
        agreement=float(np.mean(disagreement == 0)) if is_pair else None,
    )
