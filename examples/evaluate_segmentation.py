"""See what each mistake does to the scores: cut, joined, missed and invented objects.

python examples/evaluate_segmentation.py
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from napari_graft import evaluate
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells

Labels = NDArray[np.uint32]


def cut_each(truth: Labels) -> Labels:
    """Cut every object in two along a vertical line through its middle."""
    columns = np.indices(truth.shape)[1]
    sizes = np.maximum(np.bincount(truth.ravel()), 1)
    middle = np.bincount(truth.ravel(), columns.ravel()) / sizes
    is_right = (truth > 0) & (columns > middle[truth])
    return np.where(is_right, truth + truth.max(), truth).astype(np.uint32)


def join_pairs(truth: Labels) -> Labels:
    """Give every second object the number of the one before."""
    return ((truth + 1) // 2).astype(np.uint32)


def main() -> None:
    """Print the scores of a perfect segmentation and of four that are spoiled on purpose."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=512, help="side of the image in pixels")
    size = options.parse_args().size

    truth = generate_cells((size, size), np.random.default_rng(0), Appearance()).segments
    everywhere = np.where(truth > 0, truth, truth.max() + 1).astype(np.uint32)
    segmentations = {
        "perfect": truth,
        "each cut in two": cut_each(truth),
        "joined in pairs": join_pairs(truth),
        "every second missed": np.where(truth % 2 == 0, truth, 0).astype(np.uint32),
        "background as object": everywhere,
    }
    print(f"{'':22}{'VI split':>9}{'VI merge':>9}{'arand':>8}{'AP50':>7}{'F1':>7}{'Dice':>7}")
    for name, found in segmentations.items():
        s = evaluate(found, truth)
        print(
            f"{name:22}{s.vi_split:9.2f}{s.vi_merge:9.2f}{s.arand:8.2f}{s.ap50:7.2f}{s.f1_50:7.2f}{s.dice:7.2f}"
        )


if __name__ == "__main__":
    main()
