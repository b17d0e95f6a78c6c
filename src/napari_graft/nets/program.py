"""Load a TorchScript program that was checked, and look at what torch made of it before it may run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import torch

from napari_graft.core.errors import InputError
from napari_graft.sources.torchscript import check_torchscript
from napari_graft.sources.torchscript_code import forbidden
from napari_graft.sources.torchscript_operators import ATEN, PRIM

_ALLOWED = frozenset({f"aten::{name}" for name in ATEN} | {f"prim::{name}" for name in PRIM})
_GRAPHS = ("g", "gs")
"""Kinds of attributes that hold programs of their own."""


def load_program(data: bytes, title: str) -> torch.nn.Module:
    """Return a program for evaluation from the bytes that `check_torchscript` wrote.

    Nothing of it has run when it is returned, and it holds no operator but those that networks need: that is
    read from what torch compiled, whatever the code looked like.

    Raises
    ------
    InputError
        If torch cannot load it, or if it holds another operator.
    """
    try:
        program: torch.nn.Module = torch.jit.load(io.BytesIO(data), map_location="cpu")
    except Exception as error:
        # torch raises RuntimeError for most of what it does not understand, and what Python has for the rest.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise InputError(f"{title} cannot be loaded ({reason}): it is damaged, or of a newer torch") from None
    for kind in sorted(_kinds_of(program)):
        if kind not in _ALLOWED:
            raise InputError(forbidden(title, kind))
    return program.eval()


def read_program(data: bytes, title: str) -> tuple[torch.nn.Module, bytes]:
    """Return a program, and the archive that was written anew of its file; see `check_torchscript`.

    Raises
    ------
    InputError
        If the file is damaged, holds what a network does not need, or is of a newer torch.
    """
    checked = check_torchscript(data, title)
    return load_program(checked, title), checked


def _kinds_of(program: torch.nn.Module) -> set[str]:
    """Return the kinds of all nodes in all methods of a program and of its parts, calls written out."""
    kinds: set[str] = set()
    for part in program.modules():
        script: Any = getattr(part, "_c", None)
        if script is None:
            kinds.add(type(part).__name__)
            continue
        for name in script._method_names():
            # What is called is written out in its place; a call that is left is of something unknown.
            graph = script._get_method(name).graph.copy()
            torch._C._jit_pass_inline(graph)
            kinds.update(_kinds_in(graph))
    return kinds


def _kinds_in(block: Any) -> Iterator[str]:
    blocks = [block]
    while blocks:
        for node in blocks.pop().nodes():
            has_graph = any(node.kindOf(name) in _GRAPHS for name in node.attributeNames())
            yield f"{node.kind()} with a program of its own" if has_graph else node.kind()
            blocks += node.blocks()
