"""Stains of a coloured image by colour deconvolution: how much of one there is at each pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from napari_graft.io.channels import Conversion, ConvertedArray, Pixels
from napari_graft.io.volume import Volume

Stain = Literal["hematoxylin", "eosin", "dab"]
STAINS: tuple[Stain, ...] = get_args(Stain)


def in_stain(volume: Volume, stain: Stain | None) -> Volume:
    """Return a view of a coloured image as the optical density of one stain, float32, bright where much is.

    By the colour deconvolution of Ruifrok and Johnston (2001) with their vectors of hematoxylin, eosin and
    DAB, as scikit-image has it. A grey image, and any image where no stain is named, is returned as it is.
    """
    if stain is None or volume.channel_axis is None:
        return volume
    data = ConvertedArray(volume.data, _density(stain, volume.dtype), volume.channel_axis)
    return replace(volume, data=data, channel_axis=None, no_data=None)


def _density(stain: Stain, dtype: np.dtype[np.generic]) -> Conversion:
    index = STAINS.index(stain)
    top = float(np.iinfo(dtype.str).max) if dtype.kind in "iu" else 1.0

    def convert(pixels: Pixels) -> Pixels:
        from skimage.color import hed_from_rgb, separate_stains

        light = np.clip(pixels[..., :3].astype(np.float32) / top, 0, 1)
        return np.asarray(separate_stains(light, hed_from_rgb)[..., index], np.float32)

    return Conversion(convert, np.dtype(np.float32), False, True, f"its {stain} is shown")
