"""PNG and other pictures, which are decoded whole."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_graft.io.channels import palette
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes.tiff import picture_size
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.untrusted import foreign_errors

if TYPE_CHECKING:
    from PIL.Image import Image

_SAMPLES = {"LA": ("grey", "transparency"), "RGBA": ("red", "green", "blue", "transparency")}


def read_picture(path: str) -> RawImage:
    """Decode a picture, the first of several. Its resolution counts where no printer or screen has it.

    Raises
    ------
    InputError
        If the file is damaged, of another kind, or too large for a picture.
    """
    from PIL import Image

    with (
        foreign_errors(
            f"{path} cannot be read as a picture",
            "it is damaged, of another kind or too large, make a new copy or convert it to TIFF",
        ),
        warnings.catch_warnings(action="ignore"),
        Image.open(path) as picture,
    ):
        size = picture_size(picture.info.get("dpi"))
        return replace(_decode(picture), stated_sizes=(size,), is_lossy=picture.format in ("JPEG", "MPO"))


def _decode(picture: Image) -> RawImage:
    n_pictures = getattr(picture, "n_frames", 1)
    notes = (f"the first of its {n_pictures} pictures is used",) if n_pictures > 1 else ()
    if picture.mode == "P":
        indices = np.asarray(picture)
        table = np.reshape(np.asarray(picture.getpalette(), np.uint8), (-1, 3)).T
        return RawImage(indices, "yx", conversion=palette(table), notes=notes)
    # Pillow knows whether the inks of a JPEG file are stored inverted
    pixels = np.asarray(picture.convert("RGB") if picture.mode in ("CMYK", "YCbCr") else picture)
    axes = "yx" if pixels.ndim == 2 else "yxc"
    has_colours = None if axes == "yx" else pixels.shape[-1] > 2
    names = _SAMPLES.get(picture.mode, ())
    return RawImage(pixels, axes, channel_names=names, has_colours=has_colours, notes=notes)


READERS.register("picture")(Reader((".png", ".jpg", ".jpeg", ".bmp"), read_picture))
