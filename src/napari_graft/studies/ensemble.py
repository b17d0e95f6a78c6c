"""Several networks asked at once: what a merged network has to measure up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.nets.network import Network

if TYPE_CHECKING:
    import torch


def make_ensemble(members: Sequence[Network]) -> Network:
    """Return a network that answers with the mean of the members' probabilities, on the grid of the first."""
    import torch

    class Ensemble(Network):
        def __init__(self) -> None:
            super().__init__()
            self.spec = members[0].spec
            self.members = torch.nn.ModuleList(members)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answers = torch.stack([torch.sigmoid(one(x)) for one in self.members])
            return torch.logit(answers.mean(0), eps=1e-6)

        def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
            return members[0].encode(x)

        def stored_weights(self) -> dict[str, NDArray[Any]]:
            return {k: np.asarray(v.detach().cpu()) for k, v in self.state_dict().items()}

    return Ensemble()
