"""Prepare a source on images without labels: the project's own, and others like it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.fingerprints.fingerprint import common_encoder
from napari_graft.inference.view import ModelView
from napari_graft.io import Volume
from napari_graft.io.channels import in_stain
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import trainable
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.config import PATCH, PretrainConfig, PretrainResult
from napari_graft.pretraining.pretrainer import Pretrainer, PretrainingData
from napari_graft.pretraining.record import (
    DEFAULT_OBJECTIVE,
    DEFAULT_REPLAY,
    PretrainingRecord,
)
from napari_graft.pretraining.registry import OBJECTIVES, REPLAYS
from napari_graft.pretraining.replay import ReplayContext
from napari_graft.project.project import Project
from napari_graft.project.reports import PretrainReport
from napari_graft.project.run import Run
from napari_graft.session.models import SCRATCH, Model, find_run, load_model
from napari_graft.session.projects.creation import find_series
from napari_graft.session.projects.project_image import measure_intensity, random_tiles, view_of
from napari_graft.session.sources import first_sources
from napari_graft.session.training.fitting import Budget, make_examples
from napari_graft.session.training.train import ProjectTask
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.training.config import BATCH
from napari_graft.training.examples import Example

if TYPE_CHECKING:
    pass


N_PLACES = {2: 64, 3: 12}
"""Places of the images that are read: few enough to lie in memory, more than some minutes get through."""
PLACE = {2: (256, 256), 3: (24, 128, 128)}
"""Shape of a place on the model's grid."""
LABELLED = "labelled"
_CANNOT_PREPARE = "fresh weights have no head that could be kept in step: name a source or a run to prepare"


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """Request for a pretraining.

    Parameters
    ----------
    objective
        Name in `OBJECTIVES`.
    replay
        Names in `REPLAYS`; they take turns.
    images
        Further images, by paths or patterns such as ``more/*.tif``.
    """

    objective: str = DEFAULT_OBJECTIVE
    replay: tuple[str, ...] = DEFAULT_REPLAY
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        OBJECTIVES[self.objective]  # refuses a name that it does not know
        for name in self.replay:
            REPLAYS[name]
        if not self.replay or len(set(self.replay)) < len(self.replay):
            raise InputError(f"replay {', '.join(self.replay) or 'of nothing'}: name each stream once")


@dataclass(frozen=True, slots=True)
class PretrainTask(ProjectTask):
    """Pretraining in a project. See `ProjectTask`; a request to stop keeps the best weights so far."""

    def run(self, source: str, options: PretrainOptions, budget: Budget) -> PretrainReport:
        """Prepare a source within a budget, or go on with the same that was cut off.

        The prepared source is a run that trainings can start from; it takes nobody's place.

        Parameters
        ----------
        source
            As for `load_model`, but not fresh weights.
        options
            How, and on which images beside the project's.
        budget
            Time or steps.

        Raises
        ------
        InputError
            If the source is unknown or finished, an image cannot be used, or there is nothing to replay.
        """
        if source == SCRATCH:
            raise InputError(_CANNOT_PREPARE)
        reference = self.proper_name(source)
        start = load_model(reference, self.project, self.catalogue)
        network = trainable(start.network, start.name)
        views = self._views(network.spec, options)
        examples = self._examples(network.spec, options)
        record = self._record(reference, options, len(examples))
        unfinished = self._unfinished(reference, record, budget)
        places = read_places(views, budget.seed, self.cancel)
        context = ReplayContext(
            network,
            places,
            patch_of(network.spec),
            self.project.manifest.structure,
            examples,
            common_encoder(self.catalogue),
            budget.seed,
            self.report,
            self.cancel,
        )
        streams = [REPLAYS[name](context) for name in options.replay]
        data = PretrainingData(places, OBJECTIVES[options.objective], streams)
        # The run begins when nothing can be refused any more: what is refused leaves nothing behind.
        record = record.model_copy(update={"n_places": len(places)})
        run = unfinished or self._new_run(reference, start, record, budget)
        result = self._prepare(run, network, data, budget)
        save_tensors(run.weights_path, result.weights, {"run": run.id})
        return PretrainReport.of(_finish(run, start, result), is_resumed=unfinished is not None)

    def _views(self, spec: NetworkSpec, options: PretrainOptions) -> list[ModelView]:
        own = view_of(self.project, spec, self.cancel, self.report)
        return [own, *other_views(own, self.project, options.images, self.cancel)]

    def _examples(self, spec: NetworkSpec, options: PretrainOptions) -> list[Example]:
        if LABELLED not in options.replay:
            return []
        tiles = self.annotated_tiles("replaying them")
        return make_examples(view_of(self.project, spec, self.cancel, self.report), tiles)

    def _record(self, reference: str, options: PretrainOptions, n_labelled: int) -> PretrainingRecord:
        return PretrainingRecord(
            objective=options.objective,
            replay=options.replay,
            images=(self.project.image.path, *_files(options.images)),
            n_labelled=n_labelled,
            terms=self._terms(reference),
        )

    def _terms(self, reference: str) -> dict[str, str | bool]:
        run = find_run(reference, self.project)
        cards = [one.card for one in first_sources(self.project, run)] if run is not None else []
        if run is None:
            cards = [self.catalogue.get(reference).card]

        def all_of(name: str) -> str:
            return "; ".join(dict.fromkeys(value for card in cards if (value := getattr(card, name))))

        words = {name: all_of(name) for name in ("title", "license", "citation", "data_origin")}
        return words | {"research_only": any(card.research_only for card in cards)}

    def _unfinished(self, reference: str, record: PretrainingRecord, budget: Budget) -> Run | None:
        run = self.project.runs.unfinished_preparation()
        if run is None or run.record.pretraining is None or run.record.source != reference:
            return None
        is_same = run.record.pretraining.asks_the_same_as(record)
        return run if is_same and run.record.settings == budget.settings else None

    def _new_run(self, reference: str, start: Model, record: PretrainingRecord, budget: Budget) -> Run:
        spec = trainable(start.network, start.name).spec
        before = find_run(reference, self.project)
        parent = before.id if before is not None and self.is_own(before) else None
        more = {"pretraining": record, "settings": budget.settings, "parent": parent}
        return self.start_run(reference, spec, record.n_labelled, **more)

    def _prepare(
        self, run: Run, network: ResidualUNet, data: PretrainingData, budget: Budget
    ) -> PretrainResult:
        device = choose_device(budget.device)
        pretrainer = Pretrainer(pretrain_config(network.spec, budget), device, run.checkpoint_path)
        return pretrainer.fit(network, data, report=self.report, cancel=self.cancel)


def pretrain_config(spec: NetworkSpec, budget: Budget) -> PretrainConfig:
    """Return how a network of a specification is prepared within a budget."""
    return PretrainConfig(budget.seconds, budget.steps, patch_of(spec), BATCH[spec.ndim], seed=budget.seed)


def patch_of(spec: NetworkSpec) -> tuple[int, ...]:
    """Return the usual shape of a patch, rounded up to what the network can take."""
    usual = zip(PATCH[spec.ndim], spec.total_stride, strict=True)
    return tuple(-(-n // stride) * stride for n, stride in usual)


def read_places(
    views: Sequence[ModelView], seed: int, cancel: CancelToken, within: Tile | None = None
) -> list[NDArray[np.float32]]:
    """Read random places of images, as a network sees them; of each image as many, of many images some.

    Parameters
    ----------
    views
        The images as the network sees them.
    seed
        Draws the places.
    within
        Part of each image to read, None for all of it.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    rng = np.random.default_rng([seed, 0])
    ndim = views[0].spec.ndim
    n = N_PLACES[ndim]
    chosen = views if len(views) <= n else [views[i] for i in sorted(rng.permutation(len(views))[:n])]
    places = []
    for view in chosen:
        for tile in random_tiles(view, PLACE[ndim], max(1, n // len(chosen)), rng, within):
            cancel.raise_if_cancelled()
            places.append(view.read(tile))
    return places


def other_views(
    own: ModelView, project: Project, patterns: Iterable[str], cancel: CancelToken
) -> list[ModelView]:
    """Return further images as a network sees them that sees the project's image as `own`.

    Channel, polarity and width of objects are those of the project; so is the pixel size where a file says
    none. The grey range is that of each image.

    Raises
    ------
    InputError
        If no file matches a pattern, or one cannot be read.
    """
    views = []
    for path in _files(patterns):
        cancel.raise_if_cancelled()
        volume = in_stain(_open(project, path), own.spec.stain)
        intensity = replace(measure_intensity(volume), inverted=project.manifest.inverted)
        try:
            views.append(ModelView(volume, intensity, own.spec, own.object_diameter))
        except InputError as error:
            raise InputError(f"image {path!r}: {error}") from None
    return views


def _open(project: Project, path: str) -> Volume:
    like = replace(project.image, path=path, axes=None, pixel_size=None, pixel_size_from="")
    volume = like.open()
    size = project.manifest.pixel_size
    if volume.axes.pixel_size is not None or size is None:
        return volume
    return replace(like, pixel_size=size[-volume.axes.ndim :], unit=project.manifest.unit).open()


def _files(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the files that match, each once; a pattern that matches none is refused by its name."""
    found: dict[str, None] = {}
    for pattern in patterns:
        names = find_series(pattern).names
        if not names:
            raise InputError(f"no image matches {pattern!r}: check the path, and put a pattern in quotes")
        found |= dict.fromkeys(names)
    return tuple(found)


def _finish(run: Run, start: Model, result: PretrainResult) -> Run:
    assert run.record.pretraining is not None
    made = {"best_step": result.best_step, "history": result.history}
    return run.finish(
        steps=result.steps,
        seconds=round(result.seconds, 2),
        device=result.device,
        stopped_by=result.stopped_by,
        kept=False,  # it is a start, and no model that takes over
        decode={name: float(value) for name, value in asdict(start.decode).items()},
        pretraining=run.record.pretraining.model_copy(update=made),
    )
