import numpy as np
import pytest
import torch

from napari_graft.core.errors import InputError
from napari_graft.nets import build_network
from napari_graft.nets.network import pad_to_stride
from napari_graft.nets.residual_unet import depth_to_space, space_to_depth
from napari_graft.sources.network_spec import ModelSpec

SMALL = {2: ModelSpec(widths=(8, 16), ndim=2), 3: ModelSpec(widths=(8, 16), ndim=3)}


def test_space_to_depth_in_2d_equals_pixel_unshuffle() -> None:
    x = torch.randn(2, 3, 8, 12)

    assert torch.equal(space_to_depth(x, (2, 2)), torch.nn.functional.pixel_unshuffle(x, 2))


@pytest.mark.parametrize("factors", [(1, 2, 2), (2, 2, 2), (2, 1, 3)])
def test_depth_to_space_undoes_space_to_depth_in_3d(factors: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, 4, 6, 12)

    assert torch.equal(depth_to_space(space_to_depth(x, factors), factors), x)


@pytest.mark.parametrize("ndim", [2, 3])
def test_output_has_the_shape_of_the_input_and_a_channel_for_each_answer(ndim: int) -> None:
    spec = SMALL[ndim]
    shape = (8, 32, 48)[-ndim:]

    answer = build_network(spec)(torch.zeros(1, 1, *shape))

    assert answer.shape == (1, 1 + len(spec.offsets), *shape)


def test_default_network_has_between_one_and_two_and_a_half_million_parameters() -> None:
    n_parameters = sum(p.numel() for p in build_network(ModelSpec()).parameters())

    assert 1_000_000 <= n_parameters <= 2_500_000


def test_the_same_seed_gives_the_same_network_and_leaves_torchs_own_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, second, other = (build_network(SMALL[2], seed=seed).stored_weights() for seed in (1, 1, 2))

    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_network_answers_alone_as_it_does_in_a_batch() -> None:
    network = build_network(SMALL[2]).eval()
    images = torch.randn(3, 1, 32, 32)

    together, alone = network(images), network(images[1:2])

    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_weights_survive_a_round_trip_in_half_precision_closely() -> None:
    network = build_network(SMALL[2])
    halves = {name: value.astype(np.float16) for name, value in network.stored_weights().items()}
    image = torch.randn(1, 1, 32, 32)

    again = build_network(SMALL[2], halves)

    torch.testing.assert_close(again(image), network(image), rtol=0.05, atol=0.02)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("head.bias"), "missing"),
        (lambda w: w.update(extra=np.zeros(1)), "unknown"),
        (lambda w: w.update({"head.bias": np.zeros(3)}), "shape"),
        (lambda w: w.update({"head.bias": w["head.bias"] * np.nan}), "NaN"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, words: str) -> None:
    weights = build_network(SMALL[2]).stored_weights()
    change(weights)

    with pytest.raises(InputError, match=words):
        build_network(SMALL[2], weights)


def test_padding_reaches_the_next_multiple_and_keeps_the_pixels() -> None:
    image = torch.randn(1, 1, 30, 33)

    padded = pad_to_stride(image, (16, 16))

    assert padded.shape == (1, 1, 32, 48)
    assert torch.equal(padded[..., :30, :33], image)
