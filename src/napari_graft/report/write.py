"""Write a report into a folder."""

from __future__ import annotations

import os
from pathlib import Path

from napari_graft.io.atomic import storage_errors
from napari_graft.io.file_kinds import JSON, PAGE, PNG
from napari_graft.io.marks import png_with_mark
from napari_graft.io.outputs import NO_INPUTS, Outputs
from napari_graft.report.document import report_json
from napari_graft.report.page import draw_figures, render_page
from napari_graft.report.record import LoopRecord


def write_report(record: LoopRecord, folder: str | os.PathLike[str], outputs: Outputs = NO_INPUTS) -> Path:
    """Write ``report.html``, ``report.json`` and the pictures, and return the path of the page.

    The page needs no other file, no network and no script; the pictures lie beside it for slides and papers.
    Each file is written as a whole and the page last, so that a page is never newer than its numbers.

    Raises
    ------
    InputError
        If something else lies in the place of a file, see `Outputs`.
    StorageError
        If the folder or a file cannot be written.
    """
    target = Path(folder)
    with storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    figures = draw_figures(record)
    for picture in figures.pictures:
        outputs.write(target / f"{picture.name}.png", png_with_mark(picture.png), PNG)
    outputs.write(target / "report.json", report_json(record), JSON)
    page = target / "report.html"
    outputs.write(page, render_page(record, figures), PAGE)
    return page
