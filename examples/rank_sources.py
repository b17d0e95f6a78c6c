"""Rank the pretrained sources for an image, without any annotation.

python examples/rank_sources.py --out ranked
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile

from napari_graft import rank_sources
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.em import generate_neuropil
from napari_graft.session.projects.creation import ImageOptions, make_project


def main() -> None:
    """Make a project for a generated image and print the sources, the nearest first."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("ranked"), help="a folder that does not exist yet")
    options.add_argument("--size", type=int, default=512, help="side of the image in pixels")
    options.add_argument("--exclude", nargs="*", default=[], help="sources to leave out")
    chosen = options.parse_args()

    chosen.out.mkdir(parents=True)
    image = chosen.out / "image.tif"
    # Put your own image here: TIFF, PNG, OME-Zarr, zarr or HDF5.
    sample = generate_neuropil((chosen.size, chosen.size), np.random.default_rng(0), Appearance())
    tifffile.imwrite(image, sample.image)

    wanted = ImageOptions(str(image), pixel_size=(10.0, 10.0), unit="nm", structure="neurites")
    with make_project(chosen.out / "image.graft", wanted) as project:
        ranked = rank_sources(project, exclude=chosen.exclude)

    for entry in ranked:
        score, distance = entry.score, entry.score.evidence.distance
        # A source without a fingerprint has no distance, and is ranked by its consistency.
        numbers = "" if distance is None else f"z = {distance.z:7.1f}   p = {distance.p_value:.3f}"
        print(f"{entry.source.id:22} {score.verdict:18} {numbers}")
        if score.advice is not None:
            print(f"{'':22} {score.advice}")


if __name__ == "__main__":
    main()
