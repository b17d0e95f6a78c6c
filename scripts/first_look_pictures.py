"""Draw what the first source finds before and after a change, against the truth, and none of the images.

Usage: first_look_pictures.py OUT NAME BEFORE TRUTH AFTER [NAME BEFORE TRUTH AFTER …], all label images.
Objects that match a true one (intersection over union of at least a half) are green, all others red, and true
objects that nothing matches are outlined in grey.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.segmentation.objects import best_overlaps

mpl.use("agg")

Labels = NDArray[np.uint32]
Picture = NDArray[np.float32]
RIGHT, WRONG, MISSED = (0.35, 0.75, 0.45), (0.86, 0.33, 0.30), (0.62, 0.62, 0.62)


def read(path: str) -> Labels:
    """Return a 2-D label image."""
    found = open_labels(Path(path))
    return np.asarray(found.read_raw(Tile((0, 0), found.shape))).astype(np.uint32)


def matched(first: Labels, second: Labels) -> list[int]:
    """Return the ids of the first that match an object of the second."""
    return [one for one, overlap in best_overlaps(first, second).items() if overlap >= 0.5]


def draw(found: Labels, truth: Labels) -> Picture:
    """Return a picture of what was found, (y, x, 3), 0 to 1."""
    picture = np.full((*found.shape, 3), 0.08, np.float32)
    picture[found > 0] = WRONG
    picture[np.isin(found, matched(found, truth))] = RIGHT
    picture[find_boundaries(found, mode="inner") & (found > 0)] *= 0.55
    missed = np.where(np.isin(truth, matched(truth, found)), 0, truth)
    picture[find_boundaries(missed, mode="inner") & (missed > 0)] = MISSED
    return picture


def main(out: str, *words: str) -> None:
    """Draw a row for each set: before and after."""
    from matplotlib import pyplot

    rows = [words[i : i + 4] for i in range(0, len(words), 4)]
    figure, axes = pyplot.subplots(2, len(rows), figsize=(2.3 * len(rows), 4.4), squeeze=False)
    for column, (name, before, truth_file, after) in enumerate(rows):
        truth = read(truth_file)
        for row, (words_of_row, file) in enumerate((("before", before), ("now", after))):
            ax = axes[row, column]
            picture = draw(read(file), truth)
            side = min(picture.shape[:2])
            ax.imshow(picture[:side, :side])
            ax.set_xticks([])
            ax.set_yticks([])
            if row == 0:
                ax.set_title(name, fontsize=9)
            if column == 0:
                ax.set_ylabel(words_of_row, fontsize=9)
    figure.tight_layout(pad=0.4)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
