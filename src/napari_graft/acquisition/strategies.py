"""All strategies by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Strategy, Suggestion, required_features
from napari_graft.acquisition.diversity import draw_by_square, take_farthest
from napari_graft.acquisition.foreground_diversity import ForegroundDiversity
from napari_graft.acquisition.freesel import FreeSel
from napari_graft.acquisition.k_center import KCenter
from napari_graft.acquisition.random_tiles import ForegroundRandom, RandomTiles
from napari_graft.acquisition.tiles import holds_objects
from napari_graft.acquisition.uncertainty import Entropy, MedianUncertainty, UncertaintyDiversity
from napari_graft.core.registry import Registry
from napari_graft.sources.plugins import plugin_parts_by_name


class Auto:
    """Default strategy: `ForegroundDiversity` before the first label and `UncertaintyDiversity` after it.

    Before the first label the benchmark ``selection`` has found nothing better than chance among tiles with
    objects; that these also differ costs nothing. The tiles in which a model sees few objects come last
    (`holds_objects`): from tiles without an object there is nothing to learn. Where no model has looked, all
    count alike, and the contrast stands in for the objects.

    Where tiles are annotated but no model has looked at the candidates yet, it is `ForegroundDiversity`,
    which then starts from the annotated ones.
    """

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions. See `Strategy`."""
        has_model = any(candidate.uncertainty is not None for candidate in candidates)
        if annotated and has_model:
            return STRATEGIES["uncertainty-diversity"].select(candidates, n, rng, annotated=annotated)
        required_features([*candidates, *annotated], "embedding")
        first = STRATEGIES["foreground-diversity"]
        full = holds_objects([one.foreground for one in candidates])
        preferred = [one for one, is_full in zip(candidates, full, strict=True) if is_full]
        chosen = first.select(preferred, n, rng, annotated=annotated)
        taken = {suggestion.tile for suggestion in chosen}
        known = [*annotated, *(one for one in preferred if one.tile in taken)]
        return chosen + first.select(candidates, n - len(chosen), rng, annotated=known)


STRATEGIES: Registry[Strategy] = Registry(
    "strategy", partial(plugin_parts_by_name, "napari_graft_strategies")
)
STRATEGIES.register("auto")(Auto())
STRATEGIES.register("random")(RandomTiles())
STRATEGIES.register("foreground-random")(ForegroundRandom())
STRATEGIES.register("foreground-diversity")(ForegroundDiversity())
STRATEGIES.register("entropy")(Entropy())
STRATEGIES.register("median-uncertainty")(MedianUncertainty())
STRATEGIES.register("freesel")(FreeSel(draw_by_square))
STRATEGIES.register("freesel-farthest")(FreeSel(take_farthest))
STRATEGIES.register("k-center")(KCenter())
STRATEGIES.register("uncertainty-diversity")(UncertaintyDiversity())
