"""Write a report into a folder."""

from __future__ import annotations

import os
from pathlib import Path

from napari_graft.io.atomic import storage_errors, write_bytes, write_text
from napari_graft.io.marks import png_with_mark
from napari_graft.report.document import report_json
from napari_graft.report.page import draw_figures, render_page
from napari_graft.report.record import LoopRecord


def write_report(record: LoopRecord, folder: str | os.PathLike[str]) -> Path:
    """Write ``report.html``, ``report.json`` and the pictures, and return the path of the page.

    The page needs no other file, no network and no script; the pictures lie beside it for slides and papers.
    Each file is written as a whole and the page last, so that a page is never newer than its numbers.

    Raises
    ------
    StorageError
        If the folder or a file cannot be written.
    """
    target = Path(folder)
    with storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    figures = draw_figures(record)
    for picture in figures.pictures:
        write_bytes(target / f"{picture.name}.png", png_with_mark(picture.png))
    write_text(target / "report.json", report_json(record))
    page = target / "report.html"
    write_text(page, render_page(record, figures))
    return page
