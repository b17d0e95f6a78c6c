"""Keep napari alive where OpenGL is computed by the processor, as on a remote desktop or a virtual screen."""

from __future__ import annotations

from functools import cache

from vispy.gloo import gl
from vispy.gloo.glir import GlirProgram

_SOFTWARE = "llvmpipe"


@cache
def keep_programs() -> None:
    """Let no program of a shader be deleted where Mesa's llvmpipe draws.

    Mesa crashes the process at the second drawing after the program of points or of text was deleted, and
    napari deletes both with each layer of shapes or points that is removed. A program that stays takes a few
    kilobytes.
    """
    delete = GlirProgram.delete

    def delete_where_safe(program: GlirProgram) -> None:
        if _SOFTWARE not in str(gl.glGetParameter(gl.GL_RENDERER)):
            delete(program)

    GlirProgram.delete = delete_where_safe
