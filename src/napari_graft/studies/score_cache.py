"""Cache of what the scorers foretell of a source on a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.inference.features import tile_features
from napari_graft.io.documents import Document
from napari_graft.nets.device import choose_device
from napari_graft.recipes.dataset_split import load_dataset
from napari_graft.recipes.fingerprinting import draw_training_tiles
from napari_graft.recipes.recipe import read_recipe
from napari_graft.scorers.registry import SCORERS, read_all
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.session.models import model_of_source
from napari_graft.session.ranking.evidence import ProjectTarget, project_target
from napari_graft.sources.source import Source
from napari_graft.studies.results import KeptResults
from napari_graft.studies.transfer import TransferBench


class SourceReadings(Document):
    """Readings of the scorers for one source on one target, higher is better.

    Parameters
    ----------
    target, seed, source, weights_sha256, decode, n_tiles, tile
        What was measured, by which it is known again; see `napari_graft.studies.transfer.Transfer`.
    readings
        By the name of the scorer; None where that one could not measure it.
    """

    target: str
    seed: int
    source: str
    weights_sha256: str
    decode: dict[str, float]
    n_tiles: int
    tile: int
    readings: dict[str, float | None]

    @property
    def known(self) -> dict[str, float]:
        """What could be measured."""
        return {name: value for name, value in self.readings.items() if value is not None}


@dataclass(slots=True)
class ScoreCache:
    """Cache of scores of sources on targets; the features of training tiles are computed once.

    Parameters
    ----------
    recipes, data
        Folders with the recipes of the sources, and the one with their images: the energy distance needs
        these.
    kept
        Where what was measured is kept.
    cancel
        The token that stops the work.
    """

    recipes: Sequence[Path]
    data: Path
    kept: KeptResults[SourceReadings]
    cancel: CancelToken
    _features: dict[str, NDArray[np.float32] | None] = field(default_factory=dict)
    _target: ProjectTarget | None = None

    def measure(self, source: Source, bench: TransferBench) -> SourceReadings:
        """Measure a source on the target of a bench, or return what was measured before.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        asked = _asked(source, bench)
        known, missing = self._known(asked)
        if not missing:
            return SourceReadings.model_validate(asked | {"readings": known})
        model = model_of_source(source)
        own, target = self._features_of(source), self._target_of(bench)
        context = ScoringContext(source, model.network, model.decode, target, target.compute, own)
        measured: dict[str, float | None] = dict.fromkeys(missing) | read_all(context, missing)
        found = SourceReadings.model_validate(asked | {"readings": known | measured})
        self.kept.add(found)
        return found

    def has_measured(self, source: Source, bench: TransferBench) -> bool:
        """Say whether `measure` would find everything measured before."""
        return not self._known(_asked(source, bench))[1]

    def _known(self, asked: dict[str, object]) -> tuple[dict[str, float | None], list[str]]:
        """Return what is kept, and which scorers are missing.

        Who looks at the image alone says the same whichever tiles are annotated.
        """
        of_any_seed = self.kept.find({name: value for name, value in asked.items() if name != "seed"})
        of_seed = self.kept.find(asked)
        known: dict[str, float | None] = {}
        if of_any_seed is not None:
            on_image = [name for name in SCORERS if not SCORERS[name].reads_labels]
            known = {name: of_any_seed.readings[name] for name in on_image if name in of_any_seed.readings}
        if of_seed is not None:
            known |= {name: value for name, value in of_seed.readings.items() if name in SCORERS}
        return known, [name for name in SCORERS if name not in known]

    def _target_of(self, bench: TransferBench) -> ProjectTarget:
        """Return the image of a bench; what its sources share is computed once."""
        if self._target is None or self._target.project is not bench.project:
            self._target = project_target(bench.project, ComputeContext(choose_device("auto"), self.cancel))
        return self._target

    def _features_of(self, source: Source) -> NDArray[np.float32] | None:
        """Return the features of the training tiles of a source, None where its recipe is not there.

        They are the same whichever view of an image it is shown.
        """
        weights = source.card.weights_sha256
        if weights not in self._features:
            named = (folder / f"{source.card.training.recipe}.yaml" for folder in self.recipes)
            path = next((path for path in named if path.is_file()), None)
            self._features[weights] = None if path is None else self._compute(source, path)
        return self._features[weights]

    def _compute(self, source: Source, recipe: Path) -> NDArray[np.float32]:
        dataset = load_dataset(read_recipe(recipe), self.data)
        tiles = draw_training_tiles(dataset, np.random.default_rng(0))
        network = model_of_source(source).network
        return tile_features(network, tiles.images, choose_device("auto"), self.cancel)


def _asked(source: Source, bench: TransferBench) -> dict[str, object]:
    return {name: value for name, value in bench.asked(source).items() if name in SourceReadings.model_fields}
