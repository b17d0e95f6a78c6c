"""PNG and other pictures, which are decoded whole."""

from __future__ import annotations

from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.readers.registry import READERS, Reader


def read_picture(path: str) -> RawImage:
    """Decode a picture. Its resolution, if it states one, is about printing and is not used.

    Raises
    ------
    InputError
        If the file is damaged, of another kind, or too large for a picture.
    """
    from imageio.v3 import immeta, imread

    with foreign_errors(
        f"{path} cannot be read as a picture",
        "it is damaged, of another kind or too large, make a new copy or convert it to TIFF",
    ):
        pixels = imread(path, plugin="pillow")
        has_palette = immeta(path, plugin="pillow").get("mode") == "P"
        indices = imread(path, plugin="pillow", mode="P") if has_palette else None
    return RawImage(pixels, {2: "yx", 3: "yxc"}.get(pixels.ndim), indices=indices)


READERS.register("picture")(Reader((".png", ".jpg", ".jpeg", ".bmp"), read_picture))
