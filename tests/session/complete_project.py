"""A small project with one of everything that a project can hold, and a look at all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import build_network
from napari_graft.project.documents import RankedEntry, StoredRanking, WindowState
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.results import ResultRecord, ResultStore
from napari_graft.project.run import checkpoint_age
from napari_graft.project.run_store import StoredTrial, TrialOutcome
from napari_graft.project.tile_queue import QueuedTile, StoredSuggestion, SuggestionList, TileQueue
from napari_graft.session.projects.creation import describe_project
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example
from napari_graft.training.trainer import Trainer
from napari_graft.workbench.annotate.suggesting import (
    CandidateList,
    CandidateTile,
    read_candidates,
    store_candidates,
)
from napari_graft.workbench.annotate.tile_painting import GuessCache

SPEC = ModelSpec(widths=(4, 8))
DRAWN = Tile((0, 64), (32, 32))
FREE = Tile((64, 0), (32, 32))


def complete(folder: Path) -> Path:
    """Add to a project with two annotated tiles what else there can be."""
    with open_project(folder, write=True) as project:
        place = {"start": (0, 64), "shape": (32, 32)}
        for value in (2, 3):
            project.draft(DRAWN).append(np.full((32, 32), value, np.uint32))
        project.store_queue(TileQueue(tiles=(QueuedTile.model_validate(place),)))
        suggestion = StoredSuggestion.model_validate(place | {"score": 0.5, "reason": "edges"})
        project.store_suggestions(SuggestionList(suggestions=(suggestion,), strategy="freesel"))
        entry = RankedEntry(source="tiny-nuclei", title="Nuclei", structure="nuclei", verdict="fits", z=1.0)
        project.store_ranking(StoredRanking(entries=(entry,), chosen="tiny-nuclei"))
        project.store_window_state(WindowState(tab="annotate", start=(0, 64), shape=(32, 32)))
        project.vote("tiny-nuclei", ["tiny-neurites"], DRAWN, "ada")
        outcome = TrialOutcome(source="tiny-nuclei", title="Nuclei", steps=2, seconds=1.0)
        tried = StoredTrial(sources=("tiny-nuclei",), n_tiles=2, measure="ap50", outcomes=(outcome,))
        project.trial.store(tried)
        store_candidates(project, CandidateList(candidates=(CandidateTile.model_validate(place),)))
        _add_runs(project)
        _add_results(project)
    return folder


def _add_runs(project: Project) -> None:
    finished = project.new_run("tiny-nuclei", SPEC)
    weights = build_network(SPEC, seed=1).stored_weights()
    save_tensors(finished.weights_path, weights, {"run": finished.id})
    finished.finish(stopped_by="steps", steps=2, kept=True)
    unfinished = project.new_run("tiny-nuclei", SPEC)
    pixels = np.random.default_rng(0).random((64, 64), np.float32)
    example = Example(pixels, np.ones((64, 64), np.int32), np.zeros((64, 64), np.int32))
    config = TrainConfig(None, 2, patch=(32, 32), batch_size=1, checkpoint_seconds=0.0)
    Trainer(config, torch.device("cpu"), unfinished.checkpoint_path).fit(
        build_network(SPEC, seed=1), [example], report=ignore_progress, cancel=CancelToken()
    )


def _add_results(project: Project) -> None:
    store = ResultStore(project.folder / "results")
    store.make_folder()
    for path in (store.labels_path("0001"), store.uncertainty_path("0001")):
        path.mkdir()
        (path / "zarr.json").write_text("{}")
    store.add(ResultRecord(run="0001", start=(0, 0), shape=(128, 128), n_objects=3))
    cache = GuessCache.of(project)
    batch = cache.batch_path("run 0001")
    batch.parent.mkdir(parents=True)
    tensors = {
        "segments/0/0": np.ones((32, 32), np.uint32),
        "uncertainty/0/0": np.ones((32, 32), np.float32),
    }
    save_tensors(batch, tensors, {})
    cache.take(batch, "run 0001", [DRAWN])


def look_at_everything(folder: Path) -> dict[str, object]:
    """Read and write all that a window and the commands do; return what was found, by kind.

    What cannot be found is left to the caller to judge; errors of the whole project come out.
    """
    describe_project(folder)
    with open_project(folder, write=True) as project:
        found: dict[str, object] = {
            "suggestions": len(project.suggestions().suggestions),
            "queue": len(project.queue().tiles),
            "ranking": len(project.ranking().entries),
            "window state": project.window_state().tab == "annotate",
            "trial": project.trial.load() is not None,
            "draft": len(project.drafts()),
            "votes": len(project.votes()),
            "journal": len(list(project.journal.entries())),
            "candidates": len(read_candidates(project).candidates),
            "runs": len(project.runs.all()),
            "tiles": [(t.tile, int(t.labels.sum())) for t in project.annotations.labelled_tiles()],
            "result": ResultStore(folder / "results").find("0001") is not None,
            "guess": GuessCache.of(project).find("run 0001", DRAWN) is not None,
            "notes": project.notes,
        }
        draft = project.draft(DRAWN).restore()
        found["draft value"] = None if draft is None else int(draft.max())
        project.painted_seconds()
        unfinished = project.runs.unfinished()
        if unfinished is not None and unfinished.newest_state is not None:
            checkpoint_age(unfinished.newest_state)
        _write_everything(project)
    return found


def _write_everything(project: Project) -> None:
    project.store_suggestions(project.suggestions())
    project.store_queue(project.queue())
    project.store_ranking(project.ranking())
    project.store_window_state(project.window_state())
    project.draft(DRAWN).append(np.full((32, 32), 4, np.uint32))
    project.accept(LabelledTile(FREE, np.full((32, 32), 7, np.uint32)), who="bob")
    project.update_manifest(inverted=True)
