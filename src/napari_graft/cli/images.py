"""Commands about the image of a project."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from napari_graft.cli.console import stderr
from napari_graft.core.errors import ImageDiffersError

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
    from napari_graft.session.relinking import relink_image

    with open_project(project, write=True) as opened:
        try:
            relink_image(opened, image, accept_changed=accept_changed)
        except ImageDiffersError as error:
            remedy = "name the right one, or give --accept-changed to use it all the same"
            raise ImageDiffersError(f"{error}: {remedy}") from None
        stderr.print(f"{opened.folder} reads its image from {opened.image.path}", markup=False)
