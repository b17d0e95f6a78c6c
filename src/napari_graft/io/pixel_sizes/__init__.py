"""How long a pixel is: what the places of a file say of it, and which of that can be believed."""

from __future__ import annotations

from napari_graft.io.pixel_sizes.judging import judge_sizes
from napari_graft.io.pixel_sizes.stated import NO_NOTE, SizeNote, StatedSize, state_size
from napari_graft.io.pixel_sizes.words import size_words

__all__ = ["NO_NOTE", "SizeNote", "StatedSize", "judge_sizes", "size_words", "state_size"]
