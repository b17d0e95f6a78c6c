"""Commands that make a project and tell what is in it."""

from __future__ import annotations

from pathlib import Path

from napari_graft.cli.console import print_json, stderr
from napari_graft.cli.types import Json, PixelSize
from napari_graft.sources.card import Structure


def new(
    project: Path,
    *,
    image: str,
    pixel_size: PixelSize = None,
    unit: str = "nm",
    axes: str | None = None,
    channel: int | None = None,
    structure: Structure | None = None,
    invert: bool = False,
) -> None:
    """Make a project for an image.

    Example: `napari-graft new cortex.graft --image cortex.tif --pixel-size 40 4 4 --unit nm --structure neurites`

    Parameters
    ----------
    project
        Folder of the new project, by custom NAME.graft.
    image
        TIFF, OME-TIFF, PNG, OME-Zarr, zarr, or HDF5 as FILE::/dataset.
    pixel_size
        Length of a pixel along y x, or z y x; wins over what the file says.
    unit
        Unit of the pixel size: nm, um or mm.
    axes
        One letter for each axis of the file, for example zyx or zyxc, where the file does not say it.
    channel
        The one channel to use, counted from 0.
    structure
        What is to be segmented.
    invert
        Swap dark and bright before the image is shown to a model.
    """
    from napari_graft.session.projects import ImageOptions, make_project

    options = ImageOptions(image, axes, pixel_size, unit, channel, structure, invert)
    with make_project(project, options) as made:
        if made.manifest.pixel_size is None:
            stderr.print(
                "note: the pixel size is unknown, so the image is used as it is; give it with --pixel-size",
                markup=False,
            )
        stderr.print(f"made {made.folder}: {made.manifest.shape} pixels", markup=False)


def info(project: Path, *, json: Json = False) -> None:
    """Tell what a project holds.

    Example: `napari-graft info cortex.graft --json`

    Parameters
    ----------
    project
        Folder of the project.
    json
        Print one JSON document.
    """
    from napari_graft.session.projects import describe_project

    known = describe_project(project)
    if json:
        print_json(known)
        return
    for name, value in known.items():
        print(f"{name:18} {value}")
