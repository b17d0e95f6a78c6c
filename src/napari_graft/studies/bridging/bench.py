"""One task of the benchmark of bridges: a source, pairs and a target, and what every way makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.bridging.learning import config_for
from napari_graft.bridging.method import BridgeContext, BridgeData, BridgeStates
from napari_graft.bridging.methods.without_learning import in_view
from napari_graft.bridging.pairs import Image, Pair, shuffle_pairs
from napari_graft.bridging.registry import BRIDGE_METHODS
from napari_graft.core.axes import Axes
from napari_graft.core.labels import to_annotation
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.imaging.intensity import estimate_intensity_range
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import Volume
from napari_graft.io.channels import in_stain
from napari_graft.metrics import evaluate
from napari_graft.nets.build import build_network, trainable
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.segmentation.decode import decode
from napari_graft.session.bridging.assess import Assessor, assess_pairs, cut_tiles
from napari_graft.session.bridging.best_view import ViewedSource, best_view
from napari_graft.session.bridging.data import usual_foreground
from napari_graft.session.models import Model
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.studies.bridging.tasks import Pixels, Scene
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example
from napari_graft.training.trainer import Trainer

if TYPE_CHECKING:
    import torch

CEILING, SHUFFLED, PAINTED, BRIDGE = "ceiling", "shuffled", "four-tiles", "tgmb-tgkt"
N_PAINTED = 4
_N_TILES, _SIDE = 12, (256, 256)
_PAINTED_SIDES = (32, 256)


def painted_tiles(truth: NDArray[np.integer], rng: np.random.Generator) -> list[Tile]:
    """Return four tiles, a quarter as long as the image, that hold objects, drawn at random."""
    shortest, longest = _PAINTED_SIDES
    side = min(longest, max(shortest, min(truth.shape) // 4))
    whole = [tile for tile in TileGrid(truth.shape, (side, side)) if tile.shape == (side, side)]
    full = [tile for tile in whole if truth[tile.slices].any()]
    chosen = rng.choice(len(full), min(N_PAINTED, len(full)), replace=False)
    return [full[int(number)] for number in sorted(chosen)]


@dataclass(slots=True)
class BridgingBench:
    """One scene and one source, on which every way is tried.

    Parameters
    ----------
    scene, model
        What is bridged to what.
    steps, seed
        Of each way that learns.
    device, cancel
        Where networks run, and the token that stops the work.
    """

    scene: Scene
    model: Model
    steps: int
    seed: int
    device: torch.device
    cancel: CancelToken
    _viewed: ViewedSource | None = None
    _context: BridgeContext | None = None

    def scores(self, column: str) -> dict[str, float]:
        """Return what the network of a way reaches on the target, by the keys of ``evaluate``."""
        if column == CEILING:
            assert self.scene.own is not None
            return self._score(trainable(self.model.network, self.model.name), self.scene.own)
        if column == PAINTED:
            return self._score_painted()
        context = self.context
        if column == SHUFFLED:
            pairs = shuffle_pairs(context.data.pairs, np.random.default_rng(self.seed))
            context = replace(context, data=replace(context.data, pairs=pairs))
        method = BRIDGE if column == SHUFFLED else column
        network = BRIDGE_METHODS[method].bridge(self.viewed.network, context).network
        return self._score(network, self.scene.target)

    def promise(self) -> dict[str, float]:
        """Return what the pairs promise, and what shuffled ones do."""
        source, assessor = self.viewed.network, self._assessor()
        found = assess_pairs(source, self.context, assessor)
        pairs = shuffle_pairs(self.context.data.pairs, np.random.default_rng(self.seed))
        context = replace(self.context, data=replace(self.context.data, pairs=pairs))
        shuffled = assess_pairs(source, context, assessor)
        named = {
            "explained": found.explained,
            "explained_by_view": found.explained_by_view,
            "z_before": found.z_before,
            "z_after": found.z_after,
            "z_pairs": found.z_pairs,
            "consistency_before": found.consistency_before,
            "consistency_after": found.consistency_after,
            "helps": float(found.helps),
            "shuffled_helps": float(shuffled.helps),
        }
        return {name: value for name, value in named.items() if value is not None}

    @property
    def viewed(self) -> ViewedSource:
        """The source in the view of the target that suits it best."""
        if self._viewed is None:
            source = trainable(self.model.network, self.model.name)
            is_coloured = self.scene.target.ndim > 2
            # Nobody says how wide the objects of a scene are.
            self._viewed = best_view(source, self._assessor(), is_coloured=is_coloured, is_scale_known=False)
        return self._viewed

    @property
    def context(self) -> BridgeContext:
        """What every way learns from."""
        if self._context is None:
            source, before = self.viewed.network, self.viewed.as_it_is
            own = source.spec.model_copy(update={"stain": before.stain})
            pairs = [
                Pair(str(n), self._see(a, source.spec), self._see(b, own))
                for n, (a, b) in enumerate(self.scene.pairs)
            ]
            predictor = Predictor(source, self.device)
            partners = [pair.source for pair in pairs]
            foreground = usual_foreground(self.model.source, predictor, partners, self.cancel)
            target = [self._see(self.scene.target, source.spec)]
            data = BridgeData(pairs, target, self.viewed.inverted, foreground, self.model.decode, before)
            config = TrainConfig(None, self.steps, seed=self.seed)
            self._context = BridgeContext(
                data, config, self.device, BridgeStates(), ignore_progress, self.cancel
            )
        return self._context

    def _assessor(self) -> Assessor:
        assert self.model.source is not None
        fingerprint = self.model.source.load_fingerprint()
        return Assessor(self._tiles, self.model.decode, fingerprint, ComputeContext(self.device, self.cancel))

    def _tiles(self, spec: NetworkSpec) -> list[Image]:
        """Return tiles of the target as a network is shown them."""
        tiles = cut_tiles([self._see(self.scene.target, spec)], _SIDE, np.random.default_rng(self.seed))
        return tiles[:_N_TILES]

    def _score_painted(self) -> dict[str, float]:
        """Return what the source reaches in its best view after training on painted tiles of the target.

        They are cut out of the target, have no part in the scores, and get as many steps as every other way.
        """
        context = self.context
        network = in_view(self.viewed.network, is_inverted=context.data.inverted)
        view = self._view(self.scene.target, network.spec)
        boxes = painted_tiles(self.scene.truth, np.random.default_rng(self.seed))
        labels = [to_annotation(self.scene.truth[box.slices]) for box in boxes]
        painted = [view.labels_to_model(one, box) for one, box in zip(labels, boxes, strict=True)]
        examples = [
            Example(view.read(box), one, np.zeros_like(one)) for box, one in zip(boxes, painted, strict=True)
        ]
        config = config_for(network, context.config, context.config.learning_rate)
        trainer = Trainer(config, self.device)
        result = trainer.fit(network, examples, report=ignore_progress, cancel=self.cancel)
        trained = build_network(network.spec, result.weights)
        return self._score(trained, self.scene.target, without=boxes)

    def _view(self, pixels: Pixels, spec: NetworkSpec) -> ModelView:
        """Return an image as a network is shown it, at its own scale."""
        channel = 2 if pixels.ndim > 2 else None
        volume = in_stain(Volume(pixels, Axes(("y", "x")), channel, "an image of the benchmark"), spec.stain)
        return ModelView(volume, estimate_intensity_range(volume, np.random.default_rng(0)), spec)

    def _see(self, pixels: Pixels, spec: NetworkSpec) -> Image:
        return self._view(pixels, spec).read(Tile((0, 0), pixels.shape[:2]))

    def _score(self, network: ResidualUNet, pixels: Pixels, without: Sequence[Tile] = ()) -> dict[str, float]:
        whole, view = Tile((0, 0), pixels.shape[:2]), self._view(pixels, network.spec)
        answer = Predictor(network, self.device).predict_array(view.read(whole), self.cancel)
        segments = decode(answer[0], answer[1:], network.spec.offsets, self.model.decode)
        found, truth = view.labels_to_image(segments, whole), self.scene.truth
        if without:
            found, truth = found.copy(), truth.copy()
            for box in without:
                found[box.slices] = truth[box.slices] = 0
        return {
            name: float(value)
            for name, value in asdict(evaluate(found, truth)).items()
            if isinstance(value, int | float)
        }
