"""Where a source may be trained: in a new folder, or in that of an earlier training by the same recipe."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.io.file_kinds import Recogniser
from napari_graft.io.outputs import Input, Outputs
from napari_graft.io.weights import load_metadata
from napari_graft.recipes.recipe import Recipe
from napari_graft.recipes.stacks import find_pairs
from napari_graft.sources.archive import CARD, FINGERPRINT, GENERAL, WEIGHTS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.document import read_document

CHECKPOINT = "checkpoint.safetensors"
_TRAINING = "training"
"""Word that a checkpoint has."""


def check_output(recipe: Recipe, recipe_path: Path, out: Path, overwrite: bool) -> None:
    """Refuse a folder in which a source would take the place of something else.

    Raises
    ------
    InputError
        If it holds another source or other files, or it is or lies in an input or a project.
    """
    inputs = [Input(recipe_path, "the recipe")]
    folder = (recipe_path.parent / recipe.folder).resolve()
    for entry in recipe.images:
        for image, labels in find_pairs(entry, folder):
            inputs += [Input(image, "an image of the recipe"), Input(labels, "a label image of the recipe")]
    if recipe.start is not None:
        inputs.append(Input(recipe_path.parent / recipe.start, "the source to start from"))
    Outputs(tuple(inputs), overwrite).check_folder(out, lambda name: _recogniser(name, recipe))


def _recogniser(name: str, recipe: Recipe) -> Recogniser | None:
    if name in (FINGERPRINT, GENERAL):  # they have no mark of their own, and come with weights or a card
        return lambda path: (
            _is_weights(path.with_name(WEIGHTS), recipe) or _is_card(path.with_name(CARD), recipe)
        )
    return {
        CARD: lambda path: _is_card(path, recipe),
        WEIGHTS: lambda path: _is_weights(path, recipe),
        CHECKPOINT: lambda path: _TRAINING in _words(path),
    }.get(name)


def _is_card(path: Path, recipe: Recipe) -> bool:
    try:
        return read_document(SourceCard, path, "card").training.recipe == recipe.id
    except InputError:
        return False


def _is_weights(path: Path, recipe: Recipe) -> bool:
    return _words(path).get("recipe") == recipe.id


def _words(path: Path) -> dict[str, str]:
    try:
        return load_metadata(path)
    except InputError:
        return {}
