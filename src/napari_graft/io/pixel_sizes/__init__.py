"""How long a pixel is: what the places of a file say of it, and which of that can be believed."""

from __future__ import annotations

from napari_graft.io.pixel_sizes.stated import (
    NO_NOTE,
    SizeNote,
    StatedSize,
    judge_sizes,
    size_words,
    state_size,
)

__all__ = ["NO_NOTE", "SizeNote", "StatedSize", "judge_sizes", "size_words", "state_size"]
