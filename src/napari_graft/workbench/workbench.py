"""All that one window knows: the shared context, a model for each tab, and the next step."""

from __future__ import annotations

from napari_graft.core.errors import InputError
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.annotate.next_round import NextRoundModel
from napari_graft.workbench.annotate.tile_correction import TileCorrection
from napari_graft.workbench.annotate.tile_tools import TileTools
from napari_graft.workbench.compare.model import ComparingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.data.model import DataModel
from napari_graft.workbench.jobs import Deliver
from napari_graft.workbench.next_step import Facts, WorkbenchState, next_step
from napari_graft.workbench.plugin_jobs import PluginJobsModel
from napari_graft.workbench.proofread.affinities import AffinityCache
from napari_graft.workbench.proofread.carrying import CarryingModel
from napari_graft.workbench.proofread.click_tools import ClickTools
from napari_graft.workbench.proofread.measuring import MeasuringModel
from napari_graft.workbench.proofread.model import ProofreadingModel
from napari_graft.workbench.proofread.proofread_tiles import ProofreadTiles
from napari_graft.workbench.proofread.review import ReviewModel
from napari_graft.workbench.sources.bridge_model import BridgeModel
from napari_graft.workbench.sources.model import SourcesModel
from napari_graft.workbench.sources.preparation_model import PreparationModel
from napari_graft.workbench.sources.trial_model import TrialModel
from napari_graft.workbench.train.model import TrainingModel
from napari_graft.workbench.train.results import ResultsModel
from napari_graft.workbench.window_state import WindowStateModel


class Workbench:
    """State of one window: a model for each tab.

    Parameters
    ----------
    deliver
        Brings callbacks to the thread of the window.
    catalogue
        Where sources are looked up.
    """

    def __init__(self, deliver: Deliver, catalogue: Catalogue | None = None) -> None:
        self.context = Context(deliver, catalogue)
        self.data = DataModel(self.context)
        self.sources = SourcesModel(self.context)
        self.annotating = AnnotatingModel(
            self.context,
            tile_side=lambda: self.data.state.tile_side,
            chosen_source=lambda: self.sources.state.chosen,
        )
        self.tile_tools = TileTools(self.context, self.annotating)
        self.tile_correction = TileCorrection(self.context, self.annotating)
        self.tile_click_tools = ClickTools(self.tile_correction, AffinityCache(self.context))
        self.results = ResultsModel(self.context, chosen_source=lambda: self.sources.state.chosen)
        self.training = TrainingModel(self.context, self.results)
        self.preparation = PreparationModel(self.context)
        self.next_round = NextRoundModel(self.context, self.training, self.annotating)
        self.trial = TrialModel(
            self.context,
            ranked=lambda: self.sources.ranked,
            tile_budget=lambda: self.annotating.state.budget,
        )
        self.bridging = BridgeModel(self.context)
        self.comparing = ComparingModel(self.context, self.sources)
        self.proofreading = ProofreadingModel(self.context, self.results)
        self.review = ReviewModel(self.context, self.proofreading)
        self.measuring = MeasuringModel(self.context, self.proofreading)
        self.carrying = CarryingModel(self.context, self.proofreading, self.review)
        self.proofread_tiles = ProofreadTiles(
            self.context, self.proofreading, self.annotating, lambda: self.data.state.tile_side
        )
        self.click_tools = ClickTools(self.proofreading, AffinityCache(self.context))
        self.plugin_jobs = PluginJobsModel(self.context)
        self.state = WorkbenchState()
        self.window_state = WindowStateModel(
            self.context, self.state, self.data, self.annotating, self.training
        )
        self._connect()

    def update_next_step(self) -> None:
        """Find out anew what comes next."""
        self.state.next = next_step(self._facts())

    def merge_ticked(self) -> None:
        """Merge the ticked sources, and show how that goes."""
        state = self.sources.state
        try:
            self.training.merge([row.id for row in state.rows if row.id in state.ticked])
        except InputError as error:
            self.sources.refused.emit(str(error))
            return
        self.state.tab = "train"

    def close(self) -> None:
        """Stop everything within two seconds; what was finished is kept."""
        self.context.close()

    def _connect(self) -> None:
        context, sources = self.context, self.sources.state.events
        for signal in (sources.chosen, sources.rows):
            context.hear(signal, self._offer_sources)
        context.hear(self.data.corrected, self._on_image_corrected)
        for signal in (sources.chosen, context.runs_changed):
            context.hear(signal, self._on_model_changed)
        for signal in (context.project_changed, context.tiles_changed, context.runs_changed):
            context.hear(signal, self.update_next_step)
        for signal in (
            context.jobs.started,
            context.jobs.ended,
            self.data.state.events.image,
            sources.chosen,
        ):
            context.hear(signal, self.update_next_step)
        for signal in (sources.rows, self.annotating.state.events.budget):
            context.hear(signal, self.trial.update)
        for model in (self.data, self.sources, self.annotating, self.results, self.training, self.comparing):
            context.hear(model.refused, self.data.lost_image.look)  # that may be why
        context.hear(self.data.lost_image.relinked, self._on_image_corrected)
        context.hear(context.jobs.started, self.preparation.give_way)
        context.hear(self.preparation.prepared, self.training.take_prepared)
        context.hear(self.trial.tiles_wanted, self._on_tiles_wanted)
        context.hear(self.trial.won, self._on_trial_won)
        context.hear(self.bridging.bridged, self._on_bridged)

    def _offer_sources(self) -> None:
        state = self.sources.state
        ranked = [one.id for one in state.rows if one.is_ranked]
        self.training.offer_sources(ranked, state.chosen)
        self.preparation.offer(state.chosen)

    def _on_image_corrected(self) -> None:
        self.sources.read_ranking()
        self.annotating.look_anew()
        self.context.runs_changed.emit()  # by which score they are judged depends on the structure

    def _on_model_changed(self) -> None:
        self.annotating.look_anew()
        self.results.update_model()

    def _on_tiles_wanted(self) -> None:
        self.state.tab = "annotate"

    def _on_trial_won(self, source: str) -> None:
        self.sources.choose(source)
        self.training.take_round()

    def _on_bridged(self, source: str) -> None:
        self.sources.take_added(source)
        self.training.take_round()

    def _facts(self) -> Facts:
        queue, sources = self.annotating.state.queue, self.sources.state
        return Facts(
            has_image=self.data.state.image is not None,
            has_project=self.context.project is not None,
            is_ranked=sources.is_ranked,
            has_source=sources.chosen is not None,
            n_to_do=queue.n_to_do,
            n_done=queue.n_done,
            n_new=self.training.n_new_tiles,
            n_runs=len(self.training.state.rounds),
            is_training=self.training.state.is_training or self.trial.state.is_trying,
        )
