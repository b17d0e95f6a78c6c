"""All scorers by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from napari_graft.core.registry import Registry
from napari_graft.scorers.consistency import consistency
from napari_graft.scorers.distances import closeness, energy_closeness, frechet_closeness, general_closeness
from napari_graft.scorers.few_shot import few_shot
from napari_graft.scorers.scoring_context import Scorer, ScoringContext
from napari_graft.scorers.zero_shot import zero_shot
from napari_graft.sources.plugins import plugin_parts_by_name

SCORERS: Registry[Scorer] = Registry("scorer", partial(plugin_parts_by_name, "napari_graft_scorers"))
SCORERS.register("mmd")(Scorer("closeness", closeness))
SCORERS.register("mmd-general")(Scorer("closeness, common encoder", general_closeness))
SCORERS.register("consistency")(Scorer("consistency", consistency))
SCORERS.register("few-shot")(Scorer("few shot", few_shot, reads_labels=True))
SCORERS.register("zero-shot")(Scorer("zero shot", zero_shot, is_combined=False, reads_labels=True))
SCORERS.register("frechet")(Scorer("Fréchet distance", frechet_closeness, is_combined=False))
SCORERS.register("energy")(Scorer("energy distance", energy_closeness, is_combined=False))


def read_all(context: ScoringContext, names: Iterable[str]) -> dict[str, float]:
    """Return what the named scorers measure, without those that cannot measure this source."""
    values = {name: SCORERS[name].measure(context) for name in names}
    return {name: value for name, value in values.items() if value is not None}


COMBINED = tuple(name for name in SCORERS if SCORERS[name].is_combined)
"""Names of the scorers that decide the order together."""
ON_IMAGE = tuple(name for name in COMBINED if not SCORERS[name].reads_labels)
"""Those of them that have a say before the first tile is annotated."""
ON_TILES = tuple(name for name in COMBINED if SCORERS[name].reads_labels)
"""Those of them that need annotated tiles."""
