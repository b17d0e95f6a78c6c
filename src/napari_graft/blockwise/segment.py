"""Segment an image of any size, in memory that depends on a block and not on the image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from napari_graft.blockwise.block import BlockSegmenter, FinishedBlocks, Joiner, Seconds
from napari_graft.blockwise.cluster import Cluster
from napari_graft.blockwise.plan import BlockPlan, plan_blocks
from napari_graft.core.errors import InputError
from napari_graft.core.process import run_parallel
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.strings import checksum_of
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import OVERLAP, WINDOW, Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io.integrity import PixelRecord, checksum_of_blocks, image_stamp
from napari_graft.io.writers.outputs import Outputs, check_apart
from napari_graft.io.writers.sink import LabelSink, SinkOptions, check_result, open_label_sink
from napari_graft.nets.device import count_workers, share_threads
from napari_graft.segmentation.settings import DecodeSettings

_METHOD = 4
"""To be raised when the same request would give another result."""


def hash_request(
    predictor: Predictor, view: ModelView, settings: DecodeSettings, plan: BlockPlan, has_uncertainty: bool
) -> str:
    """Return the SHA-256 of all that decides the result: weights, image, grey range, settings and blocks.

    The pixels of the image are not in it: each finished block knows those that it was made of.
    """
    ndim = view.spec.ndim
    asked = {
        "method": _METHOD,
        "spec": view.spec.model_dump(mode="json"),
        "weights": _hash_weights(predictor),
        "image": [list(view.volume.shape), str(view.volume.dtype), asdict(view.volume.axes)],
        "intensity": asdict(view.intensity),
        "object_diameter": view.object_diameter,
        "settings": asdict(settings),
        "plan": asdict(plan),
        "windows": [WINDOW[ndim], OVERLAP[ndim]],
        "uncertainty": has_uncertainty,
    }
    if view.volume.no_data is not None:  # so that unfinished results of all other images are gone on with
        asked["no_data"] = view.volume.no_data
    return checksum_of(asked)


def _hash_weights(predictor: Predictor) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(predictor.network.stored_weights().items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """Options of a blockwise segmentation, and what is written beside the objects.

    Parameters
    ----------
    region
        Box of the image that is segmented and written; None for the whole image.
    uncertainty
        File for a map of the uncertainty, ``.tif`` or ``.zarr``, or None.
    block
        Shape of a block in pixels of the image, None for one that suits the memory.
    cluster
        Whose workers segment the blocks, None for this process.
    outputs
        What may be written where.
    """

    region: Tile | None = None
    uncertainty: Path | None = None
    block: tuple[int, ...] | None = None
    cluster: Cluster | None = None
    outputs: Outputs = field(default_factory=Outputs)


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """Result of a blockwise segmentation.

    Parameters
    ----------
    path
        The file with the objects.
    n_objects
        Number of objects, the highest id.
    n_blocks
        Number of blocks.
    n_resumed
        How many of them an earlier, unfinished run had done.
    seconds_network, seconds_decoding
        Time for reading and predicting, and for decoding, added up over the workers that run side by side.
    seconds
        Time from the beginning to the end of this run.
    made_of
        The pixels that it was made of, None where the image is in no file.
    """

    path: Path
    n_objects: int
    n_blocks: int
    n_resumed: int
    seconds_network: float
    seconds_decoding: float
    seconds: float
    made_of: PixelRecord | None = None


def segment_volume(  # noqa: PLR0913 - what is done, and how it is watched
    predictor: Predictor,
    view: ModelView,
    settings: DecodeSettings,
    out: Path,
    *,
    options: SegmentOptions | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentResult:
    """Segment an image block by block into a ``.tif`` or ``.zarr`` file on the grid of the image.

    Blocks overlap; objects that two blocks share are joined. A 2-D model sees a stack slice by slice, and
    slices are not linked. The background is 0, the ids of the objects are 1… without gaps. A run that was
    killed or stopped is gone on with when the same is asked again, and gives the same result; finished blocks
    of another request, and those whose pixels in the image have changed, are forgotten. To find these, the
    pixels of the finished blocks are read once more.

    Parameters
    ----------
    predictor
        Its network is run in several threads.
    view
        The image as the model sees it.

    Raises
    ------
    InputError
        If the region, the block or a file name does not suit, if another process is writing the file, or if
        the image is damaged or changes meanwhile.
    StorageError
        If the disk is full; the finished blocks are kept.
    Cancelled
        Within a second, when asked to stop; the finished blocks are kept.
    """
    chosen = options or SegmentOptions()
    plan = plan_blocks(view, chosen.region, chosen.block)
    wants_uncertainty = chosen.uncertainty is not None
    request = hash_request(predictor, view, settings, plan, wants_uncertainty)
    segmenter = BlockSegmenter(predictor, view, settings, plan, wants_uncertainty)
    with ExitStack() as held:
        sinks = _open_sinks(segmenter, Path(out), chosen, request, held)
        job = _Job(segmenter, FinishedBlocks.inside(sinks[0].staging), *sinks, chosen.cluster)
        return job.run(report, cancel or CancelToken())


@dataclass(frozen=True, slots=True)
class _Job:
    """What a segmentation works with."""

    segmenter: BlockSegmenter
    finished: FinishedBlocks
    sink: LabelSink
    uncertainty: LabelSink | None
    cluster: Cluster | None

    def run(self, report: Report, cancel: CancelToken) -> SegmentResult:
        started = perf_counter()
        stamp = self._stamp()
        n_blocks, done = len(self.segmenter.plan), self._unchanged(report, cancel)
        network = decoding = 0.0
        for n_new, seconds in enumerate(self._segment_missing(done, report, cancel), 1):
            network, decoding = network + seconds.network, decoding + seconds.decoding
            rest = {"network s": network / n_new, "decoding s": decoding / n_new}
            report(Progress(len(done) + n_new, n_blocks, "segmenting", rest))
        now = self._stamp()
        if stamp != now:
            self._refuse_change(report, cancel)
        made_of = None if now is None else self._made_of(now)
        joiner = Joiner(self.segmenter.plan, self.finished, report, cancel)
        relabelling = joiner.relabel()
        joiner.write_labels(self.sink, relabelling)
        if self.uncertainty is not None:
            joiner.write_uncertainty(self.uncertainty)
            self.uncertainty.finish()
        path = self.sink.finish()
        seconds_all = perf_counter() - started
        n_objects = relabelling.n_objects
        return SegmentResult(path, n_objects, n_blocks, len(done), network, decoding, seconds_all, made_of)

    def _made_of(self, stamp: str) -> PixelRecord:
        plan = self.segmenter.plan
        return PixelRecord(
            stamp=stamp,
            start=plan.region.start,
            shape=plan.region.shape,
            block=plan.block,
            halo=plan.halo,
            checksum=checksum_of_blocks([self.finished.pixels(number) for number in range(len(plan))]),
        )

    def _stamp(self) -> str | None:
        path = self.segmenter.view.volume.path
        return None if path is None else image_stamp(path)

    def _unchanged(self, report: Report, cancel: CancelToken) -> set[int]:
        """Return the finished blocks that are made of what the image holds now, and forget the others."""
        known = sorted(self.finished.numbers())
        kept: set[int] = set()
        answers = run_parallel(known, self._is_unchanged, count_workers(len(known)), cancel)
        for n_read, (number, is_unchanged) in enumerate(answers, 1):
            report(Progress(n_read, len(known), "looking whether the image is the same"))
            if is_unchanged:
                kept.add(number)
            else:
                self.finished.forget(number)
        return kept

    def _is_unchanged(self, number: int, cancel: CancelToken) -> tuple[int, bool]:
        cancel.raise_if_cancelled()
        now = self.segmenter.view.volume.checksum(self.segmenter.plan.grown(number))
        return number, now == self.finished.pixels(number)

    def _refuse_change(self, report: Report, cancel: CancelToken) -> None:
        """Look closer at an image whose files were touched while it was segmented.

        Raises
        ------
        InputError
            If pixels have changed.
        """
        n_changed = len(self.segmenter.plan) - len(self._unchanged(report, cancel))
        if n_changed:
            raise InputError(
                f"{self.segmenter.view.volume.name} was changed while it was segmented: segment it again "
                f"when nobody writes to it; what has not changed is kept, {n_changed} blocks are made anew"
            )

    def _segment_missing(self, done: set[int], report: Report, cancel: CancelToken) -> Iterator[Seconds]:
        missing = [number for number in range(len(self.segmenter.plan)) if number not in done]
        report(Progress(len(done), len(self.segmenter.plan), "segmenting"))
        if self.cluster is not None:
            for number, result, seconds in self.cluster.segment(self.segmenter, missing, report, cancel):
                self.finished.add(number, result)
                yield seconds
            return
        n_workers = count_workers(len(missing))
        with share_threads(n_workers):
            yield from run_parallel(missing, self._segment_one, n_workers, cancel)

    def _segment_one(self, number: int, cancel: CancelToken) -> Seconds:
        result, seconds = self.segmenter.segment(number, cancel)
        cancel.raise_if_cancelled()
        self.finished.add(number, result)
        return seconds


def _open_sinks(
    segmenter: BlockSegmenter, out: Path, options: SegmentOptions, request: str, held: ExitStack
) -> tuple[LabelSink, LabelSink | None]:
    """Open the files for the objects and the uncertainty; `held` lets them go."""
    plan, axes = segmenter.plan, segmenter.view.volume.axes
    singles = segmenter.view.volume.single_axes
    belongs = SinkOptions(plan.block, plan.region.start, options.outputs, request, singles)
    if options.uncertainty is not None:
        check_apart(out, options.uncertainty)
        check_result(options.uncertainty, options.outputs)
    sink = open_label_sink(out, plan.region.shape, axes, options=belongs)
    held.callback(sink.release)
    if options.uncertainty is None:
        return sink, None
    try:
        unsure = open_label_sink(options.uncertainty, plan.region.shape, axes, np.float32, options=belongs)
    except BaseException:
        if not sink.is_resumed:
            sink.discard()
        raise
    held.callback(unsure.release)
    return sink, unsure
