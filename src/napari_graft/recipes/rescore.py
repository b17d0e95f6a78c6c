"""Measure a finished source anew, for example after the decoding was improved."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.nets.device import choose_device
from napari_graft.nets.kinds import load_network, trainable
from napari_graft.recipes.material import load_material
from napari_graft.recipes.measure import measure_network
from napari_graft.recipes.recipe import read_recipe
from napari_graft.sources.archive import CARD
from napari_graft.sources.document import write_document
from napari_graft.sources.source import Source, open_source


def rescore_source(
    recipe_path: Path, out: Path, *, device: str = "auto", report: Report, cancel: CancelToken
) -> Source:
    """Write decode settings and scores of a finished source onto its card anew; nothing is trained.

    Parameters
    ----------
    recipe_path
        The YAML file that the source was trained by.
    out
        Folder of the source. Only its card changes.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If the folder holds no source of this recipe, or its images cannot be used.
    Cancelled
        When asked to stop; the card is as it was.
    """
    recipe = read_recipe(recipe_path)
    source = open_source(out, "file")
    if source.card.training.recipe != recipe.id:
        raise InputError(
            f"the source in {str(out)!r} was not trained by the recipe {recipe.id!r}: name its own recipe"
        )
    report(Progress(0, 1, f"reading the images of {recipe.id}"))
    material = load_material(recipe, (recipe_path.parent / recipe.folder).resolve())
    cancel.raise_if_cancelled()
    report(Progress(0, 1, f"measuring {recipe.id}"))
    network = trainable(load_network(source.card.spec, source.load_weights()), source.id)
    decode, validation = measure_network(network, recipe.structure, material, choose_device(device))
    cancel.raise_if_cancelled()
    card = source.card.model_copy(update={"decode": decode, "validation": validation})
    write_document(out / CARD, card)
    return open_source(out, "file")
