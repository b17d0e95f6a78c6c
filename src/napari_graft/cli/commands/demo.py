"""The command that shows the whole loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cyclopts import Parameter

from napari_graft.cli.console import progress, stderr
from napari_graft.cli.types import SCALE_OF_FILE, Names, Overwrite, Scale, parse_duration
from napari_graft.core.errors import InputError
from napari_graft.sources.card import Structure


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled image: the image and its whole truth.

    Parameters
    ----------
    image
        The image. A quoted pattern such as "set/image_*.tif" takes images of one size as a stack.
    labels
        Its whole truth, a label image or a pattern.
    structure
        What is to be segmented.
    axes
        One letter of tczyx for each axis of the image; wins over what the files say. The labels have the
        same, but for channels.
    label_axes
        Those of the labels, where they differ.
    channel
        The one channel of the image to use, its name or its number counted from 0; rgb where all are colours.
    mask
        What a mask given as labels is, an image of two values such as 0 and 255: one object, or pieces of
        which each is an object.
    """

    image: str | None = None
    labels: str | None = None
    structure: Structure | None = None
    axes: str | None = None
    label_axes: str | None = None
    channel: str | None = None
    mask: Literal["object", "pieces"] | None = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Options of a demonstration: how much is done.

    Parameters
    ----------
    rounds
        Rounds of annotation and training.
    tiles
        Tiles annotated in each round.
    tile
        Side of a tile in pixels.
    time_budget
        Training time of a round, for example 60s; 60s where neither a time nor steps are given.
    steps
        Training steps of a round, which do not depend on how busy the machine is.
    seed
        Decides all that is random.
    """

    rounds: int = 2
    tiles: int = 4
    tile: int = 256
    time_budget: str | None = None
    steps: int | None = None
    seed: int = 0

    @property
    def seconds(self) -> float | None:
        """The time of a round, None where only the steps count."""
        if not self.time_budget and self.steps is not None:
            return None
        return parse_duration(self.time_budget or "60s")


def demo(
    *,
    out: Path = Path("demo-report"),
    labelled: Labelled = Labelled(),
    scale: Scale = SCALE_OF_FILE,
    exclude: Names = None,
    options: DemoOptions = DemoOptions(),
    overwrite: Overwrite = False,
) -> None:
    """Run the whole loop without a screen and write a report.

    The loop is: rank, suggest, annotate, train, evaluate, and again from suggest.

    The labels are supplied by the label image; the last fifth of the slices (of the rows of a single image)
    is only for the final score. Without an image the embedded, generated sample is used.

    Example: `napari-graft demo --image image.tif --labels labels.tif --structure neurites --out report`

    Parameters
    ----------
    out
        Folder for report.html, report.json and the pictures.
    labelled, scale
        What to show it on.
    exclude
        Sources to leave out; those trained on the image or its data set are left out anyway.
    options
        How much is done.
    overwrite
        Replace files in OUT that are not known to be of an earlier report; never an input or a project.
    """
    from napari_graft.session.demo import Demo, DemoRequest
    from napari_graft.session.demo_output import check_demo_output, write_sample
    from napari_graft.session.demo_report import write_demo_report
    from napari_graft.session.projects.creation import ImageOptions, stack_series

    image, labels, structure = labelled.image, labelled.labels, labelled.structure
    if (image is None) != (labels is None):
        raise InputError("the demo needs both --image and --labels, or neither for the embedded sample")
    seconds = options.seconds
    outputs = check_demo_output(out, image, labels, overwrite=overwrite)
    is_embedded = image is None
    if image is None or labels is None:
        stderr.print("making the embedded sample", markup=False)
        image, labels = write_sample(out / "sample")
        structure = structure or "neurites"
    named = image
    image, labels = stack_series(image, labels, out / "sample")
    request = DemoRequest(
        out,
        labels,
        ImageOptions(image, labelled.axes, scale.pixel_size, scale.unit, labelled.channel, structure),
        mask=labelled.mask,
        label_axes=labelled.label_axes,
        exclude=tuple(exclude or ()),
        n_rounds=options.rounds,
        n_tiles=options.tiles,
        seconds=seconds,
        steps=options.steps,
        seed=options.seed,
        tile=options.tile,
        named=named,
        is_embedded=is_embedded,
    )
    with progress() as (report, cancel):
        shown = Demo(request, report, cancel)
        shown.run()
        path = write_demo_report(shown, outputs)
    stderr.print(f"wrote {path}", markup=False)
