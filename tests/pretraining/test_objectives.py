"""What each objective computes, against a formula written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pretraining_material import CPU, SPEC, images_of, network_of

from napari_graft.nets.build import build_network
from napari_graft.pretraining.dense import NEAR, DensePixels
from napari_graft.pretraining.dense import TEMPERATURE as DENSE_TEMPERATURE
from napari_graft.pretraining.masked import BLOCK, MaskedReconstruction
from napari_graft.pretraining.moco import MOMENTUM, QUEUE, TEMPERATURE, MomentumContrast
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.patches import Augmentation
from napari_graft.training.unlabelled import PatchView, UnlabelledImages

STILL = Augmentation(scale=0, shear=0, elastic=0, contrast=0, brightness=0, gamma=0, noise=0)


def views(n_views: int, batch_size: int = 2, patch: tuple[int, ...] = (32, 32)) -> list[PatchView]:
    images = UnlabelledImages(images_of(len(patch)), patch, STILL)
    return images.draw(batch_size, n_views, np.random.default_rng(0), CPU)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_patch_is_what_lies_at_its_positions() -> None:
    image = np.arange(72 * 80).reshape(72, 80).astype(np.float32)
    (view,) = UnlabelledImages([image / np.float32(6000)], (16, 16), STILL).draw(1, 1, rng(), CPU)
    inside = ((view.position > 0) & (view.position < torch.tensor([71, 79]))).all(-1)
    there = (view.position[..., 0] * 80 + view.position[..., 1]) / 6000
    # A quarter of the patches is blurred, which leaves a ramp a ramp but for its ends.
    difference = (view.image[:, 0] - there)[:, 4:-4, 4:-4][inside[:, 4:-4, 4:-4]]
    assert difference.abs().max() < 0.02


def test_half_of_the_blocks_is_hidden_and_whole_blocks_are() -> None:
    objective = MaskedReconstruction(network_of())
    hidden = objective._hide(torch.zeros(3, 1, 64, 64), rng()).numpy()
    blocks = hidden.reshape(3, 4, BLOCK[2][0], 4, BLOCK[2][1])
    share = blocks.mean((2, 4))
    assert set(np.unique(share)) == {0.0, 1.0}
    np.testing.assert_array_equal(share.mean((1, 2)), 0.5)


def test_the_masked_loss_is_the_mean_error_on_what_is_hidden_in_units_of_its_block() -> None:
    network = network_of()
    objective = MaskedReconstruction(network)
    (view,) = views(1)
    with torch.no_grad():
        loss = float(objective.loss(network, [view], rng()))
        hidden = objective._hide(view.image, rng())
        shown = objective._decode(network.encode(torch.where(hidden, 0.0, view.image))).numpy()
    errors = []
    for patch, mask, found in zip(view.image.numpy()[:, 0], hidden.numpy()[:, 0], shown[:, 0], strict=True):
        for y in range(0, 32, 16):
            for x in range(0, 32, 16):
                box = (slice(y, y + 16), slice(x, x + 16))
                if mask[box].all():
                    wanted = (patch[box] - patch[box].mean()) / patch[box].std()
                    errors += [np.abs(found[box] - wanted)]
    assert loss == pytest.approx(np.mean(errors), rel=1e-4)


def test_what_is_hidden_is_not_seen() -> None:
    network = network_of()
    objective = MaskedReconstruction(network)
    (view,) = views(1)
    hidden = objective._hide(view.image, rng())
    other = PatchView(torch.where(hidden, 5.0, view.image), view.position)
    seen: list[torch.Tensor] = []
    network.encoder[0].register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    for one in (view, other):
        objective.loss(network, [one], rng())
    torch.testing.assert_close(seen[0], seen[1])


def test_the_moco_loss_is_the_cross_entropy_against_the_queue() -> None:
    network = network_of()
    objective = MomentumContrast(network)
    pair = views(2)
    with torch.no_grad():
        loss = float(objective.loss(network, pair, rng()))
        pooled = [network.encode(view.image)[-1].flatten(2).mean(2) for view in pair]
        vectors = [objective.head(one).numpy() for one in pooled]
    query, key = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in vectors)
    positive = np.exp((query * key).sum(1) / TEMPERATURE)
    negative = np.exp(query @ objective.queue.numpy().T / TEMPERATURE).sum(1)
    assert loss == pytest.approx(-np.log(positive / (positive + negative)).mean(), rel=1e-4)


def test_the_keys_of_a_step_take_the_place_of_the_oldest_and_the_key_encoder_follows() -> None:
    network = network_of()
    objective = MomentumContrast(network)
    objective.next_key.fill_(QUEUE - 1)
    before = objective.queue.clone()
    objective.loss(network, views(2), rng())
    started = [one.clone() for one in objective.key_network.encoder.parameters()]
    with torch.no_grad():
        for one in network.encoder.parameters():
            one.add_(1)
    objective.after_step(network)

    changed = (objective.queue != before).any(1).nonzero()[:, 0].tolist()
    assert changed == [0, QUEUE - 1]
    assert int(objective.next_key) == 1
    for old, new in zip(started, objective.key_network.encoder.parameters(), strict=True):
        torch.testing.assert_close(new, old + (1 - MOMENTUM), rtol=0, atol=1e-5)


def test_the_dense_loss_is_that_of_the_formula_over_the_cells_that_both_views_see() -> None:
    network = build_network(ModelSpec(widths=(8, 16)), seed=2)
    objective = DensePixels(network)
    pair = views(2, batch_size=1)
    with torch.no_grad():
        loss = float(objective.loss(network, pair, rng()))
        vectors = [objective.head(network.encode(view.image)[-1])[0].flatten(1).numpy().T for view in pair]
    cell = SPEC.total_stride[0]
    one, other = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in vectors)
    centres = [
        view.position[0].numpy().reshape(32 // cell, cell, 32 // cell, cell, 2).mean((1, 3)).reshape(-1, 2)
        for view in pair
    ]
    apart = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    same = apart < NEAR * cell * np.sqrt(2)
    weight = np.exp(one @ other.T / DENSE_TEMPERATURE)
    terms = [-np.log(weight[i][same[i]].sum() / weight[i].sum()) for i in np.flatnonzero(same.any(1))]
    assert terms
    assert loss == pytest.approx(np.mean(terms), rel=1e-3)


def test_views_that_see_nothing_in_common_teach_nothing() -> None:
    network = network_of()
    one, other = views(2)
    far = PatchView(other.image, other.position + 1000)
    assert float(DensePixels(network).loss(network, [one, far], rng()).detach()) == 0.0
