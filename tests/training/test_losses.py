import numpy as np
import pytest
import torch
from tests.segmentation.affinity_oracle import affinities_from_labels, foreground_from_labels

from napari_graft.sources.network_spec import DEFAULT_OFFSETS
from napari_graft.training.losses import Targets, make_targets, masked_loss

OFFSETS = ((-1, 0), (0, -1), (-3, 0), (0, -3), (2, -2))


def _random_annotation(rng: np.random.Generator, shape: tuple[int, ...]) -> torch.Tensor:
    coarse = rng.integers(0, 5, tuple(-(-n // 4) for n in shape))
    fine = coarse
    for axis in range(len(shape)):
        fine = np.repeat(fine, 4, axis)
    return torch.from_numpy(fine[tuple(map(slice, shape))].astype(np.int32))[None]


@pytest.mark.parametrize("offsets", [OFFSETS, DEFAULT_OFFSETS[2]])
def test_targets_equal_those_made_with_numpy_where_they_are_known(offsets) -> None:
    annotation = _random_annotation(np.random.default_rng(0), (40, 36))

    targets = make_targets(annotation, offsets)

    affinities, known = affinities_from_labels(annotation[0].numpy(), offsets)
    foreground, labelled = foreground_from_labels(annotation[0].numpy())
    np.testing.assert_array_equal(targets.mask[0, 1:].numpy().astype(bool), known)
    np.testing.assert_array_equal(targets.values[0, 1:].numpy() * known, affinities * known)
    np.testing.assert_array_equal(targets.mask[0, 0].numpy().astype(bool), labelled)
    np.testing.assert_array_equal(targets.values[0, 0].numpy() * labelled, foreground * labelled)


def test_targets_in_3d_equal_those_made_with_numpy() -> None:
    annotation = _random_annotation(np.random.default_rng(1), (8, 20, 24))
    offsets = DEFAULT_OFFSETS[3]

    targets = make_targets(annotation, offsets)

    affinities, known = affinities_from_labels(annotation[0].numpy(), offsets)
    np.testing.assert_array_equal(targets.mask[0, 1:].numpy().astype(bool), known)
    np.testing.assert_array_equal(targets.values[0, 1:].numpy() * known, affinities * known)


def test_loss_of_a_partly_labelled_tile_equals_the_loss_of_the_cropped_tile() -> None:
    rng = np.random.default_rng(2)
    annotation = 1 + _random_annotation(rng, (32, 32))
    logits = torch.from_numpy(rng.normal(size=(1, 1 + len(OFFSETS), 32, 32)).astype(np.float32))
    partly = torch.zeros_like(annotation)
    partly[:, 5:23, 7:30] = annotation[:, 5:23, 7:30]

    masked = masked_loss(logits, make_targets(partly, OFFSETS))
    cropped = masked_loss(logits[..., 5:23, 7:30], make_targets(annotation[:, 5:23, 7:30], OFFSETS))

    torch.testing.assert_close(masked, cropped)


def test_unlabelled_pixels_get_no_gradient() -> None:
    annotation = torch.ones(1, 16, 16, dtype=torch.int32)
    annotation[:, 8:] = 0
    logits = torch.randn(1, 1 + len(OFFSETS), 16, 16, requires_grad=True)

    masked_loss(logits, make_targets(annotation, OFFSETS)).backward()

    assert logits.grad is not None
    assert torch.count_nonzero(logits.grad[:, :, 8:]) == 0
    assert torch.count_nonzero(logits.grad[:, 0, :8]) == 8 * 16


def test_loss_is_zero_where_nothing_is_labelled_and_small_where_all_is_right() -> None:
    nothing = make_targets(torch.zeros(1, 8, 8, dtype=torch.int32), OFFSETS)
    right = Targets(torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8))

    assert masked_loss(torch.randn(1, 1 + len(OFFSETS), 8, 8), nothing) == 0
    assert masked_loss(torch.full((1, 2, 8, 8), 20.0), right) < 1e-3
    assert masked_loss(torch.full((1, 2, 8, 8), -20.0), right) > 1
