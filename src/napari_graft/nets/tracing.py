"""Networks as TorchScript programs, which other programs can run without our code."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from torch import nn

from napari_graft.nets.foreign import ForeignNetwork
from napari_graft.nets.network import Network

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
