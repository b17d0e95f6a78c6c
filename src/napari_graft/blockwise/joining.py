"""Join the objects of finished blocks, and write them with their ids in the whole region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from napari_graft.blockwise.block import slices_inside
from napari_graft.blockwise.finished import FinishedBlocks
from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io.sink import LabelSink
from napari_graft.segmentation.stitch import Match, Relabelling, match_faces


@dataclass(frozen=True, slots=True)
class Joiner:
    """Joins finished blocks into one segmentation; never more than two are in memory.

    Parameters
    ----------
    plan
        The blocks.
    finished
        All of them.
    report, cancel
        How the job talks to who asked for it.
    """

    plan: BlockPlan
    finished: FinishedBlocks
    report: Report
    cancel: CancelToken

    def relabel(self) -> Relabelling:
        """Find which objects of different blocks are one.

        Raises
        ------
        Cancelled
            Between two blocks, when asked to stop.
        """
        n_labels, matches = [], []
        for number in self._steps("joining objects across blocks"):
            block = self.finished.labels(number)
            n_labels.append(block.n_labels)
            for neighbour, slab in self.plan.faces(number):
                here = block.labels[slices_inside(slab, self.plan.grown(number))]
                other = self.finished.labels(neighbour).labels
                there = other[slices_inside(slab, self.plan.grown(neighbour))]
                matches.append(Match(number, neighbour, match_faces(here, there)))
        return Relabelling.build(n_labels, matches)

    def write_labels(self, sink: LabelSink, relabelling: Relabelling) -> None:
        """Write the objects of all blocks; it may be done again as often as one likes."""
        for number in self._steps("writing the objects"):
            inside = slices_inside(self.plan.core(number), self.plan.grown(number))
            labels = self.finished.labels(number).labels[inside]
            sink.write(self._place(number), relabelling.apply(number, labels))

    def write_uncertainty(self, sink: LabelSink) -> None:
        """Write the uncertainty of all blocks."""
        for number in self._steps("writing the uncertainty"):
            sink.write(self._place(number), self.finished.uncertainty(number))

    def _place(self, number: int) -> Tile:
        return self.plan.core(number).shift([-a for a in self.plan.region.start])

    def _steps(self, message: str) -> Iterator[int]:
        for number in range(len(self.plan)):
            self.cancel.raise_if_cancelled()
            self.report(Progress(number, len(self.plan), message))
            yield number
