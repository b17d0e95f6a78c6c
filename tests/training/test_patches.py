import numpy as np
import pytest
import torch

from napari_graft.core.errors import InputError
from napari_graft.training.examples import Example
from napari_graft.training.losses import make_targets
from napari_graft.training.patches import (
    Augmentation,
    PatchSampler,
    random_transform,
    read_patch,
    sampling_grid,
)

CPU = torch.device("cpu")
NO_CHANGE = Augmentation(scale=0, shear=0, elastic=0, contrast=0, brightness=0, gamma=0, noise=0, blur=0)


def _example(shape: tuple[int, ...], seed: int = 0) -> Example:
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 5, shape).astype(np.int32)
    # The image shows the labels: whatever moves one must move the other.
    return Example((labels / 5).astype(np.float32), labels, np.zeros_like(labels))


@pytest.mark.parametrize("shape", [(20, 31), (6, 20, 31)])
def test_grid_of_the_identity_reads_the_image_itself(shape: tuple[int, ...]) -> None:
    image = torch.rand(shape)
    centre = [(n - 1) / 2 for n in shape]

    grid = sampling_grid(centre, np.eye(len(shape)), shape, None, CPU)

    torch.testing.assert_close(read_patch(image, grid, nearest=False), image, atol=1e-5, rtol=1e-5)
    assert torch.equal(read_patch(image, grid, nearest=True), image)


def test_labels_outside_the_image_are_unlabelled_and_pixels_are_mirrored() -> None:
    image = torch.arange(1.0, 17.0).reshape(4, 4)
    grid = sampling_grid((-1.5, 1.5), np.eye(2), (4, 4), None, CPU)

    assert torch.count_nonzero(read_patch(image, grid, nearest=True)[:3]) == 0
    torch.testing.assert_close(read_patch(image, grid, nearest=False)[2], image[0])


@pytest.mark.parametrize("shape", [(64, 64), (12, 64, 64)])
def test_image_and_labels_of_a_patch_move_together(shape: tuple[int, ...]) -> None:
    blocks = np.kron(
        np.random.default_rng(0).integers(1, 5, tuple(n // 4 for n in shape)), np.ones((4,) * len(shape))
    )
    labels = blocks.astype(np.int32)
    example = Example((labels / 5 - 0.5).astype(np.float32), labels, np.zeros_like(labels))
    patch = (8, 32, 32)[-len(shape) :]
    settings = Augmentation(contrast=0, brightness=0, gamma=0, noise=0, blur=0)
    sampler = PatchSampler([example], patch, 4, CPU, settings)

    batch = sampler.draw(np.random.default_rng(3))

    inside = batch.annotation > 0
    shown = ((batch.image[:, 0] + 0.5) * 5)[inside]
    wrong = (shown - batch.annotation[inside]).abs() > 0.5
    # Between two blocks the linear image and the nearest label may differ, inside a block they may not.
    assert batch.image.shape == (4, 1, *patch)
    assert inside.float().mean() > 0.3
    assert wrong.float().mean() < 0.25


def test_the_same_generator_draws_the_same_batch() -> None:
    sampler = PatchSampler([_example((64, 64)), _example((48, 80), 1)], (32, 32), 3, CPU)

    first, second = (sampler.draw(np.random.default_rng([0, 7])) for _ in range(2))
    other = sampler.draw(np.random.default_rng([0, 8]))

    assert torch.equal(first.image, second.image)
    assert torch.equal(first.annotation, second.annotation)
    assert not torch.equal(first.image, other.image)


def test_patches_are_drawn_where_labels_are() -> None:
    labels = np.zeros((200, 200), np.int32)
    labels[150:190, 150:190] = 1
    example = Example(np.zeros((200, 200), np.float32), labels, np.zeros_like(labels))
    sampler = PatchSampler([example], (32, 32), 8, CPU, NO_CHANGE)

    batch = sampler.draw(np.random.default_rng(0))

    assert (batch.annotation > 0).float().mean() > 0.5


def test_transform_keeps_z_apart_from_the_plane() -> None:
    transform = random_transform(3, Augmentation(), np.random.default_rng(0))

    assert abs(transform[0, 0]) == 1
    assert np.count_nonzero(transform[0, 1:]) == np.count_nonzero(transform[1:, 0]) == 0


def test_examples_without_labels_are_refused_in_words() -> None:
    empty = Example(np.zeros((8, 8), np.float32), np.zeros((8, 8), np.int32), np.zeros((8, 8), np.int32))

    with pytest.raises(InputError, match="nothing to learn from"):
        PatchSampler([empty], (8, 8), 1, CPU)


def test_a_pixel_cannot_be_both_trained_on_and_held_out() -> None:
    both = np.ones((4, 4), np.int32)

    with pytest.raises(InputError, match="held out"):
        Example(np.zeros((4, 4), np.float32), both, both)


@pytest.mark.parametrize("z", [3, 4])
@pytest.mark.parametrize(("n_slices", "depth"), [(9, 8), (9, 7), (5, 16), (1, 8)])
def test_a_painted_slice_of_a_volume_is_one_slice_of_each_patch_and_says_nothing_along_z(
    n_slices: int, depth: int, z: int
) -> None:
    labels = np.zeros((n_slices, 40, 40), np.int32)
    labels[min(z, n_slices - 1)] = np.random.default_rng(0).integers(1, 4, (40, 40))
    example = Example(np.zeros(labels.shape, np.float32), labels, np.zeros_like(labels))
    sampler = PatchSampler([example], (depth, 32, 32), 4, CPU, Augmentation())
    offsets = ((-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, -3, 0))

    for seed in range(8):
        annotation = sampler.draw(np.random.default_rng(seed)).annotation
        labelled = (annotation > 0).any(-1).any(-1)
        known = make_targets(annotation, offsets).mask.sum((0, 2, 3, 4))

        assert labelled.sum(1).tolist() == [1] * 4
        assert known[[1, 4]].tolist() == [0, 0]
        assert known[[0, 2, 3, 5]].min() > 0


def test_copies_of_an_image_share_their_labels_and_are_drawn_alike() -> None:
    plain = _example((64, 64))
    faulty = Example(plain.image - 2, plain.train, plain.validation)
    sampler = PatchSampler([plain, faulty], (16, 16), 1, CPU, NO_CHANGE)

    assert sampler._labels[0] is sampler._labels[1]
    rng = np.random.default_rng(0)
    n_faulty = sum(bool(sampler.draw(rng).image.max() < 0) for _ in range(60))
    assert 15 < n_faulty < 45


def test_an_image_of_thrice_the_weight_is_drawn_thrice_as_often() -> None:
    light = _example((64, 64))
    heavy = Example(light.image - 2, light.train, light.validation, weight=3)
    sampler = PatchSampler([light, heavy], (16, 16), 1, CPU, NO_CHANGE)

    rng = np.random.default_rng(0)
    n_heavy = sum(bool(sampler.draw(rng).image.max() < 0) for _ in range(80))

    assert 48 < n_heavy < 72
