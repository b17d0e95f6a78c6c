"""Add a source to the user's own, as a job of a window."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.errors import IdTakenError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.sources.catalogue import user_home
from napari_graft.sources.source import Source


def add_to_own(path: Path, replaces: bool, report: Report, cancel: CancelToken) -> Source | IdTakenError:
    """Copy a source, a file or a folder; an error is returned where another one has its id."""
    # The formats of other programs take a while to import: only who adds a source waits for it.
    from napari_graft.exchange.add import add_source
    from napari_graft.exchange.wishes import ImportOptions

    options = ImportOptions(replaces=replaces)
    try:
        return add_source(path, user_home(), options=options, report=report, cancel=cancel)
    except IdTakenError as error:
        return error
