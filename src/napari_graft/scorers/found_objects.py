"""What an untouched network finds in tiles of an image where there is something to find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Predictor
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings

N_TILES = {2: 6, 3: 2}
"""A 3-D tile has as many pixels as four 2-D ones."""

Image = NDArray[np.float32]
Segments = NDArray[np.uint32]


def find_objects(
    predictor: Predictor, settings: DecodeSettings, image: Image, cancel: CancelToken
) -> Segments:
    """Return the objects of a normalised image on the network's own grid."""
    answer = predictor.predict_array(image, cancel)
    return decode(answer[0], answer[1:], predictor.spec.offsets, settings)


def telling_tiles(tiles: Sequence[Image], ndim: int) -> list[Image]:
    """Return the tiles in which a network of so many axes is looked at: the most contrasted."""
    return most_contrasted(tiles, N_TILES[ndim])


def most_contrasted(images: Sequence[Image], n: int) -> list[Image]:
    """Return the `n` images of the largest standard deviation, in their order."""
    by_contrast = np.argsort([-float(np.std(image)) for image in images], kind="stable")
    return [images[number] for number in sorted(by_contrast[:n])]
