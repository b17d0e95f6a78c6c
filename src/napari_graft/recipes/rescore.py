"""Measure a finished source anew, for example after the decoding was improved."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.nets.device import choose_device
from napari_graft.recipes.finished import open_finished
from napari_graft.recipes.measure import measure_network
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
    finished = open_finished(recipe_path, out, report=report, cancel=cancel)
    source, structure = finished.source, finished.recipe.structure
    report(Progress(0, 1, f"measuring {finished.recipe.id}"))
    network = finished.load_network()
    decode, validation = measure_network(network, structure, finished.material, choose_device(device))
    cancel.raise_if_cancelled()
    card = source.card.model_copy(update={"decode": decode, "validation": validation})
    write_document(out / CARD, card)
    return open_source(out, "file")
