from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from looks import draw, make_context, make_pairs

from napari_graft.bridging import learning, suitability
from napari_graft.bridging.learning import Weighing
from napari_graft.bridging.method import BridgeStates
from napari_graft.bridging.methods import student
from napari_graft.bridging.methods.student import NOTHING_STAYS, Student
from napari_graft.bridging.methods.translation import Translation
from napari_graft.bridging.methods.without_learning import BestView, HistogramMatching, matching_curve
from napari_graft.bridging.pairs import shuffle_pairs, split_pairs
from napari_graft.bridging.pseudo_labels import best_overlaps
from napari_graft.bridging.registry import BRIDGE_METHODS
from napari_graft.bridging.suitability import explain, judge_pairs, translated
from napari_graft.bridging.views import GreyView, view_of_pairs, with_translator
from napari_graft.core.errors import InputError
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec, TranslatorSpec
from napari_graft.training.examples import Example


@pytest.fixture(autouse=True)
def _small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PATCH", {2: (32, 32), 3: (4, 32, 32)})
    monkeypatch.setattr(learning, "BATCH", {2: 2, 3: 1})


@pytest.fixture
def source() -> ResidualUNet:
    return build_network(ModelSpec(widths=(8, 16)), seed=1)


def test_a_translator_has_fewer_than_5000_weights_and_more_are_refused() -> None:
    network = build_network(ModelSpec(widths=(8,), translator=TranslatorSpec()))
    assert network.translator is not None
    n = sum(one.numel() for one in network.translator.parameters())

    assert n == TranslatorSpec().n_weights < 5000
    with pytest.raises(ValueError, match="5000 are allowed"):
        TranslatorSpec(kernels=(5, 5, 5), width=32)


def test_a_translator_begins_as_its_view(source: ResidualUNet) -> None:
    image = draw(0)[0]
    network = with_translator(source, GreyView(-2.0, 0.25))

    np.testing.assert_allclose(translated(network, image), -2 * image + 0.25, rtol=1e-5)
    torch.testing.assert_close(
        network(torch.from_numpy(image)[None, None]), source(torch.from_numpy(-2 * image + 0.25)[None, None])
    )


def test_the_translator_learns_and_the_source_stays(source: ResidualUNet) -> None:
    bridged = Translation(Weighing({"reconstruction": 1.0})).bridge(source, make_context(60)).network
    pairs = make_pairs(4)[2:]
    begun = with_translator(source, view_of_pairs(make_pairs(2)))

    def error(network: ResidualUNet) -> float:
        return float(np.mean([np.abs(translated(network, p.target) - p.source).mean() for p in pairs]))

    assert error(bridged) < 0.8 * error(begun)
    for name, value in source.stored_weights().items():
        np.testing.assert_array_equal(bridged.stored_weights()[name], value)


def test_what_is_explained_tells_pairs_from_shuffled_ones(
    source: ResidualUNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suitability, "STEPS", 60)
    monkeypatch.setattr(suitability, "_BATCH", 3)
    pairs = make_pairs(4)
    found = explain(source, split_pairs(pairs), make_context())
    shuffled = explain(source, split_pairs(shuffle_pairs(pairs, np.random.default_rng(0))), make_context())

    assert judge_pairs(found.by_translator, found.by_view)[0]
    helps, words = judge_pairs(shuffled.by_translator, shuffled.by_view)
    assert not helps
    assert "same fields" in words


def test_histogram_matching_is_that_of_scikit_image(source: ResidualUNet) -> None:
    from skimage.exposure import match_histograms

    context = make_context()
    network = HistogramMatching().bridge(source, context).network
    target = context.data.target[0]
    wanted = np.concatenate([pair.source.ravel() for pair in context.data.pairs])
    every = np.concatenate([image.ravel() for image in context.data.target])
    matched = match_histograms(every, wanted)[: target.size].reshape(target.shape)

    assert np.abs(translated(network, target) - matched).mean() < 0.02
    knots, values = matching_curve(context.data.target, context.data.pairs)
    assert (np.diff(knots) > 0).all()
    assert (np.diff(values) >= 0).all()


def test_the_best_view_may_be_the_negative(source: ResidualUNet) -> None:
    context = make_context()
    negative = replace(context, data=replace(context.data, inverted=True))

    assert not BestView().bridge(source, context).network.spec.inverted
    assert BestView().bridge(source, negative).network.spec.inverted


@pytest.mark.parametrize("name", ["tgmb", "socket", "tgmb-tgkt"])
def test_the_same_seed_gives_the_same_network(name: str, source: ResidualUNet) -> None:
    first, again = (BRIDGE_METHODS[name].bridge(source, make_context(4)).network for _ in range(2))
    for key, value in first.stored_weights().items():
        np.testing.assert_array_equal(again.stored_weights()[key], value)


def test_where_nothing_can_be_believed_the_translator_alone_is_used(source: ResidualUNet) -> None:
    bridged = Student().bridge(source, make_context(4))

    assert bridged.note == NOTHING_STAYS


def test_a_student_learns_from_what_can_be_believed_and_goes_on_where_it_was(
    source: ResidualUNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believed(teacher, images, settings, device, cancel):  # type: ignore[no-untyped-def]
        return [Example(one, (one > 0).astype(np.int32) + 1, np.zeros(one.shape, np.int32)) for one in images]

    monkeypatch.setattr(student, "pseudo_examples", believed)
    whole = Student().bridge(source, make_context(10))
    assert whole.training is not None
    assert whole.training.steps == 10
    assert whole.network.spec.translator is not None

    states = BridgeStates(tmp_path / "learning", tmp_path / "learned", tmp_path / "student")
    first = Student().bridge(source, make_context(10, states))
    assert states.learned is not None
    assert states.learned.is_file()
    (tmp_path / "student").unlink()
    again = Student().bridge(source, make_context(10, states))
    for key, value in whole.network.stored_weights().items():
        np.testing.assert_allclose(first.network.stored_weights()[key], value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(again.network.stored_weights()[key], value, rtol=1e-5, atol=1e-6)


def test_a_damaged_state_is_set_aside_and_learning_begins_anew(source: ResidualUNet, tmp_path: Path) -> None:
    states = BridgeStates(tmp_path / "learning.safetensors")
    assert states.learning is not None
    states.learning.write_bytes(b"nothing of ours")
    bridged = BRIDGE_METHODS["tgmb"].bridge(source, make_context(3, states))

    assert bridged.training is not None
    assert bridged.training.steps == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_overlaps_are_those_of_every_pair_of_objects() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 4, (20, 20)).astype(np.uint32) for _ in range(2))
    found = best_overlaps(first, second)

    for one in range(1, 4):
        ratios = [
            ((first == one) & (second == other)).sum() / ((first == one) | (second == other)).sum()
            for other in range(1, 4)
        ]
        assert found[one] == pytest.approx(max(ratios))


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(InputError, match="no bridge method is called 'magic'"):
        BRIDGE_METHODS["magic"]
