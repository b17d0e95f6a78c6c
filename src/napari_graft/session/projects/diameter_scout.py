"""One source that is shown an image at many scales, to see how wide the objects are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io.volume import Volume
from napari_graft.nets.device import choose_device
from napari_graft.scorers.consistency import changes
from napari_graft.scorers.scale import Scout, SegmentPairs
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import model_of_source
from napari_graft.sources.source import Source, id_without_view

_N_TILES, _N_GLANCED = 4, 2
_MOST_DRAWN = 32
"""Tiles of which is seen whether they are empty."""
_EVERY = 4
"""Pixels of a tile that are read to see whether it is empty, along both axes."""
_FEWEST = 2
"""Tiles that are looked at, even where the contrast of one, such as debris, is far above all others."""
_EMPTY = 0.2
"""Share of the highest contrast below which a tile is empty."""
_SIDE = 224
_SMALLEST_SIDE = 32
"""Of a tile in pixels of the source: in less hardly an object is seen whole."""
_SEED = 0


class DiameterScout:
    """Segments an image with a source that knows how wide its own objects are.

    Parameters
    ----------
    source
        The source.
    volume, intensity
        The image and its grey range.
    cancel
        The token that stops the work.
    tell
        Called before each scale.
    """

    def __init__(
        self,
        source: Source,
        volume: Volume,
        intensity: IntensityRange,
        cancel: CancelToken,
        tell: Callable[[], None],
    ) -> None:
        self._model = model_of_source(source)
        self._name = id_without_view(source.card.id)
        self._predictor = Predictor(self._model.network, choose_device("auto"))
        self._volume, self._intensity = volume, intensity
        self._cancel, self._tell = cancel, tell

    def as_scout(self) -> Scout:
        """Return what `find_diameter` asks."""
        assert self._model.spec.object_diameter is not None
        return Scout(self._model.spec.object_diameter, self._glance, self._look, self._name)

    def _glance(self, factor: float) -> SegmentPairs:
        self._tell()
        # Objects that are found anywhere, as noise has them, are told by the first tile: each tile twice
        # would cost a third more.
        rng = np.random.default_rng(_SEED)
        for number, image in enumerate(self._tiles(factor, rng, _N_GLANCED)):
            *_, noisy = changes(image, rng)
            yield self._objects(image), None if number else self._objects(noisy)

    def _look(self, factor: float) -> SegmentPairs:
        self._tell()
        # one generator a scale: the same noise whatever was looked at before
        rng = np.random.default_rng(_SEED)
        for image in self._tiles(factor, rng, _N_TILES):
            *_, noisy = changes(image, rng)
            yield self._objects(image), self._objects(noisy)

    def _objects(self, image: NDArray[np.float32]) -> NDArray[np.uint32]:
        answer = self._predictor.predict_array(image, self._cancel)
        return decode(answer[0], answer[1:], self._model.spec.offsets, self._model.decode)

    def _tiles(self, factor: float, rng: np.random.Generator, n: int) -> Iterator[NDArray[np.float32]]:
        own = self._model.spec.object_diameter
        assert own is not None
        view = ModelView(self._volume, self._intensity, self._model.spec, own / factor)
        shape = view.volume.shape
        sides = [
            min(max(1, side), whole) for side, whole in zip(view.on_image((_SIDE, _SIDE)), shape, strict=True)
        ]
        for tile in self._draw(sides, n, rng):
            if min(view.shape_on_model(tile)) >= _SMALLEST_SIDE:
                yield view.read(tile)

    def _draw(self, sides: list[int], n: int, rng: np.random.Generator) -> list[Tile]:
        """Draw tiles, and leave out those that are empty beside the others: nothing is found there."""
        shape = self._volume.shape
        if sides == list(shape):
            return [Tile((0,) * len(shape), shape)]
        drawn = []
        for _ in range(int(np.clip(2 * np.prod(shape) / np.prod(sides), n, _MOST_DRAWN))):
            start = (int(rng.integers(whole - side + 1)) for side, whole in zip(sides, shape, strict=True))
            drawn.append(Tile(tuple(start), tuple(sides)))
        spread = np.array([np.std(self._volume.read(tile)[..., ::_EVERY, ::_EVERY]) for tile in drawn])
        n_full = int((spread >= _EMPTY * spread.max()).sum())
        by_contrast = np.argsort(-spread, kind="stable")
        return [drawn[number] for number in sorted(by_contrast[: max(n_full, _FEWEST)])][:n]
