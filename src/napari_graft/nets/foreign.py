"""Networks of any architecture saved as TorchScript: loaded once checked, run, and ours written as such."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from napari_graft.core.errors import InputError
from napari_graft.nets.derived_maps import activate, foreground_and_affinities
from napari_graft.nets.network import Network
from napari_graft.sources.foreign_spec import Clip, ForeignSpec, ScaleLinear, Step, ZeroMean
from napari_graft.sources.torchscript import TENSOR, check_torchscript
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


_CERTAIN = 1e-6
_CELL = 8
_TITLE = "the TorchScript file"


class ForeignNetwork(Network):
    """Network that runs a TorchScript program as its specification says, with outputs like ours.

    Parameters
    ----------
    spec
        How to ask it, and what its channels mean.
    data
        The bytes of the TorchScript file.

    Raises
    ------
    InputError
        If the file is damaged, holds what a network does not need, or is of a newer torch.
    """

    def __init__(self, spec: ForeignSpec, data: bytes) -> None:
        super().__init__()
        self.spec: ForeignSpec = spec
        self.program, self._data = read_program(data, _TITLE)

    def __deepcopy__(self, memo: dict[int, object]) -> ForeignNetwork:
        """Return a network of its own from the same file: programs do not share what they remember."""
        twin = ForeignNetwork.__new__(ForeignNetwork)
        Network.__init__(twin)
        twin.spec, twin._data = self.spec, self._data
        twin.program = load_program(self._data, _TITLE)
        return twin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of foreground and affinities; see `Network`.

        Raises
        ------
        InputError
            If the program fails, or answers with other channels or sizes than the specification says, or
            with values that are not finite.
        """
        # The program was not made for numbers of half the length.
        with torch.autocast(x.device.type, enabled=False):
            answer = self.finish(self.ask(x.float()))
        maps = foreground_and_affinities(answer, self.spec)
        inside = (slice(None), slice(None), *map(slice, x.shape[2:]))
        return torch.logit(maps[inside], _CERTAIN)

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the answer, averaged over cells of 8 pixels: where a foreign encoder ends nobody knows."""
        return [self.forward_with_features(x)[1]]

    def forward_with_features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the answer, and its average over cells."""
        logits = self(x)
        cell = [min(_CELL, n) for n in x.shape[2:]]
        pool = functional.avg_pool2d if self.spec.ndim == 2 else functional.avg_pool3d
        return logits, pool(logits.sigmoid(), cell)

    def stored_weights(self) -> dict[str, NDArray[Any]]:
        """Return the bytes of the file as one array."""
        return {TENSOR: np.frombuffer(self._data, np.uint8)}

    def finish(self, answer: torch.Tensor) -> torch.Tensor:
        """Return the program's answer as probabilities and distances."""
        return activate(answer, self.spec)

    def _prepare(self, x: torch.Tensor) -> torch.Tensor:
        low, high = self.spec.intensity
        x = pad_to_lengths(x, self.spec)
        x = (low + (x + 1) / 2 * (high - low)).expand(-1, self.spec.n_input_channels, *(-1,) * self.spec.ndim)
        for step in self.spec.normalisation:
            x = _normalise(x, step)
        return x.contiguous()

    def ask(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the program answers (N, C, *spatial), `x` as in `forward` but of any length."""
        x = self._prepare(x)
        try:
            answer = self.program(x)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            # A program of others fails as it likes: torch turns what it raises into any of Python's errors.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
            raise InputError(
                f"the imported network fails on an input of shape {tuple(x.shape)} ({reason}): "
                "correct its input in the card"
            ) from None
        parts = list(answer) if isinstance(answer, (tuple, list)) else [answer]
        if not all(isinstance(part, torch.Tensor) and part.shape[2:] == x.shape[2:] for part in parts):
            shapes = [
                tuple(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__ for part in parts
            ]
            raise InputError(
                f"the imported network answers an input of shape {tuple(x.shape)} with {shapes}: only "
                "outputs of the size of the input can be used"
            )
        joined = torch.cat([part.float() for part in parts], 1)
        if joined.shape[1] != len(self.spec.outputs):
            raise InputError(
                f"the imported network answers with {joined.shape[1]} channels where its card names "
                f"{len(self.spec.outputs)} ({', '.join(self.spec.outputs)}): correct the outputs of the card"
            )
        if not bool(torch.isfinite(joined).all()):
            raise InputError(
                "the imported network answers with NaN or infinite values: its weights or the normalisation "
                "in its card are wrong"
            )
        return joined


def load_foreign(spec: ForeignSpec, weights: Mapping[str, NDArray[Any]]) -> ForeignNetwork:
    """Make the network that `ForeignNetwork.stored_weights` was taken of.

    Raises
    ------
    InputError
        If the weights are others, or the program cannot be used.
    """
    if set(weights) != {TENSOR} or weights[TENSOR].dtype != np.uint8 or weights[TENSOR].ndim != 1:
        raise InputError(
            f"the weights hold {sorted(weights)[:3]} and no TorchScript program: "
            "use the card that came with them"
        )
    return ForeignNetwork(spec, weights[TENSOR].tobytes())


def pad_to_lengths(x: torch.Tensor, spec: ForeignSpec) -> torch.Tensor:
    """Extend (N, C, *spatial) at the far ends to lengths that the network takes, by repeating the border."""
    missing = [
        smallest - n if n <= smallest else (-(n - smallest) % step if step else 0)
        for n, smallest, step in zip(x.shape[2:], spec.smallest, spec.step, strict=True)
    ]
    return functional.pad(x, [pad for m in reversed(missing) for pad in (0, m)], mode="replicate")


def _normalise(x: torch.Tensor, step: Step) -> torch.Tensor:
    if isinstance(step, ZeroMean):
        axes = tuple(range(1, x.ndim))
        return (x - x.mean(axes, keepdim=True)) / (x.std(axes, keepdim=True, correction=0) + step.eps)
    if isinstance(step, Clip):
        return x.clamp(step.low, step.high)
    assert isinstance(step, ScaleLinear)
    shape = (1, -1, *(1,) * (x.ndim - 2))
    gain, offset = (torch.tensor(values, device=x.device).view(shape) for values in (step.gain, step.offset))
    return x * gain + offset


_TRACED_LENGTHS = {2: 4, 3: 2}


class _Probabilities(nn.Module):
    """Network with probabilities in the place of logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(x)
        return logits.sigmoid()


@torch.no_grad()
def to_torchscript(network: Network, extra_files: Mapping[str, str]) -> bytes:
    """Return a TorchScript file of a network, with texts beside the program.

    A network of ours is traced; its program answers with probabilities and takes any number of images of any
    lengths that are multiples of `spec.total_stride`. A foreign network's program is written again as it is.
    """
    program: torch.nn.Module
    if isinstance(network, ForeignNetwork):
        program = network.program
    else:
        lengths = [stride * _TRACED_LENGTHS[network.spec.ndim] for stride in network.spec.total_stride]
        example = torch.zeros(1, 1, *lengths)
        program = torch.jit.trace(_Probabilities(network.cpu().eval()), example, check_trace=False)
    buffer = io.BytesIO()
    torch.jit.save(program, buffer, _extra_files=dict(extra_files))
    return buffer.getvalue()
