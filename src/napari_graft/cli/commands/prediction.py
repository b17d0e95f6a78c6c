"""The commands that segment, and that say how good a segmentation is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from napari_graft.cli.console import print_json, print_note, stderr
from napari_graft.cli.jobs import run_in_worker
from napari_graft.cli.types import LABELS_AS_THEY_ARE, Device, Json, LabelFile, Overwrite


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Options of a prediction: the model, the device and the scheduler.

    Parameters
    ----------
    run
        Run to use, for example 0001 or latest (the default where there is one).
    source
        Source to use as it is.
    device
        Where the network runs.
    scheduler
        Address of a dask scheduler, for example tcp://host:8786, whose workers do the work.
    """

    run: str | None = None
    source: str | None = None
    device: Device = "auto"
    scheduler: str | None = None


def predict(
    project: Path,
    *,
    out: Path,
    options: ModelOptions = ModelOptions(),
    region: str | None = None,
    uncertainty: Path | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Segment the image, or a region of it, block by block; a stopped prediction goes on when called again.

    Example: `napari-graft predict cortex.graft --out segments.zarr --region "0:10,0:1024,0:1024"`

    Parameters
    ----------
    project
        Folder of the project.
    out
        FILE.tif or FILE.zarr for the instances, 0 is background.
    options
        What to segment with.
    region
        z0:z1,y0:y1,x0:x1; what is written is the region.
    uncertainty
        File for the map of uncertainty, 0 to 1.
    overwrite
        Replace files that are not known to be earlier results; never the image or another input.
    """
    from napari_graft.jobs.builtin.predict import PredictRequest

    request = PredictRequest(
        project=str(project),
        out=str(out),
        run=options.run,
        source=options.source,
        region=region,
        uncertainty=None if uncertainty is None else str(uncertainty),
        device=options.device,
        scheduler=options.scheduler,
        overwrite=overwrite,
    )
    result = run_in_worker(request)
    stderr.print(f"wrote {result.path}: {result.n_objects} objects", markup=False)


def evaluate(
    segmentation: str,
    truth: str,
    *,
    per_slice: bool = False,
    label_file: LabelFile = LABELS_AS_THEY_ARE,
    truth_axes: str | None = None,
    json: Json = False,
) -> None:
    """Compare a segmentation with the truth.

    Example: `napari-graft evaluate segments.tif truth.tif --per-slice`

    Parameters
    ----------
    segmentation, truth
        Label images of one shape; 0 is background.
    per_slice
        Take each slice for itself and report the mean, where ids are not linked between slices.
    label_file
        What the label images do not say.
    truth_axes
        Axes of the truth, where they are others than those of the segmentation.
    json
        Print one JSON document.
    """
    from napari_graft.io import open_labels
    from napari_graft.io.labels import tell_only_object
    from napari_graft.session.annotation import evaluate_pair

    axes, mask = label_file.axes, label_file.mask
    pair = (
        open_labels(segmentation, axes=axes, mask=mask),
        open_labels(truth, axes=truth_axes or axes, mask=mask),
    )
    for labels in pair if mask is None else ():
        print_note(tell_only_object(labels))
    scores = evaluate_pair(*pair, per_slice=per_slice)
    if json:
        print_json(scores)
        return
    for name, value in scores.items():
        print(f"{name:12} {value:.4f}" if isinstance(value, float) else f"{name:12} {value}")
