"""Write a segmentation, its measurements, or what a project knows for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from napari_graft.jobs.base import Answer, Job, Request, Work


class ExportResult(Answer):
    """What was written.

    Parameters
    ----------
    path
        Where it is.
    to
        Name of its format.
    n_objects
        How many objects are in it, None for a format that is of no objects.
    """

    path: str
    to: str
    n_objects: int | None


class ExportRequest(Request[ExportResult]):
    """What an export is asked for.

    Parameters
    ----------
    segmentation
        Folder of a project, which stands for its newest segmentation of the whole image, or a label image.
    to
        Format: ome-zarr, tiff, coco, csv, parquet, mesh, swc, bioimageio, graftsource, methods, or one of a
        plugin.
    out
        File, or folder of an OME-Zarr.
    run
        Run of the project whose segmentation or model is meant; by default the newest.
    image
        The image of a label image, for its intensities and its pixel size; a project knows its own.
    axes
        One letter of tczyx for each axis of the label image; wins over what the file says.
    mask
        What a mask is, an image of two values such as 0 and 255: one object, or pieces of which each is an
        object.
    pixel_size
        Length of a pixel along y x, or z y x; wins over what the label image says.
    unit
        Unit of the pixel size: nm, um or mm.
    labels_only
        Whether an OME-Zarr holds the objects alone, without the image that they are of.
    overwrite
        Whether a file is replaced that is not known to be an earlier result; never an input or a project.
    """

    kind: ClassVar[str] = "export"

    segmentation: str
    to: str
    out: str
    run: str | None = None
    image: str | None = None
    axes: str | None = None
    mask: Literal["object", "pieces"] | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    labels_only: bool = False
    overwrite: bool = False


def _export(request: ExportRequest, work: Work) -> ExportResult:
    from napari_graft.session.exporting.export import ExportOptions, export

    options = ExportOptions(**request.model_dump(exclude={"out"}), out=Path(request.out))
    n_objects = export(options, report=work.report, cancel=work.cancel)
    return ExportResult(path=request.out, to=request.to, n_objects=n_objects)


JOB = Job(
    ExportRequest,
    ExportResult,
    _export,
    title="Exporting",
    access="none",
    lane="short",
    after_a_crash="nothing is lost: export again",
)
