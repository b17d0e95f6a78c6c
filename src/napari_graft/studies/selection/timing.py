"""How long FreeSel takes to choose tiles, beside an iterative core-set that trains between two choices."""

from __future__ import annotations

import time

import numpy as np

from napari_graft.acquisition.candidates import Candidate
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.inference.features import tile_features
from napari_graft.io.documents import Document
from napari_graft.nets.device import choose_device
from napari_graft.session.annotation import read_tiles
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.suggestion import SuggestOptions, choose_tiles
from napari_graft.session.training.fitting import Budget, make_examples, train_config
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.selection.pool import TilePool
from napari_graft.training.trainer import Trainer

N_ROUNDS = 4


class SelectionTiming(Document):
    """Seconds of two ways to choose as many tiles, painting not counted.

    Parameters
    ----------
    target, source, n_tiles, steps
        What was asked for: tiles in all, and training steps between two choices of the core-set.
    n_candidates
        Tiles that were chosen from.
    freesel, coreset
        Seconds of FreeSel in one pass, and of the iterative core-set in `N_ROUNDS` rounds.
    """

    target: str
    source: str
    n_tiles: int
    steps: int
    n_candidates: int
    freesel: float
    coreset: float


def time_selection(
    pool: TilePool, asked: dict[str, object], report: Report, cancel: CancelToken
) -> SelectionTiming:
    """Choose tiles in both ways, and return how long each took.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    n, steps = int(str(asked["n_tiles"])), int(str(asked["steps"]))
    report(Progress(0, None, "timing FreeSel"))
    began = time.monotonic()
    request = SuggestOptions(
        n,
        pool.chosen.side,
        strategy="freesel",
        source=pool.chosen.source,
        within=pool.split.annotatable,
        device="cpu",
    )
    choose_tiles(pool.project, request, catalogue=Catalogue(), report=ignore_progress, cancel=cancel)
    freesel = time.monotonic() - began
    report(Progress(0, None, "timing the iterative core-set"))
    began = time.monotonic()
    _iterate(pool, n, steps, cancel)
    coreset = time.monotonic() - began
    seconds = {"freesel": round(freesel, 2), "coreset": round(coreset, 2)}
    return SelectionTiming.model_validate(asked | {"n_candidates": len(pool.candidates)} | seconds)


def _iterate(pool: TilePool, n: int, steps: int, cancel: CancelToken) -> list[Tile]:
    """Choose tiles in rounds: look at all with the network, choose by k-centre, train on those chosen."""
    source = pool.model.source
    assert source is not None
    model, rng = model_of_source(source), np.random.default_rng(0)
    chosen: list[Candidate] = []
    for number in range(N_ROUNDS):
        seen = _seen(pool, model, cancel)
        known = [one for one in seen if one.tile in {other.tile for other in chosen}]
        wanted = max(1, round(n * (number + 1) / N_ROUNDS) - len(chosen))
        places = {one.tile: one for one in seen}
        found = STRATEGIES["k-center"].select(seen, wanted, rng, annotated=known)
        chosen += [places[one.tile] for one in found]
        _train(pool, model, [one.tile for one in chosen], steps, cancel)
    return [one.tile for one in chosen]


def _seen(pool: TilePool, model: Model, cancel: CancelToken) -> list[Candidate]:
    view = view_of(pool.project, model.spec)
    images = (view.read(one.tile) for one in pool.candidates)
    features = tile_features(model.network, images, choose_device("cpu"), cancel)
    return [
        Candidate(one.tile, contrast=one.contrast, embedding=row)
        for one, row in zip(pool.candidates, features, strict=True)
    ]


def _train(pool: TilePool, model: Model, tiles: list[Tile], steps: int, cancel: CancelToken) -> None:
    painted = read_tiles(pool.project, pool.labels, tiles)
    examples = make_examples(view_of(pool.project, model.spec), painted)
    config = train_config(model.spec, Budget(None, steps, "cpu"))
    Trainer(config, choose_device("cpu")).fit(model.network, examples, report=ignore_progress, cancel=cancel)
