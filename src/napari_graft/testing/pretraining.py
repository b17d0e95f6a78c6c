"""What every objective and every replay of a pretraining keeps."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.objective import Objective, SelfSupervision
from napari_graft.pretraining.replay import Replay, ReplayContext
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.testing.contracts import make_lesson
from napari_graft.training.patches import Augmentation
from napari_graft.training.unlabelled import UnlabelledImages

PATCH = {2: (32, 32), 3: (8, 32, 32)}


def make_unlabelled(ndim: int) -> list[NDArray[np.float32]]:
    """Return two images, or stacks, with structure in them."""
    shape = (72, 80) if ndim == 2 else (12, 40, 40)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    noise = (np.random.default_rng(seed).normal(0, 0.1, shape) for seed in range(2))
    return [(np.sin(x / 3) * np.cos(y / 5) + one).astype(np.float32) for one in noise]


def make_network(ndim: Literal[2, 3]) -> ResidualUNet:
    """Return a small network with random weights."""
    return build_network(ModelSpec(ndim=ndim, widths=(8, 16)), seed=1)


def _taught(network: ResidualUNet) -> set[str]:
    """Return the parts of a network that received gradients, which must be finite."""
    named = {name: one.grad for name, one in network.named_parameters() if one.grad is not None}
    assert all(one.isfinite().all() for one in named.values())
    return {name.split(".")[0] for name, one in named.items() if one.any()}


class ObjectiveContract:
    """Tests of an `Objective`: set `objective`, to a class or by ``staticmethod`` to a function."""

    objective: Objective

    @pytest.mark.parametrize("ndim", [2, 3])
    def test_its_loss_is_finite_and_teaches_the_encoder_alone(self, ndim: Literal[2, 3]) -> None:
        network = make_network(ndim)
        self._loss(self.objective(network), network).backward()

        assert _taught(network) == {"encoder"}

    def test_it_draws_from_the_generator_alone(self) -> None:
        network = make_network(2)
        made = self.objective(network)

        assert float(self._loss(made, network).detach()) == float(self._loss(made, network).detach())

    def test_what_it_keeps_comes_back_from_a_checkpoint(self) -> None:
        network = make_network(2)
        made, other = self.objective(network), self.objective(network)
        self._loss(made, network).backward()
        made.after_step(network)
        other.load_state_dict({name: value.clone() for name, value in made.state_dict().items()})

        first, second = (float(self._loss(one, network).detach()) for one in (made, other))
        assert first == second

    def _loss(self, made: SelfSupervision, network: ResidualUNet) -> torch.Tensor:
        ndim, rng = network.spec.ndim, np.random.default_rng(5)
        images = UnlabelledImages(make_unlabelled(ndim), PATCH[ndim], Augmentation())
        found = made.loss(network, images.draw(2, made.n_views, rng, torch.device("cpu")), rng)
        assert found.shape == ()
        assert found.isfinite()
        return found


class ReplayContract:
    """Tests of a `Replay`: set `replay`, to a class or by ``staticmethod`` to a function."""

    replay: Replay

    def test_its_loss_is_finite_and_teaches_the_whole_network(self) -> None:
        stream, network = self.replay(self._context()), make_network(2)
        with torch.no_grad():
            for one in network.parameters():
                one.add_(0.05)  # what the source already does well teaches nothing
        found = stream.loss(network, 2, np.random.default_rng(0))
        found.backward()

        assert found.isfinite()
        assert _taught(network) == {"encoder", "reducers", "decoder", "head"}

    def test_the_same_generator_gives_the_same_loss_also_of_a_stream_made_anew(self) -> None:
        network = make_network(2)
        stream, again = self.replay(self._context()), self.replay(self._context())
        with torch.no_grad():
            losses = {
                float(one.loss(network, 2, np.random.default_rng(0))) for one in (stream, stream, again)
            }

        assert len(losses) == 1

    def _context(self) -> ReplayContext:
        examples = make_lesson().examples
        return ReplayContext(make_network(2), make_unlabelled(2), PATCH[2], examples=examples)
