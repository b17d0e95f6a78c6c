"""Bridge a source to the modality of a project's image, judge it, and keep it if it is no worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from napari_graft.bridging.method import BridgeContext, Bridged, BridgeData, BridgeStates
from napari_graft.bridging.methods.without_learning import in_view
from napari_graft.bridging.pairs import Image, Pair, find_pairs
from napari_graft.bridging.recipe import DEFAULT_METHOD, BridgeRecord, Suitability
from napari_graft.bridging.registry import BRIDGE_METHODS
from napari_graft.bridging.suitability import translated
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, note
from napari_graft.inference.predictor import Predictor
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import trainable
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.comparison import is_no_worse
from napari_graft.project.reports import BridgeReport
from napari_graft.project.run import Run
from napari_graft.scorers.best_view import CONSISTENCY_NOISE
from napari_graft.scorers.found_objects import most_contrasted
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.session.bridging.assess import Assessor, assess_pairs
from napari_graft.session.bridging.best_view import ViewedSource, best_view
from napari_graft.session.bridging.data import PairReader, target_tiles, usual_foreground
from napari_graft.session.models import Model, load_model
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.sources import add_bridged
from napari_graft.session.training.fitting import Budget, train_config
from napari_graft.session.training.train import ProjectTask, summary
from napari_graft.session.training.validation import Judgement
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainResult

Folders = tuple[Path, Path]
NOT_JUDGED = "stopped before the bridged source was judged: it is not used"
LESS_CONSISTENT = (
    "The bridged source is not used: what it finds in your image is less consistent ({new:.2f}) than what "
    "the source finds in its best view ({old:.2f})."
)
WORSE_ON_TILES = (
    "The bridged source is not used: on your painted tiles it is worse than the source in its best view."
)


@dataclass(frozen=True, slots=True)
class BridgeTask(ProjectTask):
    """Bridge in a project. See `ProjectTask`; it needs no annotated tile, and learns from none.

    A request to stop keeps what was learned, but a bridge that was not judged is not used.
    """

    def run(
        self, reference: str, pairs: Folders, budget: Budget, method: str = DEFAULT_METHOD
    ) -> BridgeReport:
        """Bridge a source with the pairs in two folders, and keep it if it is no worse than the best view.

        It must be no less consistent on the image than the untouched source in its best view, and where tiles
        are painted, no worse on them. A bridge that was cut off goes on where it was when the same is asked
        for.

        Parameters
        ----------
        reference
            As for `load_model`: a source, or a run.
        pairs
            Folders of images with the same names: of the modality of the image, and of that of the source.
        budget
            Time or steps of the learning.
        method
            Name in `BRIDGE_METHODS`.

        Raises
        ------
        InputError
            If the source cannot be bridged, something is wrong with the pairs, or they cannot help.
        Cancelled
            When asked to stop before anything was learned.
        """
        how = BRIDGE_METHODS[method]
        model = load_model(self.proper_name(reference), self.project, self.catalogue)
        self.report(Progress(0, None, "looking for the best view of the image"))
        find_pairs(*pairs)  # what is wrong with the files is told at once
        work = BridgeWork.begin(self, model, budget)
        source, viewed = work.source, work.viewed
        self.report(Progress(0, None, "reading the pairs"))
        reader = PairReader(self.project, source.spec, viewed.as_it_is.stain, self.cancel, self.report)
        found = reader.read(pairs)
        names = (str(pairs[0]), str(pairs[1]))
        record = BridgeRecord(
            method=method,
            source=self.proper_name(reference),
            pairs=names,
            n_pairs=len(found),
            view=viewed.words,
        )
        unfinished = self._unfinished(record, budget)
        context = work.context(found)
        if unfinished is not None and unfinished.record.bridge is not None:
            record = unfinished.record.bridge
        elif how.needs_suitable_pairs:
            record = record.model_copy(update={"suitability": self._suitability(work, context)})
        run = unfinished or self._new_run(record, source, budget)
        states = BridgeStates(run.mixing_path, run.merged_path, run.checkpoint_path)
        bridged = how.bridge(source, replace(context, states=states))
        return self._finish(run, record, work, context, bridged, is_resumed=unfinished is not None)

    def _suitability(self, work: BridgeWork, context: BridgeContext) -> Suitability:
        found = assess_pairs(work.source, context, work.assessor())
        if not found.helps:
            raise InputError(found.words)
        self.report(note(found.words))
        return found

    def _unfinished(self, record: BridgeRecord, budget: Budget) -> Run | None:
        run = self.project.runs.unfinished()
        if run is None or run.record.bridge is None:
            return None
        is_same = run.record.bridge.asks_the_same_as(record) and run.record.settings == budget.settings
        return run if is_same else None

    def _new_run(self, record: BridgeRecord, source: ResidualUNet, budget: Budget) -> Run:
        return self.start_run(record.source, source.spec, 0, bridge=record, settings=budget.settings)

    def _show_translated(self, run: Run, network: ResidualUNet, context: BridgeContext) -> None:
        """Keep the tile with most contrast beside what the encoder is shown of it, for a person to see."""
        if network.translator is None:
            return
        tile = most_contrasted(context.data.target, 1)[0]
        tile = tile if tile.ndim == 2 else tile[len(tile) // 2]
        whole = tile if network.spec.ndim == 2 else tile[None]
        seen = translated(network, whole).reshape(tile.shape)
        save_tensors(run.translated_path, {"image": tile, "translated": seen}, {"run": run.id})

    def _finish(
        self,
        run: Run,
        record: BridgeRecord,
        work: BridgeWork,
        context: BridgeContext,
        bridged: Bridged,
        *,
        is_resumed: bool,
    ) -> BridgeReport:
        verdict = work.judge(bridged.network, context)
        save_tensors(run.weights_path, bridged.network.stored_weights(), {"run": run.id})
        self._show_translated(run, bridged.network, context)
        record = record.model_copy(
            update={"consistency": verdict.consistency, "consistency_of_view": verdict.consistency_of_view}
        )
        words = " ".join(filter(None, (bridged.note, verdict.reason)))
        run = run.finish(
            bridge=record,
            spec=bridged.network.spec,
            validation=verdict.scores,
            kept=verdict.is_kept,
            note=words,
            decode={name: float(value) for name, value in asdict(work.model.decode).items()},
            **_spent(bridged.training, context.device.type),
        )
        if verdict.is_kept:
            source = add_bridged(self.project, run)
            record = record.model_copy(update={"source_id": source.id})
            run = run.update(bridge=record)
        return BridgeReport(training=summary(run, is_resumed=is_resumed), bridge=record)


def _spent(training: TrainResult | None, device: str) -> dict[str, object]:
    if training is None:
        return {"steps": 0, "seconds": 0.0, "device": device, "stopped_by": "steps", "history": []}
    return {
        "steps": training.steps,
        "seconds": round(training.seconds, 2),
        "device": training.device,
        "stopped_by": training.stopped_by,
        "history": [asdict(moment) for moment in training.history],
    }


@dataclass(frozen=True, slots=True)
class BridgeVerdict:
    """BridgeVerdict on a bridged source.

    Parameters
    ----------
    is_kept
        Whether it is used.
    reason
        Why not, in words; empty where it is.
    consistency, consistency_of_view
        Of the bridged source, and of the best view; None where that was not measured.
    scores
        Of both on the painted tiles, by name, empty without such.
    """

    is_kept: bool
    reason: str
    consistency: float | None
    consistency_of_view: float | None
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BridgeWork:
    """What the steps of a bridge share: the source, and what is measured of it.

    Parameters
    ----------
    task
        Project, progress and the token that stops the work.
    model, viewed
        The source with its decoding, and its network in the best view of the image.
    budget
        Time or steps, device and seed.
    see
        See `Assessor`.
    """

    task: BridgeTask
    model: Model
    viewed: ViewedSource
    budget: Budget
    see: Callable[[ModelSpec], Sequence[Image]]

    @classmethod
    def begin(cls, task: BridgeTask, model: Model, budget: Budget) -> BridgeWork:
        """Choose the view of the image to begin with.

        Raises
        ------
        InputError
            If the source cannot be bridged.
        Cancelled
            When asked to stop.
        """
        source, project = trainable(model.network, model.name), task.project

        # What was learned is judged also after a request to stop.
        @cache
        def see(spec: ModelSpec) -> Sequence[Image]:
            return target_tiles(project, spec, budget.seed, task.cancel.at_once)

        task.cancel.raise_if_cancelled()
        work = cls(task, model, ViewedSource(source, False, source.spec), budget, see)
        diameter = view_of(project, source.spec, task.cancel, task.report).object_diameter
        is_scale_known = diameter is not None and source.spec.object_diameter is not None
        is_coloured = project.volume.channel_axis is not None
        assessor = work.assessor()
        viewed = best_view(source, assessor, is_coloured=is_coloured, is_scale_known=is_scale_known)
        return replace(work, viewed=viewed)

    @property
    def source(self) -> ResidualUNet:
        """The network of the source in its view."""
        return self.viewed.network

    def context(self, pairs: Sequence[Pair]) -> BridgeContext:
        """Return what a method learns from, without a place for its state."""
        task, spec, device = self.task, self.source.spec, choose_device(self.budget.device)
        predictor = Predictor(self.source, device)
        data = BridgeData(
            pairs=pairs,
            target=self.see(spec),
            inverted=self.viewed.inverted,
            foreground=usual_foreground(
                self.model.source, predictor, [pair.source for pair in pairs], task.cancel
            ),
            decode=self.model.decode,
            as_it_is=self.viewed.as_it_is,
        )
        config = train_config(spec, self.budget)
        return BridgeContext(data, config, device, BridgeStates(), task.report, task.cancel)

    def assessor(self) -> Assessor:
        """Return what judges networks on the image without labels."""
        source = self.model.source
        fingerprint = None if source is None else source.load_fingerprint()
        compute = ComputeContext(choose_device(self.budget.device), self.task.cancel)
        return Assessor(self.see, self.model.decode, fingerprint, compute)

    def judge(self, network: ResidualUNet, context: BridgeContext) -> BridgeVerdict:
        """Compare a bridged source with the untouched one in its best view, also after a request to stop."""
        self.task.report(Progress(0, None, "measuring the bridged source"))
        token = self.task.cancel.at_once
        view = in_view(self.source, is_inverted=context.data.inverted)
        assessor = self.assessor()
        assessor = replace(assessor, compute=replace(assessor.compute, cancel=token))
        try:
            new, old = assessor.consistency(network), assessor.consistency(view)
            mine, its = (self._on_tiles(one, token) for one in (network, view))
        except Cancelled:
            return BridgeVerdict(False, NOT_JUDGED, None, None, {})
        scores = {} if mine is None or its is None else mine.as_dict() | its.as_dict("_source")
        reason = ""
        if new < old - CONSISTENCY_NOISE:
            reason = LESS_CONSISTENT.format(new=new, old=old)
        elif mine is not None and not is_no_worse(mine, its):
            reason = WORSE_ON_TILES
        return BridgeVerdict(not reason, reason, round(new, 4), round(old, 4), scores)

    def _on_tiles(self, network: ResidualUNet, cancel: CancelToken) -> Judgement | None:
        """Judge a network on what is held out of the painted tiles, None where none are painted."""
        tiles = self.task.project.annotations.labelled_tiles()
        if not tiles:
            return None
        fitting, device = self.task.fitting(network.spec, tiles), choose_device(self.budget.device)
        return fitting.measure(network, device, cancel)[1]
