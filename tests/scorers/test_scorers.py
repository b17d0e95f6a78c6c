"""What every scorer keeps to, and what each of them measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from scipy.stats import wasserstein_distance
from tiny_loop import make_annotated

from exact_mmd import exact_mmd2
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken
from napari_graft.fingerprints.distance import general_mmd2
from napari_graft.fingerprints.fingerprint import common_encoder, general_fingerprint
from napari_graft.inference.features import tile_features
from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.io.weights import save_tensors
from napari_graft.metrics.scores import quality
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.scorers import few_shot as few_shot_module
from napari_graft.scorers import zero_shot as zero_shot_module
from napari_graft.scorers.consistency import (
    LEAST_FILLED,
    agreement,
    changes,
    consistency,
    mean_agreement,
)
from napari_graft.scorers.distances import energy_distance, frechet_to_standard, general_closeness
from napari_graft.scorers.domain_shift import diagnose_domain_shift
from napari_graft.scorers.few_shot import (
    HeadFeatures,
    compute_head_features,
    few_shot,
    fit_head,
    head_batch,
    predict_from_features,
)
from napari_graft.scorers.found_objects import most_contrasted
from napari_graft.scorers.polarity import contrast, difference_around
from napari_graft.scorers.registry import SCORERS
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.scorers.zero_shot import MOST_TILES, examples_to_score, zero_shot
from napari_graft.session.models import model_of_source
from napari_graft.session.ranking.evidence import ProjectTarget
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.examples import Example, Part
from napari_graft.training.losses import HeldOutLoss, make_targets, masked_loss

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Project:
    folder = make_annotated(tmp_path_factory.mktemp("target") / "p.graft", image, labels, structure="nuclei")
    return open_project(folder)


def scoring_context(
    project: Project, name: str = "tiny-nuclei", cancel: CancelToken | None = None
) -> ScoringContext:
    compute = ComputeContext(CPU, cancel or CancelToken())
    found = common_encoder(Catalogue())
    assert found is not None
    model = model_of_source(Catalogue().get(name))
    assert model.source is not None
    target = ProjectTarget(project, compute, found[0])
    own = np.random.default_rng(0).normal(size=(16, 2 * model.spec.widths[-1])).astype(np.float32)
    return ScoringContext(model.source, model.network, model.decode, target, compute, own)


@pytest.fixture(scope="module")
def with_general(sources: Path) -> Path:
    """Give the tiny sources what they remember as the common ancestor sees it, and return their folder."""
    for seed, name in enumerate(("tiny-nuclei", "tiny-neurites")):
        rng = np.random.default_rng(seed)
        tiles = [rng.normal(seed, 1, (64, 64)).astype(np.float32) for _ in range(16)]
        found = general_fingerprint(tiles, None, Catalogue(), CPU)
        assert found is not None
        save_tensors(sources / name / "general.safetensors", found.to_tensors(), {})
    return sources


@pytest.mark.usefixtures("with_general")
@pytest.mark.parametrize("name", SCORERS)
def test_a_scorer_gives_the_same_finite_number_each_time(name: str, project: Project) -> None:
    first, second = (SCORERS[name].measure(scoring_context(project)) for _ in range(2))
    assert first is not None
    assert np.isfinite(first)
    assert first == second


@pytest.mark.parametrize("name", SCORERS)
def test_a_scorer_says_none_where_the_source_has_not_what_it_needs(
    name: str, project: Project, tmp_path: Path
) -> None:
    context = scoring_context(project)
    (tmp_path / "bare").mkdir()
    for file in ("card.json", "weights.safetensors"):
        (tmp_path / "bare" / file).write_bytes((context.source.path / file).read_bytes())
    bare = ScoringContext(
        replace(context.source, path=tmp_path / "bare"),
        context.network,
        context.decode,
        context.target,
        context.compute,
    )
    assert (SCORERS[name].measure(bare) is None) == (name not in ("consistency", "few-shot", "zero-shot"))


@pytest.mark.parametrize("name", [name for name in SCORERS if name not in ("energy", "mmd-general")])
def test_a_scorer_stops_when_asked_to(name: str, project: Project) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        SCORERS[name].measure(scoring_context(project, cancel=cancel))


def test_a_trained_source_is_more_consistent_than_the_same_network_with_noise_in_its_weights(
    project: Project,
) -> None:
    trained, broken = scoring_context(project), scoring_context(project)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in broken.network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    assert consistency(trained) > 0.2 + consistency(broken)


def test_a_source_that_finds_nothing_is_not_consistent(project: Project) -> None:
    silent = scoring_context(project)
    with torch.no_grad():
        silent.network.head.bias.fill_(-20)
    assert consistency(silent) == 0
    assert contrast(silent) is None


def test_what_is_found_is_brighter_or_darker_than_its_surroundings_as_the_objects_are(
    project: Project, image: Path, labels: Path
) -> None:
    true = difference_around(tifffile.imread(image).astype(np.float32), tifffile.imread(labels) > 0)
    found = contrast(scoring_context(project))
    assert true is not None
    assert found is not None
    assert found * true > 0


def test_a_source_that_finds_a_few_specks_is_less_consistent_than_they_are(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(value: np.ndarray, *_: object) -> np.ndarray:
        specks = np.zeros(value.shape[-2:], np.uint32)
        specks[:3, :12], specks[-3:, :12] = 1, 2
        return specks

    monkeypatch.setattr("napari_graft.scorers.found_objects.decode", found)
    context = scoring_context(project)
    share = 72 / context.tiles[0].size

    assert share < LEAST_FILLED
    assert consistency(context) == pytest.approx(share / LEAST_FILLED, rel=0.01)


def test_agreement_is_that_of_partitions_and_needs_objects() -> None:
    halves = np.ones((8, 8), np.uint32)
    halves[:, 4:] = 2
    renamed = np.where(halves == 1, 7, 3).astype(np.uint32)
    quarters = halves.copy()
    quarters[4:] += 2
    assert agreement(halves, renamed) == 1
    assert 0 < agreement(halves, quarters) < 1
    assert agreement(halves, np.ones_like(halves)) == 0
    assert agreement(np.zeros_like(halves), np.zeros_like(halves)) == 0


def test_tiles_weigh_by_their_objects_and_one_that_shows_none_has_no_say() -> None:
    three = np.zeros((8, 8), np.uint32)
    three[:2], three[3:5], three[6:] = 1, 2, 3
    split = three.copy()
    split[:, 4:] += 3
    one = np.zeros((8, 8), np.uint32)
    one[2:5, 2:5] = 1
    empty, filled = np.zeros((8, 8), np.uint32), np.ones((8, 8), np.uint32)

    assert mean_agreement([(one, one), (empty, empty), (filled, filled)]) == 1
    assert mean_agreement([(empty, one), (filled, filled)]) == 0
    assert mean_agreement([(one, empty), (three, three)]) == pytest.approx(3 / 4)
    assert mean_agreement([(three, split)]) == agreement(three, split)


def test_changed_copies_keep_the_range_or_lose_contrast() -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (64, 64)).astype(np.float32)
    darker, brighter, noisy = changes(image, np.random.default_rng(1))
    assert darker.mean() < image.mean() < brighter.mean()
    for one in (darker, brighter):
        assert (one.min(), one.max()) == pytest.approx((image.min(), image.max()), abs=1e-5)
    assert 0.7 < np.cov(noisy.ravel(), image.ravel())[0, 1] / image.var() < 0.9


def test_training_the_head_lowers_the_held_out_loss_and_changes_nothing_else(project: Project) -> None:
    context = scoring_context(project, "tiny-neurites")
    examples = context.target.examples(context.network.spec)
    held_out = HeldOutLoss(examples, CPU)
    before = held_out(context.network, CancelToken())
    kept = {k: v.clone() for k, v in context.network.state_dict().items()}
    assert few_shot(context) is not None
    assert all(torch.equal(v, kept[k]) for k, v in context.network.state_dict().items())
    tiles = [compute_head_features(context.network, one, context.compute) for one in examples]
    fit_head(context.network, tiles, "train", CancelToken())
    assert held_out(context.network, CancelToken()) < before
    changed = {k for k, v in context.network.state_dict().items() if not torch.equal(v, kept[k])}
    assert changed == {"head.weight", "head.bias"}


@pytest.mark.parametrize("shape", [(48, 40), (12, 32, 40)])
def test_the_head_learns_where_something_is_labelled_as_from_the_whole_image(shape: tuple[int, ...]) -> None:
    ndim, rng = len(shape), np.random.default_rng(0)
    spec = ModelSpec(
        ndim=ndim,
        widths=(8, 8),
        strides=((2,) * ndim,) * 2,
        offsets=tuple(tuple(-1 if i == axis else 0 for i in range(ndim)) for axis in range(ndim))
        + tuple(tuple(-3 if i == axis else 0 for i in range(ndim)) for axis in range(ndim)),
    )
    image = rng.normal(size=shape).astype(np.float32)
    labels = np.zeros(shape, np.int32)
    painted = (*(slice(5, 6),) * (ndim - 2), slice(10, 29), slice(7, 24))  # no multiple of the fold
    labels[painted] = rng.integers(1, 4, labels[painted].shape)
    network = build_network(spec).eval()
    with torch.no_grad():
        below = network.decode(network.encode(torch.from_numpy(image)[None, None]))
        whole = network.apply_head(below)
        example = Example(image, labels, np.zeros_like(labels))
        activation, targets = head_batch(network, HeadFeatures(below, example), "train")
        near = network.apply_head(activation)
    assert activation.shape[2:] == (*(1,) * (ndim - 2), 10, 9)
    expected = masked_loss(whole, make_targets(torch.from_numpy(labels)[None], spec.offsets))
    assert float(masked_loss(near, targets)) == pytest.approx(float(expected), rel=1e-5)


def test_few_shot_is_not_known_before_a_tile_is_annotated(
    tmp_path: Path, image: Path, project: Project
) -> None:
    from napari_graft.session.projects.creation import ImageOptions, make_project

    with make_project(tmp_path / "bare.graft", ImageOptions(str(image))) as bare:
        assert few_shot(scoring_context(bare)) is None
        assert zero_shot(scoring_context(bare)) is None
    assert few_shot(scoring_context(project)) is not None


def test_on_the_tiles_a_source_that_was_taught_the_structure_beats_one_that_was_not(project: Project) -> None:
    taught, other = (few_shot(scoring_context(project, name)) for name in ("tiny-nuclei", "tiny-neurites"))
    assert taught is not None
    assert other is not None
    assert 0 < taught <= 1
    assert taught > other


def test_score_on_the_tiles_does_not_hang_on_the_threshold_that_a_source_came_with(project: Project) -> None:
    context, blind = scoring_context(project), scoring_context(project)
    blind.decode = replace(blind.decode, foreground_threshold=0.999)
    for score in (few_shot, zero_shot):
        assert score(blind) == pytest.approx(score(context), abs=0.1)


@pytest.mark.parametrize("n_tiles", [0, 1, MOST_TILES[2], MOST_TILES[2] + 1, 3 * MOST_TILES[2]])
def test_of_many_tiles_some_from_the_first_to_the_last_are_scored(
    project: Project, monkeypatch: pytest.MonkeyPatch, n_tiles: int
) -> None:
    examples = list(range(n_tiles))
    monkeypatch.setattr(ProjectTarget, "examples", lambda target, spec: examples)
    found = list(examples_to_score(scoring_context(project)))

    assert len(set(found)) == len(found) == min(n_tiles, MOST_TILES[2])
    assert found == sorted(found)
    assert found[:1] + found[-1:] == examples[:1] + examples[-1:]


@pytest.mark.parametrize("score", [few_shot, zero_shot])
def test_a_score_looks_at_no_more_tiles_than_that(
    project: Project, monkeypatch: pytest.MonkeyPatch, score: Callable[[ScoringContext], float | None]
) -> None:
    context = scoring_context(project)
    (example, *_) = context.target.examples(context.network.spec)
    scored: list[object] = []
    monkeypatch.setattr(ProjectTarget, "examples", lambda target, spec: [example] * 5)
    monkeypatch.setitem(MOST_TILES, 2, 2)
    for module in (few_shot_module, zero_shot_module):
        monkeypatch.setattr(module, "best_score", lambda _, found, labels: scored.extend(found))
    score(context)

    assert len(scored) == 2


@pytest.mark.parametrize("n_tiles", [1, 2])
def test_each_pixel_is_scored_by_a_head_that_has_not_seen_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, n_tiles: int
) -> None:
    context = scoring_context(project)
    examples = context.target.examples(context.network.spec)[:n_tiles]
    monkeypatch.setattr(ProjectTarget, "examples", lambda target, spec: examples)
    learned: list[list[tuple[np.ndarray, np.ndarray]]] = []
    images: list[np.ndarray] = []
    scored: list[np.ndarray] = []

    def note_training(network: object, tiles: list[HeadFeatures], part: Part, _: object) -> None:
        learned.append([(one.example.image, one.example.labels(part)) for one in tiles])

    def note_prediction(network: ResidualUNet, one: HeadFeatures) -> Prediction:
        images.append(one.example.image)
        return predict_from_features(network, one)

    monkeypatch.setattr(few_shot_module, "fit_head", note_training)
    monkeypatch.setattr(few_shot_module, "predict_from_features", note_prediction)
    monkeypatch.setattr(few_shot_module, "best_score", lambda _, found, labels: scored.extend(labels))
    few_shot(context)

    assert len(learned) == len(images) == len(scored) == 2
    for half, image, labels in zip(learned, images, scored, strict=True):
        assert all(np.any(taught) for _, taught in half)
        same = [taught for seen, taught in half if np.array_equal(seen, image)]
        assert not any(np.any((taught > 0) & (labels > 0)) for taught in same)
    painted = sum(int((one.labels("both") > 0).sum()) for one in examples)
    assert sum(int((one > 0).sum()) for one in scored) == painted


@pytest.mark.parametrize("shape", [(70, 52), (9, 40, 38)])
@pytest.mark.usefixtures("single_precision")
def test_what_is_seen_once_is_answered_as_by_the_whole_network(shape: tuple[int, ...]) -> None:
    ndim, rng = len(shape), np.random.default_rng(0)
    steps = tuple(tuple(-1 if i == axis else 0 for i in range(ndim)) for axis in range(ndim))
    network = build_network(ModelSpec(ndim=ndim, widths=(8, 8), strides=((2,) * ndim,) * 2, offsets=steps))
    labels = np.ones(shape, np.int32)
    example = Example(rng.normal(size=shape).astype(np.float32), labels, np.zeros_like(labels))
    compute = ComputeContext(CPU, CancelToken())
    found = predict_from_features(network.eval(), compute_head_features(network, example, compute))
    expected = Predictor(network, CPU).predict_image(example.image)
    np.testing.assert_allclose(found.foreground, expected.foreground, atol=1e-5)
    np.testing.assert_allclose(found.affinities, expected.affinities, atol=1e-5)
    compute.cancel.cancel()
    with pytest.raises(Cancelled):
        compute_head_features(network, example, compute)


def test_a_finished_network_of_others_is_scored_untrained(project: Project) -> None:
    context = scoring_context(project)
    assert few_shot(context) != zero_shot(context)

    class Theirs(torch.nn.Module):
        spec = context.network.spec
        inside = context.network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inside(x)

    context.network = Theirs().eval()  # type: ignore[assignment]  # no ResidualUNet
    assert few_shot(context) == pytest.approx(zero_shot(scoring_context(project)))


def test_quality_is_that_of_the_lowest_vi_of_what_fills_the_image_and_of_the_highest_ap_of_all_else() -> None:
    def best(structure: str | None) -> float:
        return max(quality(structure, vi=vi, ap=ap) for vi, ap in ((0.7, 0.6), (0.4, 0.1)))

    assert best("neurites") == -0.4
    assert best("axons") == best(None) == 0.6


def test_tiles_without_an_object_say_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    context = scoring_context(project)
    background = [
        Example(one.image, np.minimum(one.train, 1), np.minimum(one.validation, 1))
        for one in context.target.examples(context.network.spec)
    ]
    monkeypatch.setattr(ProjectTarget, "examples", lambda target, spec: background)
    assert few_shot(context) is None
    assert zero_shot(context) is None


def test_the_frechet_distance_is_that_of_gaussians() -> None:
    rng = np.random.default_rng(0)
    assert frechet_to_standard(rng.normal(size=(100_000, 3))) == pytest.approx(0, abs=1e-3)
    shifted = rng.normal([1, 0, 0], [1, 3, 1], size=(100_000, 3))
    # In one dimension it is the squared Wasserstein distance, which scipy has to the first power only.
    assert frechet_to_standard(shifted) == pytest.approx(1 + 4, rel=0.02)
    one = np.full((10, 1), 2.0)
    assert frechet_to_standard(one) == pytest.approx(wasserstein_distance([2.0], [0.0]) ** 2 + 1)


def test_the_energy_distance_is_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(1, 1, size=(5, 3))

    def mean(first: np.ndarray, second: np.ndarray, *, is_same: bool) -> float:
        pairs = [
            np.linalg.norm(a - b)
            for i, a in enumerate(first)
            for j, b in enumerate(second)
            if not (is_same and i == j)
        ]
        return float(np.mean(pairs))

    expected = 2 * mean(x, y, is_same=False) - mean(x, x, is_same=True) - mean(y, y, is_same=True)
    assert energy_distance(x, y) == pytest.approx(expected)


def test_in_the_common_encoder_the_source_with_the_likest_images_is_closest(
    project: Project, with_general: Path
) -> None:
    found = common_encoder(Catalogue())
    assert found is not None
    near = scoring_context(project)
    tiles = near.tiles
    fingerprint = general_fingerprint([*tiles, *tiles], None, Catalogue(), CPU)
    assert fingerprint is not None
    save_tensors(with_general / "tiny-nuclei" / "general.safetensors", fingerprint.to_tensors(), {})
    assert general_closeness(near) > general_closeness(scoring_context(project, "tiny-neurites"))  # type: ignore[operator]  # both are known


def test_two_sources_are_as_far_apart_as_their_tiles_in_the_common_encoder() -> None:
    rng = np.random.default_rng(0)
    sets = [[rng.normal(s, 1 + s, (64, 64)).astype(np.float32) for _ in range(40)] for s in (0.0, 0.4)]
    found = common_encoder(Catalogue())
    assert found is not None
    encoder, ruler = found
    first, second = (general_fingerprint(tiles, None, Catalogue(), CPU) for tiles in sets)
    assert first is not None
    assert second is not None
    x, y = ((tile_features(encoder, tiles, CPU) - ruler.location) / ruler.scale for tiles in sets)
    assert general_mmd2(first, second) == pytest.approx(exact_mmd2(x, y, ruler.bandwidth), rel=0.05, abs=0.01)
    with pytest.raises(InputError, match="different encoders"):
        general_mmd2(first, replace(second, encoder="0" * 64))


def test_the_negative_of_an_image_is_as_near_to_the_inverted_view_as_the_image_to_the_source(
    tmp_path: Path, image: Path
) -> None:
    from napari_graft.session.projects.creation import ImageOptions, make_project

    with make_project(tmp_path / "i.graft", ImageOptions(str(image), is_inverted=True)) as inverted:
        found = scoring_context(inverted, "tiny-nuclei@inverted").distance
    with make_project(tmp_path / "n.graft", ImageOptions(str(image))) as normal:
        wanted = scoring_context(normal).distance
        assert diagnose_domain_shift(scoring_context(normal)) is None
    assert found is not None
    assert wanted is not None
    assert found.z == pytest.approx(wanted.z, rel=1e-4, abs=1e-3)


def test_consistency_looks_where_there_is_something_to_find(project: Project) -> None:
    context = scoring_context(project)
    full = list(context.tiles)
    empty = [np.full_like(tile, tile.min()) for tile in full]
    context.tiles = [*empty, *empty, *full, *empty]  # type: ignore[misc] # what is kept of a cached property

    assert consistency(context) == pytest.approx(consistency(scoring_context(project)))


def test_the_most_contrasted_are_taken_in_their_order() -> None:
    images = [spread * np.array([[-1.0, 1.0]], np.float32) for spread in (0, 3, 1, 2)]
    assert [float(one.max()) for one in most_contrasted(images, 2)] == [3, 2]
    assert len(most_contrasted(images, 9)) == 4
    assert most_contrasted([], 2) == []
