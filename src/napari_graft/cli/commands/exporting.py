"""The command that writes results for other programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from napari_graft.cli.console import print_json, stderr
from napari_graft.cli.jobs import run_in_worker
from napari_graft.cli.types import Json, Overwrite


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ExportChoice:
    """Options of an export: which result is meant, and what a label image does not say.

    Parameters
    ----------
    run
        Run of the project whose segmentation or model is meant, for example 0001; by default the newest.
    image
        The image of a label image, for intensities and pixel size; a project knows its own.
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
        Write an OME-Zarr of the objects alone, without their image.
    """

    run: str | None = None
    image: str | None = None
    axes: str | None = None
    mask: Literal["object", "pieces"] | None = None
    pixel_size: Annotated[tuple[float, ...] | None, Parameter(consume_multiple=True)] = None
    unit: str = "nm"
    labels_only: Annotated[bool, Parameter(negative="")] = False


def export(
    segmentation: str,
    *,
    to: str,
    out: Path,
    choice: ExportChoice = ExportChoice(),
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write objects, their measurements, the model or the methods paragraph for other programs.

    Example: `napari-graft export segments.zarr --image cortex.tif --to csv --out objects.csv`

    Parameters
    ----------
    segmentation
        Folder of a project, which stands for its newest segmentation of the whole image, or a label image.
    to
        ome-zarr, tiff, coco, csv, parquet, mesh, swc, bioimageio, graftsource or methods.
    out
        File, or folder NAME.zarr.
    choice
        Which result is meant, and what a label image does not say.
    overwrite
        Replace a file that is not known to be an earlier result; never an input or a project.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.export import ExportRequest

    request = ExportRequest(
        segmentation=segmentation, to=to, out=str(out), overwrite=overwrite, **asdict(choice)
    )
    result = run_in_worker(request)
    if json:
        print_json(result.model_dump(mode="json"))
        return
    objects = "" if result.n_objects is None else f": {result.n_objects} objects"
    stderr.print(f"wrote {result.path}{objects}", markup=False)
