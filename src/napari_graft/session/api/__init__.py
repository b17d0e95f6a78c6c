"""The loop for scripts: what the commands do, as functions of an open project.

Where `report` is left out, a notebook shows a progress bar, and a script nothing.
"""

from __future__ import annotations

from napari_graft.metrics import evaluate
from napari_graft.project.opening import open_project
from napari_graft.session.api.choosing import propose_plan, rank_sources, suggest_tiles
from napari_graft.session.api.learning import bridge, merge_sources, pretrain, run_auto, run_trial, train
from napari_graft.session.api.projects import annotate, new_project
from napari_graft.session.api.results import export, predict_volume

__all__ = [
    "annotate",
    "bridge",
    "evaluate",
    "export",
    "merge_sources",
    "new_project",
    "open_project",
    "predict_volume",
    "pretrain",
    "propose_plan",
    "rank_sources",
    "run_auto",
    "run_trial",
    "suggest_tiles",
    "train",
]
