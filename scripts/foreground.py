"""Write onto the cards of finished sources which share of their training images objects fill.

Usage: foreground.py SOURCES [RECIPES]. SOURCES is a folder of sources, RECIPES that of the recipes that
trained them. Nothing is trained and no network runs: the labels that the recipes name are read. A source
whose images are not at hand keeps its card.
"""

from __future__ import annotations

import sys
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.io.documents import write_document
from napari_graft.recipes.fingerprinting import open_finished
from napari_graft.recipes.recipe import read_recipe
from napari_graft.recipes.scoring import foreground_share
from napari_graft.sources.archive import CARD
from napari_graft.sources.source import open_source


def main(sources: Path, recipes: Path) -> None:
    """Measure every source of a folder that one of the recipes has trained."""
    by_id = {read_recipe(path).id: path for path in recipes.glob("*.yaml")}
    for folder in sorted(path.parent for path in sources.glob(f"*/{CARD}")):
        trained_by = open_source(folder, "file").card.training.recipe
        if trained_by not in by_id:
            print(f"{folder.name}: no recipe {trained_by!r}")
            continue
        try:
            finished = open_finished(by_id[trained_by], folder, report=ignore_progress, cancel=CancelToken())
        except InputError as error:
            print(f"{folder.name}: {error}")
            continue
        share = foreground_share(finished.dataset.train)
        write_document(folder / CARD, finished.source.card.model_copy(update={"foreground": share}))
        print(f"{folder.name}: {share:.4f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "recipes"))
