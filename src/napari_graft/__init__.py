"""napari-graft: the nearest pretrained model, a few painted tiles, and a segmentation.

The functions below are the whole loop for scripts; importing this package loads nothing heavy.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, which takes long to load
if TYPE_CHECKING:
    from napari_graft.jobs.running import run_job
    from napari_graft.session.api import (
        annotate,
        bridge,
        evaluate,
        export,
        merge_sources,
        new_project,
        open_project,
        predict_volume,
        pretrain,
        propose_plan,
        rank_sources,
        run_auto,
        run_trial,
        suggest_tiles,
        train,
    )

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
    "run_job",
    "run_trial",
    "suggest_tiles",
    "train",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        module = "jobs.running" if name == "run_job" else "session.api"
        return getattr(import_module(f"napari_graft.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the functions, so that they can be found by completion before they are loaded."""
    return sorted({*globals(), *__all__})
