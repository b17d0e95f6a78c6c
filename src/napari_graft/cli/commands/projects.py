"""Commands that make a project, tell what is in it, and name its image again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cyclopts import App, Parameter

from napari_graft.cli.console import print_facts, print_json, stderr
from napari_graft.cli.types import SCALE_OF_FILE, Json, Scale
from napari_graft.core.errors import ImageDiffersError
from napari_graft.sources.card import Structure


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading an image file.

    Parameters
    ----------
    axes
        One letter for each axis of the file, for example zyx or zyxc, where the file does not say it.
    channel
        The one channel to use, its name or its number counted from 0; rgb where all are colours.
    invert
        Swap dark and bright before the image is shown to a model.
    object_diameter
        How wide the wanted objects are, in pixels; otherwise sources that know how wide their own are try
        many scales.
    """

    axes: str | None = None
    channel: str | None = None
    invert: bool = False
    object_diameter: float | None = None


def new(
    project: Path,
    *,
    image: str,
    structure: Structure | None = None,
    scale: Scale = SCALE_OF_FILE,
    file: ReadOptions = ReadOptions(),
) -> None:
    """Make a project for an image.

    Example: `napari-graft new cortex.graft --image cortex.tif --pixel-size 40 4 4 --structure neurites`

    Parameters
    ----------
    project
        Folder of the new project, by custom NAME.graft.
    image
        TIFF, OME-TIFF, PNG, MRC, DM3/DM4, OME-Zarr, zarr, or HDF5 as FILE::/dataset; of several
        images, FILE::1.
    structure
        What is to be segmented.
    scale, file
        What the file does not say.
    """
    from napari_graft.session.projects.creation import ImageOptions, make_project
    from napari_graft.session.projects.project_image import pixel_size_lines

    options = ImageOptions(
        image,
        file.axes,
        scale.pixel_size,
        scale.unit,
        file.channel,
        structure,
        file.invert,
        object_diameter=file.object_diameter,
    )
    with make_project(project, options) as made:
        for line in pixel_size_lines(made.manifest):
            stderr.print(line, markup=False)
        for words in made.volume.notes:
            stderr.print(f"note: {words}", markup=False)
        known = made.manifest
        stderr.print(f"made {made.folder}: {known.axes} {known.shape} pixels", markup=False)


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
    from napari_graft.session.projects.creation import FOUND, describe_project

    known = describe_project(project)
    if known["image_state"] != FOUND:
        stderr.print(
            f"note: the image {known['image']} is {known['image_state']}: put it back, or name where it is "
            f"now with 'napari-graft images relink {project} --image FILE'",
            markup=False,
        )
    if json:
        print_json(known)
        return
    print_facts(known, 18)


app = App(name="images", help="Say where the image of a project is.")


@app.command
def relink(project: Path, *, image: str, accept_changed: bool = False) -> None:
    """Name the image of a project again, after it was moved.

    Example: `napari-graft images relink cortex.graft --image /data/2026/cortex.tif`

    The file must hold an image of the same shape. What you painted and trained stays.

    Parameters
    ----------
    project
        Folder of the project.
    image
        Where the image is now; of an HDF5 file the dataset may be left out where it is as before.
    accept_changed
        Take the file although it is not the one that the project was made with.
    """
    from napari_graft.project.opening import open_project
    from napari_graft.session.projects.relinking import relink_image

    with open_project(project, write=True) as opened:
        try:
            relink_image(opened, image, accept_changed=accept_changed)
        except ImageDiffersError as error:
            remedy = "name the right one, or give --accept-changed to use it all the same"
            raise ImageDiffersError(f"{error}: {remedy}") from None
        stderr.print(f"{opened.folder} reads its image from {opened.image.path}", markup=False)
