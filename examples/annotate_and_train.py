"""Suggest tiles, take their labels, adapt a source to them, segment the image and score the result.

python examples/annotate_and_train.py --out adapted
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile

from napari_graft import annotate, evaluate, new_project, predict_volume, suggest_tiles, train
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.em import generate_neuropil


def main() -> None:
    """Go once through the loop, with the truth of a generated image in the place of a person."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("adapted"), help="a folder that does not exist yet")
    options.add_argument("--size", type=int, default=512, help="side of the image in pixels")
    options.add_argument("--tile", type=int, default=128, help="side of a tile in pixels")
    options.add_argument("--steps", type=int, default=100, help="steps of the training")
    options.add_argument("--source", default="best", help="where to start: best, a source's id, or scratch")
    chosen = options.parse_args()

    chosen.out.mkdir(parents=True)
    image, labels, result = (chosen.out / f"{name}.tif" for name in ("image", "labels", "segments"))
    sample = generate_neuropil((chosen.size, chosen.size), np.random.default_rng(0), Appearance())
    tifffile.imwrite(image, sample.image)
    tifffile.imwrite(labels, sample.segments)

    folder = chosen.out / "image.graft"
    with new_project(folder, image, pixel_size=(10, 10), unit="nm", structure="neurites") as project:
        suggestions = suggest_tiles(project, 2, tile=chosen.tile)
        for suggestion in suggestions:
            print(f"tile at {suggestion.tile.start}: {suggestion.reason}")
        annotate(project, labels)
        trained = train(project, chosen.source, steps=chosen.steps)
        print(f"run {trained.run} from {trained.source}, in use: {trained.kept}, {trained.validation}")
        # A run that is no better than the source is not in use: name it, and it segments all the same.
        predict_volume(project, result, run=trained.run)

    scores = evaluate(tifffile.imread(result), sample.segments)
    print(f"VI {scores.vi:.2f} bits, AP50 {scores.ap50:.2f}, {scores.n_predicted} of {scores.n_true} objects")


if __name__ == "__main__":
    main()
