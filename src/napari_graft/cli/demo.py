"""The command that shows the whole loop."""

from __future__ import annotations

from pathlib import Path

from napari_graft.cli.console import progress, stderr
from napari_graft.cli.durations import parse_duration
from napari_graft.cli.types import Names, PixelSize
from napari_graft.core.errors import InputError
from napari_graft.sources.card import Structure


def demo(
    *,
    out: Path = Path("demo-report"),
    image: str | None = None,
    labels: str | None = None,
    exclude: Names = None,
    rounds: int = 2,
    tiles: int = 4,
    time_budget: str = "60s",
    seed: int = 0,
    tile: int = 256,
    structure: Structure | None = None,
    pixel_size: PixelSize = None,
    unit: str = "nm",
) -> None:
    """Run the whole loop without a screen and write a report: rank, suggest, annotate, train, evaluate, repeat.

    The labels are supplied by the label image; the last fifth of the slices (of the rows of a single image) is
    only for the final score. Without an image the embedded, generated sample is used.

    Example: `napari-graft demo --image image.tif --labels labels.tif --structure neurites --out report`

    Parameters
    ----------
    out
        Folder for report.html, report.json and the pictures.
    image, labels
        An image and its whole truth. A quoted pattern such as "set/image_*.tif" takes images of one size as a stack.
    exclude
        Sources to leave out; those trained on the image or its data set are left out anyway.
    rounds
        Rounds of annotation and training.
    tiles
        Tiles annotated in each round.
    time_budget
        Training time of a round, for example 60s.
    seed
        Decides all that is random.
    tile
        Side of a tile in pixels.
    structure
        What is to be segmented.
    pixel_size, unit
        Length of a pixel, where the file does not say it.
    """
    from napari_graft.session.demo import Demo, DemoRequest
    from napari_graft.session.demo_report import write_demo_report
    from napari_graft.session.projects import ImageOptions
    from napari_graft.session.samples import write_sample
    from napari_graft.session.series import is_series, write_stack

    if (image is None) != (labels is None):
        raise InputError("the demo needs both --image and --labels, or neither for the embedded sample")
    seconds = parse_duration(time_budget)
    is_embedded = image is None
    if image is None or labels is None:
        stderr.print("making the embedded sample", markup=False)
        image, labels = write_sample(out / "sample")
        structure = structure or "neurites"
    named = image
    if is_series(image):
        image = write_stack(image, out / "sample" / "image.tif")
        labels = write_stack(labels, out / "sample" / "labels.tif")
    options = ImageOptions(image, None, pixel_size, unit, None, structure)
    request = DemoRequest(
        out, labels, options, tuple(exclude or ()), rounds, tiles, seconds, seed, tile, named, is_embedded
    )
    with progress() as (report, cancel):
        shown = Demo(request, report, cancel)
        shown.run()
        path = write_demo_report(shown)
    stderr.print(f"wrote {path}", markup=False)
