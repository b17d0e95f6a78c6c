"""The parts of the recipe that are tried, each alone against the usual training."""

from __future__ import annotations

from collections.abc import Mapping

from napari_graft.training.fine_tuning import FineTuning

USUAL = "usual"
"""The training as the program does it, which all parts are compared with."""

PARTS: Mapping[str, FineTuning] = {
    USUAL: FineTuning(),
    "rate 0.0003": FineTuning(learning_rate=3e-4),
    "decoder and head alone": FineTuning(frozen=("encoder",)),
    "head alone": FineTuning(frozen=("encoder", "reducers", "decoder")),
    "distance to the source, 0.01": FineTuning(source_pull=0.01),
    "distance to the source, 0.1": FineTuning(source_pull=0.1),
    "copy-paste": FineTuning(copy_paste=0.5),
    "mean teacher": FineTuning(teacher=1.0),
    "average of a quarter of the run": FineTuning(averaging=0.25),
    "steps from the labels, 60 passes": FineTuning(passes=60.0),
    "steps from the labels, 300 passes": FineTuning(passes=300.0),
}
"""By name; see `FineTuning` for the sources of each."""
QUICK_PARTS = (USUAL, "rate 0.0003", "copy-paste", "mean teacher")
"""Tried to see whether the benchmark runs."""
