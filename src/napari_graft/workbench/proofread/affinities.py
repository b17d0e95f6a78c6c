"""The affinities around objects that are corrected: predicted by the worker, kept for the next tool."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.jobs.builtin.affinities import AffinitiesRequest, AffinitiesResult
from napari_graft.proofreading.affinity_file import load_affinities
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.grow import Basins
from napari_graft.workbench.annotate.tile_painting import GuessCache
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.correctable import AffinityPlace
from napari_graft.workbench.train.finished_results import region_text

Take = Callable[[AffinityMap], None]

_MOST_KEPT = 8
_MARGIN = 16
_STEP = 32
"""Pixels of y and x that regions begin and end at multiples of, so that neighbours share one."""
_MOST_PIXELS = 1 << 22
"""Of a region: what takes longer nobody waits for."""
_AROUND = {2: (128, 128), 3: (8, 64, 64)}
"""How far a new object may reach from the click, along each axis."""


class AffinityCache:
    """Cache of affinities of regions of one result or tile at a time, in its pixels.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._place: AffinityPlace | None = None
        self._kept: list[AffinityMap] = []
        self._waiting: dict[Tile, list[Take]] = {}
        self.basins = lru_cache(maxsize=2)(Basins.from_affinities)
        """Return the basins of some affinities, computed once; takes long."""

    def use(self, place: AffinityPlace | None) -> None:
        """Forget what is known, unless this place is served already, and serve it from now on."""
        if place == self._place:
            return
        self._place = place
        self._kept, self._waiting = [], {}
        self.basins.cache_clear()

    def find(self, box: Tile) -> AffinityMap | None:
        """Return affinities that cover a box of the result, None while there are none."""
        return next((one for one in self._kept if one.tile.contains(box)), None)

    def around(self, position: tuple[int, ...]) -> Tile:
        """Return the box of the result in which an object grows from a click; one slice for a 2-D model.

        Raises
        ------
        InputError
            If it is not known which model made the result.
        """
        place, ndim = self._place, self._model_ndim()
        if place is None or ndim is None:
            raise InputError(
                "the model that made this is not known or is gone: a new object cannot grow; paint it"
            )
        reach = (0,) * (len(position) - ndim) + _AROUND[ndim]
        return Tile(position, (1,) * len(position)).grow(reach).clip(place.region.shape)

    def fetch(self, box: Tile, on_done: Take) -> bool:
        """Predict the affinities around a box of the result, unless they are there; say whether that goes on.

        It does not where no model is known, or it would take long: then tools do without.
        """
        place, ndim = self._place, self._model_ndim()
        if place is None or ndim is None or any(n > 1 for n in box.shape[: box.ndim - ndim]):
            return False
        region = _widened(box, ndim, place.region.shape)
        if region.n_pixels > _MOST_PIXELS:
            return False
        if region in self._waiting:
            self._waiting[region].append(on_done)
            return True
        self._waiting[region] = [on_done]
        self._predict(place, region)
        return True

    def _predict(self, place: AffinityPlace, region: Tile) -> None:
        project = self._context.require_project()
        assert place.reference is not None
        on_image = region.shift(place.region.start)
        where = "-".join(map(str, (*on_image.start, *on_image.shape)))
        name = f"{quote(place.reference, safe=' ')}-{where}.safetensors"
        out = project.folder / "cache" / "affinities" / GuessCache.key(project) / name
        if out.is_file():
            self._read(place, region, out)
            return
        request = AffinitiesRequest(
            project=str(project.folder),
            reference=place.reference,
            region=region_text(on_image),
            out=str(out),
        )

        def read(result: AffinitiesResult) -> None:
            self._read(place, region, Path(result.path))

        job = self._context.run_job(request, read)
        job.ended.connect(lambda: None if job.state.status == "done" else self._waiting.pop(region, None))

    def _read(self, place: AffinityPlace, region: Tile, path: Path) -> None:
        def task(report: Report, cancel: CancelToken) -> AffinityMap:
            found = load_affinities(path)
            start = tuple(a - b for a, b in zip(found.tile.start, place.region.start, strict=True))
            return AffinityMap(found.values, found.offsets, start)

        def take(found: AffinityMap) -> None:
            if self._place != place:
                return
            self._kept = [found, *self._kept][:_MOST_KEPT]
            for on_done in self._waiting.pop(region, []):
                on_done(found)

        job = self._context.jobs.start("Reading the borders", task, lane="edits", on_done=take)
        job.ended.connect(lambda: self._waiting.pop(region, None))

    def _model_ndim(self) -> int | None:
        """Return the number of axes of the model that is asked, None where it is not known."""
        project, place = self._context.project, self._place
        if project is None or place is None or place.reference is None:
            return None
        kind, _, name = place.reference.partition(" ")
        try:
            if kind == "run" and name:
                return project.runs.get(name).record.spec.ndim
            return self._context.catalogue.get(place.reference).card.spec.ndim
        except InputError:
            return None


def _widened(box: Tile, ndim: int, shape: tuple[int, ...]) -> Tile:
    """Return a box with a margin, on a coarse grid along y and x, inside the result."""
    margin = (0,) * (box.ndim - ndim) + (_MARGIN // 4,) * (ndim - 2) + (_MARGIN,) * 2
    steps = (1,) * (box.ndim - 2) + (_STEP,) * 2
    wide = box.grow(margin)
    start = [a // step * step for a, step in zip(wide.start, steps, strict=True)]
    stop = [-(-b // step) * step for b, step in zip(wide.stop, steps, strict=True)]
    return Tile(tuple(start), tuple(b - a for a, b in zip(start, stop, strict=True))).clip(shape)
