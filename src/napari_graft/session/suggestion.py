"""Suggest the tiles that are most worth annotating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_graft.acquisition.candidates import Candidate, PaintingWork, Suggestion
from napari_graft.acquisition.painting_cost import PaintingCost, predicted_work, select_by_cost
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.acquisition.tiles import (
    candidate_tiles,
    edge_attention,
    is_blank,
    semantic_patterns,
    tile_contrast,
)
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import USUAL_SIDE, Tile, fitting_side
from napari_graft.inference.features import encode_tile, pool_activation
from napari_graft.inference.predictor import Prediction, Predictor, uncertainty_map
from napari_graft.inference.view import ModelView
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList
from napari_graft.session.models import SCRATCH, Model, load_model
from napari_graft.session.projects.object_diameter import known_diameter, needs_diameter
from napari_graft.session.projects.project_image import view_of
from napari_graft.sources.catalogue import ANCESTOR, Catalogue

MAX_CANDIDATES = 200
N_PATTERNS, MOST_PATTERNS = 6, 50
_NEEDS_PREDICTION = ("entropy", "median-uncertainty", "uncertainty-diversity")


@dataclass(frozen=True, slots=True)
class SuggestOptions:
    """Request for tiles.

    Parameters
    ----------
    n
        How many.
    tile
        Side in pixels of the image; None for one that suits the objects where their size is known, else 256.
    strategy
        Name in `STRATEGIES`.
    source
        Model to look with; None for the run in use, or before the first run for the general one.
    seed
        Decides what is drawn at random.
    within
        Part of the image to choose from, None for all of it.
    device
        Where the network runs.
    avoid
        Tiles that are not to be suggested, nor any that overlaps one of them; beside those that are
        annotated, or were skipped or marked as a bad image.
    with_uncertainty
        Whether a source says how unsure it is of each tile even where nobody needs that to choose.
    patterns
        Patterns of each tile that FreeSel compares.
    cost
        What painting costs, where that is to decide between tiles that a strategy finds as good; None where
        it is not.
    """

    n: int = 4
    tile: int | None = None
    strategy: str = "auto"
    source: str | None = None
    seed: int = 0
    within: Tile | None = None
    device: str = "auto"
    avoid: tuple[Tile, ...] = ()
    with_uncertainty: bool = False
    patterns: int = N_PATTERNS
    cost: PaintingCost | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError(f"cannot suggest {self.n} tiles: ask for at least 1")
        if self.tile is not None and self.tile < 32:
            raise InputError(f"tiles of {self.tile} pixels are too small to paint on: use at least 32")
        if not 1 <= self.patterns <= MOST_PATTERNS:
            raise InputError(f"cannot make {self.patterns} patterns of a tile: use 1 to {MOST_PATTERNS}")
        if self.seed < 0:
            raise InputError(f"seed {self.seed} is negative: give 0 or more")
        if self.strategy not in STRATEGIES:
            raise InputError(
                f"no strategy is called {self.strategy!r}: choose one of {', '.join(STRATEGIES)}"
            )


@dataclass(frozen=True, slots=True)
class TileSelection:
    """Selection of tiles, with the candidates that they were chosen from.

    Parameters
    ----------
    suggestions
        The most wanted first.
    candidates
        All tiles that could have been suggested, with what the model saw in each.
    strategy, model
        Names of what chose, and of what looked.
    """

    suggestions: tuple[Suggestion, ...]
    candidates: tuple[Candidate, ...]
    strategy: str
    model: str


def suggest_tiles(
    project: Project, request: SuggestOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> list[Suggestion]:
    """Choose tiles, the most wanted first, and store them in the project if it is open for writing.

    Raises
    ------
    InputError
        If the model is unknown or no tile is left to choose.
    """
    selection = choose_tiles(project, request, catalogue=catalogue, report=report, cancel=cancel)
    if project.is_writable:
        _store(project, selection)
    return list(selection.suggestions)


def choose_tiles(
    project: Project, request: SuggestOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> TileSelection:
    """Choose tiles, and store nothing.

    Raises
    ------
    InputError
        If the model is unknown or no tile is left to choose.
    """
    rng = np.random.default_rng(request.seed)
    model = _model_to_look_with(project, request, catalogue)
    view = view_of(project, model.spec, cancel, report)
    bounds = request.within or Tile((0,) * len(project.manifest.shape), project.manifest.shape)
    annotated_tiles = project.annotations.tiles()
    side = request.tile or _proposed_side(project, view, bounds)
    square = (1,) * (bounds.ndim - 2) + (side, side)
    tiles = [tile.shift(bounds.start) for tile in candidate_tiles(bounds.shape, square, rng, MAX_CANDIDATES)]
    taken = (*annotated_tiles, *project.queue().avoided, *_to_avoid(request, bounds))
    free = [tile for tile in tiles if not any(tile.overlaps(other) for other in taken)]
    measurer = _TileMeasurer(model, view, request, rng, annotated_tiles)
    both = measurer.at([*annotated_tiles, *free], report, cancel)
    annotated, seen = both[: len(annotated_tiles)], both[len(annotated_tiles) :]
    blank = is_blank([candidate.contrast for candidate in seen])
    candidates = [candidate for candidate, empty in zip(seen, blank, strict=True) if not empty]
    strategy = STRATEGIES[request.strategy]
    if request.cost is None:
        chosen = strategy.select(candidates, request.n, rng, annotated=annotated)
    else:
        chosen = select_by_cost(strategy, candidates, request.n, rng, annotated=annotated, cost=request.cost)
    if not chosen:
        raise InputError(
            "no tile is left to suggest: the image is annotated, skipped, blank, or smaller than a tile"
        )
    return TileSelection(tuple(chosen), tuple(candidates), request.strategy, model.name)


def _proposed_side(project: Project, view: ModelView, bounds: Tile) -> int:
    """Return the side of tiles that suits the objects as wide as they are known to be, or taken to be."""
    diameter, own = known_diameter(project).pixels, view.spec.object_diameter
    is_to_scale = view.object_diameter is not None or not needs_diameter(project, view.spec)
    if diameter is None and own is not None and is_to_scale:
        diameter = own / view.factors[-1]
    return USUAL_SIDE if diameter is None else fitting_side(bounds.shape, diameter)


def _to_avoid(request: SuggestOptions, bounds: Tile) -> tuple[Tile, ...]:
    for tile in request.avoid:
        if tile.ndim != bounds.ndim:
            raise InputError(
                f"the tile at {tile.start} to avoid has {tile.ndim} axes where the image has {bounds.ndim}: "
                "give one number for each axis of the image"
            )
    return request.avoid


@dataclass(frozen=True, slots=True)
class _TileMeasurer:
    """Measures the features of tiles with one model."""

    model: Model
    view: ModelView
    request: SuggestOptions
    rng: np.random.Generator
    annotated: Sequence[Tile]

    @property
    def _predicts(self) -> bool:
        name = self.request.strategy
        looks_first = name in ("auto", "foreground-random", "foreground-diversity")
        is_asked_for = self.request.with_uncertainty or looks_first or bool(self.annotated)
        return name in _NEEDS_PREDICTION or (self.model.name != ANCESTOR and is_asked_for)

    def at(self, tiles: Sequence[Tile], report: Report, cancel: CancelToken) -> list[Candidate]:
        """Return what the model sees in each tile."""
        device = choose_device(self.request.device)
        predictor = Predictor(self.model.network, device) if self._predicts else None
        candidates = []
        for i, tile in enumerate(tiles):
            cancel.raise_if_cancelled()
            report(Progress(i, len(tiles), "looking at tiles"))
            image = self.view.read(self._with_slices_around(tile))
            uncertainty, foreground, work = None, None, None
            if predictor is None:
                tokens = encode_tile(self.model.network, image, device)
            else:
                probabilities, tokens = predictor.predict_with_features(image)
                uncertainty, foreground, work = self._sum_up(
                    Prediction(tile, probabilities[0], probabilities[1:])
                )
            attention = edge_attention(image, tokens.shape[1:])
            candidates.append(
                Candidate(
                    tile,
                    contrast=tile_contrast(image),
                    uncertainty=uncertainty,
                    embedding=pool_activation(tokens),
                    patterns=semantic_patterns(tokens, attention, self.request.patterns, self.rng),
                    foreground=foreground,
                    work=work,
                )
            )
        report(Progress(len(tiles), len(tiles), "choosing among them"))
        return candidates

    def _with_slices_around(self, tile: Tile) -> Tile:
        """Return what a 3-D model is shown to judge a tile: some slices before and after it as well."""
        if self.view.spec.ndim == 2:
            return tile
        return tile.grow((*self.view.on_image(HALO[3])[:1], 0, 0))

    def _sum_up(self, prediction: Prediction) -> tuple[float, float, PaintingWork]:
        """Return the mean uncertainty, the share of the foreground, and what there is to paint."""
        n_attractive = self.model.spec.n_attractive
        unsure = uncertainty_map(prediction, n_attractive)
        work = predicted_work(prediction.foreground, prediction.affinities[:n_attractive])
        return float(unsure.mean()), float((prediction.foreground > 0.5).mean()), work


def _model_to_look_with(project: Project, request: SuggestOptions, catalogue: Catalogue) -> Model:
    if request.source == SCRATCH:
        raise InputError("'scratch' has learned nothing yet: name a source or a run to look with")
    if request.source is not None:
        return load_model(request.source, project, catalogue)
    if project.latest_run() is not None:
        return load_model("latest", project, catalogue)
    if request.strategy in _NEEDS_PREDICTION:
        raise InputError(
            f"strategy {request.strategy!r} needs a model that predicts: "
            "name one with --source, or train first"
        )
    # Before any label the features of a general model: it has seen many looks and belongs to no structure.
    return load_model(ANCESTOR, project, catalogue)


def _store(project: Project, selection: TileSelection) -> None:
    stored = tuple(
        StoredSuggestion(start=s.tile.start, shape=s.tile.shape, score=float(s.score), reason=s.reason)
        for s in selection.suggestions
    )
    project.store_suggestions(
        SuggestionList(suggestions=stored, strategy=selection.strategy, model=selection.model)
    )
