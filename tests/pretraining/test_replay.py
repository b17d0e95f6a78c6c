from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pretraining_material import CPU, SPEC, SPEC_3D, images_of, network_of

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.inference.features import tile_features
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining import generated
from napari_graft.pretraining.distillation import Distillation
from napari_graft.pretraining.generated import Look, as_seen, nearest_looks, random_look, replay_generated
from napari_graft.pretraining.registry import REPLAYS
from napari_graft.pretraining.replay import ReplayContext, ReplayStream
from napari_graft.samples.appearance import Appearance, CellKind
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.examples import Example


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "LARGE", 64)
    monkeypatch.setattr(generated, "SIDE", 64)
    monkeypatch.setattr(generated, "STACK", (8, 48, 48))
    monkeypatch.setattr(generated, "N_LOOKS", 12)
    monkeypatch.setattr(generated, "N_IMAGES", 3)


def context(**fields: object) -> ReplayContext:
    known = {"source": network_of(), "images": images_of(), "patch": (32, 32)}
    return ReplayContext(**(known | fields))  # type: ignore[arg-type]


def picture(look: Look, seed: int) -> NDArray[np.float32]:
    return as_seen(look.generate((64, 64), np.random.default_rng(seed)).image, SPEC)


def loss(stream: ReplayStream, network: ResidualUNet) -> float:
    with torch.no_grad():
        return float(stream.loss(network, 2, np.random.default_rng(0)))


def test_the_source_itself_has_the_least_distillation_loss() -> None:
    stream = Distillation(context())
    source = network_of()
    other = network_of()
    with torch.no_grad():
        next(other.head.parameters()).mul_(3).add_(0.1)

    least = loss(stream, source)
    probability = torch.sigmoid(source(stream._images.draw(2, 1, np.random.default_rng(0), CPU)[0].image))
    entropy = -(probability * probability.log() + (1 - probability) * (1 - probability).log()).mean()
    assert least == pytest.approx(entropy.item(), rel=1e-4)
    assert loss(stream, other) > least


def test_the_frozen_source_does_not_follow_the_network_that_is_trained() -> None:
    network = network_of()
    stream = Distillation(context(source=network))
    before = loss(stream, network)
    with torch.no_grad():
        next(network.head.parameters()).zero_()

    assert loss(stream, network) != pytest.approx(before)


def test_nothing_labelled_is_nothing_to_replay() -> None:
    with pytest.raises(InputError, match="nothing to learn from"):
        REPLAYS["labelled"](context())


def test_what_is_held_out_of_the_labels_changes_no_replay() -> None:
    labels = np.ones((64, 64), np.int32)
    labels[8:24, 8:24] = 2
    train, held_out = labels.copy(), labels.copy()
    train[32:], held_out[:32] = 0, 0
    image = images_of()[0][:64, :64]
    with_it = REPLAYS["labelled"](context(examples=[Example(image, train, held_out)]))
    without = REPLAYS["labelled"](context(examples=[Example(image, train, 0 * held_out)]))

    assert loss(with_it, network_of()) == loss(without, network_of())


@pytest.mark.parametrize(
    ("structure", "is_neuropil"), [("neurites", True), ("axons", True), ("nuclei", False), ("cells", False)]
)
def test_a_generated_image_shows_what_is_segmented(structure: str, is_neuropil: bool) -> None:
    rng = np.random.default_rng(0)
    looks = [random_look(structure, SPEC, rng) for _ in range(8)]
    assert {look.is_neuropil for look in looks} == {is_neuropil}


def test_generated_objects_are_as_wide_as_the_network_wants_them() -> None:
    spec = ModelSpec(widths=(8, 16), object_diameter=30.0)
    looks = [random_look("nuclei", spec, np.random.default_rng(i)) for i in range(20)]
    assert all(10 <= look.appearance.radius <= 17 for look in looks)


def test_the_nearest_looks_are_those_whose_features_are_nearest() -> None:
    encoder = network_of()
    base = [picture(random_look(None, SPEC, np.random.default_rng(i)), i) for i in range(8)]
    ruler = make_fingerprint(tile_features(encoder, base, CPU), None, "x", np.random.default_rng(0))
    like = Look(False, Appearance(cell_kind=CellKind.FLUORESCENCE, noise=0.01, shot_noise=0.01))
    images = [picture(like, i) for i in range(4)]

    def mean_distance(looks: list[Look]) -> float:
        made = [picture(look, 9) for look in looks]
        user = ruler.standardise(tile_features(encoder, images, CPU)).mean(0)
        found = ruler.standardise(tile_features(encoder, made, CPU))
        return float(np.linalg.norm(found - user, axis=1).mean())

    found = nearest_looks(context(images=images, common=(encoder, ruler)), np.random.default_rng(0))
    drawn = np.random.default_rng(0)
    everything = [random_look(None, SPEC, drawn) for _ in range(12)]
    assert len(found) == generated.N_NEAREST
    assert mean_distance(found) < mean_distance(everything)


def test_stacks_of_neuropil_are_generated_and_stacks_of_nuclei_are_not() -> None:
    of_stacks = {"source": network_of(SPEC_3D), "images": images_of(3), "patch": (8, 32, 32)}
    stream = replay_generated(context(structure="neurites", **of_stacks))
    assert np.isfinite(loss(stream, network_of(SPEC_3D)))
    with pytest.raises(InputError, match="no stacks of nuclei"):
        replay_generated(context(structure="nuclei", **of_stacks))


def test_the_search_for_a_look_can_be_stopped() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        replay_generated(context(cancel=cancel))
