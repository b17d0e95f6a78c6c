"""The numbers of a loop as a file for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.io.marks import marked
from napari_graft.report.headline import headline
from napari_graft.report.measures import vi_improvement
from napari_graft.report.record import LoopRecord


def report_json(record: LoopRecord) -> str:
    """Return the content of ``report.json``: valid JSON, in which null stands for what is not a number.

    ``improvement`` is the share by which VI is below training from scratch, at the same number of tiles.
    """
    content = marked(
        {
            "title": record.title,
            "headline": headline(record),
            "improvement": vi_improvement(record),
            "ranking": record.ranking,
            "map": None if record.source_map is None else _map(record.source_map),
            "excluded": record.excluded,
            "zero_shot": record.zero_shot,
            "scratch": record.scratch,
            "rounds": record.rounds,
            "scratch_rounds": record.scratch_rounds,
            "held_out": record.held_out,
            "tiles": [asdict(tile) for tile in record.tiles],
            "image": {
                "name": record.image_name,
                "shape": record.shape,
                "axes": record.axes,
                "pixel_size": record.pixel_size,
                "unit": record.unit,
            },
            "structure": record.structure,
            "strategy": record.strategy,
            "notes": record.notes,
            "facts": record.facts,
            "seconds": record.seconds,
        }
    )
    return json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _map(mapped: SourceMap) -> dict[str, object]:
    """Return the sources in the order in which the tree shows them; None stands for the image."""
    names = [name or None for name in mapped.ordered_names]
    return {"sources": names, "distances": mapped.ordered_distances}


def plain(value: object) -> object:
    """Return a value made of what JSON knows; NaN and infinity become None, numpy's numbers Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
