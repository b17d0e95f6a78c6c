"""Results of a project, for scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_graft.blockwise import SegmentResult
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io.labels import MaskMeaning
from napari_graft.project.project import Project
from napari_graft.session import prediction
from napari_graft.session.exporting import export as exporting
from napari_graft.session.exporting.export import ExportOptions
from napari_graft.session.notebook import default_report
from napari_graft.session.prediction import PredictOptions
from napari_graft.sources.catalogue import Catalogue


def predict_volume(
    project: Project,
    out: str | os.PathLike[str],
    *,
    run: str | None = None,
    source: str | None = None,
    region: str | Sequence[tuple[int, int]] | None = None,
    uncertainty: str | os.PathLike[str] | None = None,
    device: str = "auto",
    overwrite: bool = False,
    report: Report | None = None,
) -> SegmentResult:
    """Segment the project's image block by block into a ``.tif`` or ``.zarr``.

    Parameters
    ----------
    run, source
        What to segment with, at most one of them; the run in use where neither is given.
    region
        ``"z0:z1,y0:y1,x0:x1"``, or a pair (start, stop) for each axis; None for the whole image.
    uncertainty
        File for a map of the uncertainty, 0 to 1.
    device
        Where the network runs: ``auto``, ``cpu`` or ``cuda``.
    overwrite
        Whether files are replaced that are not known to be earlier results; never an input or a project.

    Raises
    ------
    InputError
        If the model or the region does not exist, or something else is where a file is to be.
    """
    if region is not None and not isinstance(region, str):
        region = ",".join(f"{start}:{stop}" for start, stop in region)
    map_file = None if uncertainty is None else Path(uncertainty)
    request = PredictOptions(Path(out), run, source, region, map_file, device, overwrite=overwrite)
    return prediction.predict_project(
        project, request, catalogue=Catalogue(), report=report or default_report(), cancel=CancelToken()
    )


def export(
    segmentation: str | os.PathLike[str] | Project,
    to: str,
    out: str | os.PathLike[str],
    *,
    run: str | None = None,
    image: str | os.PathLike[str] | None = None,
    axes: str | None = None,
    mask: MaskMeaning | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    labels_only: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
) -> Path:
    """Write objects, their measurements, the model or the methods paragraph, as the command ``export``.

    Parameters
    ----------
    segmentation
        A project or its folder, which stands for its newest segmentation of the whole image, or a label
        image.
    to
        ``ome-zarr``, ``tiff``, ``coco``, ``csv``, ``parquet``, ``mesh``, ``bioimageio``, ``graftsource`` or
        ``methods``.
    out
        File, or folder of an OME-Zarr.
    run
        Run of the project whose segmentation or model is meant; None for the newest.
    image
        The image of a label image, for intensities and pixel size; a project knows its own.
    axes
        One letter of ``tczyx`` for each axis of the label image.
    mask
        What a label image of two values is: one ``object``, or ``pieces`` of which each is one.
    pixel_size
        Length of a pixel along y x, or z y x, in `unit`; wins over what the label image says.
    labels_only
        Whether an OME-Zarr holds the objects alone, without their image.
    overwrite
        Whether a file is replaced that is not known to be an earlier result; never an input or a project.

    Raises
    ------
    InputError
        If there is no such format or segmentation, or something else is where the file is to be.
    """
    what = str(segmentation.folder) if isinstance(segmentation, Project) else os.fspath(segmentation)
    request = ExportOptions(
        what,
        to,
        Path(out),
        run,
        None if image is None else os.fspath(image),
        axes,
        mask,
        None if pixel_size is None else tuple(pixel_size),
        unit,
        labels_only,
        overwrite,
    )
    exporting.export(request, report=report or default_report(), cancel=CancelToken())
    return Path(out)
