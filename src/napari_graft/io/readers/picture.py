"""PNG and other pictures, which are decoded whole."""

from __future__ import annotations

from napari_graft.core.errors import InputError
from napari_graft.io.layout import RawImage
from napari_graft.io.readers.registry import READERS, Reader


def read_picture(path: str) -> RawImage:
    """Decode a picture. Its resolution, if it states one, is about printing and is not used.

    Raises
    ------
    InputError
        If the file is damaged, of another kind, or too large for a picture.
    """
    from imageio.v3 import imread

    try:
        pixels = imread(path, plugin="pillow")
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(
            f"{path} cannot be read as a picture: {error}: it is damaged, of another kind or too large, "
            "make a new copy or convert it to TIFF"
        ) from error
    return RawImage(pixels, {2: "yx", 3: "yxc"}.get(pixels.ndim))


READERS.register("picture")(Reader((".png", ".jpg", ".jpeg", ".bmp"), read_picture))
