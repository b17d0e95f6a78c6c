"""Label images: take annotations from one, and score one against another."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.metrics import evaluate
from napari_graft.project.project import Project


def annotate_from_labels(
    project: Project, labels: Volume, tiles: Sequence[Tile], *, is_sparse: bool = False
) -> list[LabelledTile]:
    """Accept tiles with the labels that an image-sized label image has there.

    Parameters
    ----------
    project
        Open for writing.
    labels
        Whole truth: 0 background, 1… objects. With `is_sparse` annotation labels: 0 unlabelled, 1 background,
        2… objects.
    tiles
        Where.
    is_sparse
        Whether unlabelled pixels may remain.

    Raises
    ------
    InputError
        If the label image has another shape than the image, there is no tile, or a tile cannot be accepted.
    """
    painted = read_tiles(project, labels, tiles, is_sparse=is_sparse)
    return [project.accept(labelled_tile, who=user_name()) for labelled_tile in painted]


def read_tiles(
    project: Project, labels: Volume, tiles: Sequence[Tile], *, is_sparse: bool = False
) -> list[LabelledTile]:
    """Return tiles with the labels that they have in a label image; nothing is accepted yet.

    See `annotate_from_labels` for the parameters and the errors.
    """
    if labels.shape != project.manifest.shape:
        raise InputError(
            f"the label image has shape {labels.shape}, the image {project.manifest.shape}: "
            "give labels of the same image at the same resolution"
        )
    if not tiles:
        raise InputError(
            "there are no tiles to annotate: run 'napari-graft suggest' first, or name a file of tiles"
        )
    _refuse_overlaps(project, tiles)
    # All are checked before the first is stored: a mistake in one leaves the project as it was.
    return [_painted(project, labels, tile, is_sparse) for tile in tiles]


def _refuse_overlaps(project: Project, tiles: Sequence[Tile]) -> None:
    earlier, ndim = project.annotations.tiles(), len(project.manifest.shape)
    for i, tile in enumerate(tiles):
        if tile.ndim != ndim:
            raise InputError(
                f"the tile at {tile.start} has {tile.ndim} axes where the image has {ndim}: "
                "give one number for each axis of the image"
            )
        for other in (*earlier, *tiles[:i]):
            if other != tile and other.overlaps(tile):
                raise InputError(
                    f"the tile at {tile.start} of shape {tile.shape} overlaps the one at {other.start} "
                    f"of shape {other.shape}: choose tiles that lie apart"
                )


def _painted(project: Project, labels: Volume, tile: Tile, is_sparse: bool) -> LabelledTile:
    found = np.asarray(labels.read_raw(tile)).astype(np.uint32)
    if found.shape != tile.shape:
        raise InputError(
            f"the tile at {tile.start} of shape {tile.shape} reaches outside the image of shape "
            f"{labels.shape}: choose a tile inside"
        )
    annotation = found if is_sparse else to_annotation(found)
    if not np.any(annotation != UNLABELLED):
        raise InputError(
            f"nothing is painted on the tile at {tile.start} of shape {tile.shape}, all its pixels are 0: "
            "paint background (1) and objects (2…) there, or leave this tile out"
        )
    is_complete = not is_sparse or not np.any(annotation == UNLABELLED)
    return LabelledTile(tile, annotation, is_complete, next_round(project))


def next_round(project: Project) -> int:
    """Return the number of the round of annotation that is under way: the finished runs so far."""
    return sum(run.is_finished for run in project.runs.all())


def user_name() -> str:
    """Return the name of who is logged in, for the journal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such entry in a container
        return "unknown"


class _TileEntry(BaseModel):
    # Extra keys are those of ``suggest --json``: score and reason.
    model_config = ConfigDict(frozen=True, defer_build=True)

    start: tuple[int, ...]
    shape: tuple[int, ...]


def chosen_tiles(project: Project, choice: str) -> list[Tile]:
    """Return the tiles that were suggested last, for ``suggested``, or those that a JSON file lists.

    Raises
    ------
    InputError
        If the file is missing or is no list of tiles.
    """
    if choice == "suggested":
        return [suggestion.tile for suggestion in project.suggestions().suggestions]
    try:
        text = Path(choice).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"tiles {choice!r} cannot be read: {error}") from None
    try:
        entries = TypeAdapter(list[_TileEntry]).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"tiles {choice!r}: {where}: {first['msg']}; write a list of {{'start': [...], 'shape': [...]}}"
        ) from None
    return [Tile(entry.start, entry.shape) for entry in entries]


def evaluate_pair(found: Volume, truth: Volume, *, per_slice: bool = False) -> dict[str, Any]:
    """Return the scores of a segmentation against a truth, both label images that fit into memory.

    Raises
    ------
    InputError
        If their shapes differ, or the truth holds no object.
    """
    if found.shape != truth.shape:
        raise InputError(
            f"the segmentation has shape {found.shape}, the truth {truth.shape}: give images of one shape"
        )
    by_slice = per_slice and len(found.shape) == 3
    return evaluate(_whole(found, by_slice), _whole(truth, by_slice), per_slice=per_slice).as_dict()


def _whole(labels: Volume, by_slice: bool) -> NDArray[np.uint32]:
    """Return all labels; those of a mask are numbered for each box, so that slices are read one by one."""
    shape = labels.shape
    if not by_slice:
        return labels.read_raw(Tile((0,) * len(shape), shape)).astype(np.uint32)
    slices = [labels.read_raw(Tile((z, 0, 0), (1, *shape[1:]))) for z in range(shape[0])]
    return np.concatenate(slices).astype(np.uint32)
