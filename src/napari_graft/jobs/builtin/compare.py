"""Draw what several models make of the same tiles, and where they agree."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work


class CompareResult(Answer):
    """Pictures that were drawn.

    Parameters
    ----------
    files
        One a tile.
    """

    files: tuple[str, ...]


class CompareRequest(ProjectRequest[CompareResult]):
    """What a comparison is asked for.

    Parameters
    ----------
    sources
        Two or more sources or runs.
    out
        Folder for the pictures.
    n
        Number of tiles: those suggested last, and where these are too few, tiles spread over the image.
    device
        Where the networks run.
    overwrite
        Whether pictures are replaced that are not known to be earlier ones; never an input or a project.
    """

    kind: ClassVar[str] = "compare"

    sources: tuple[str, ...]
    out: str
    n: int = 2
    device: str = "auto"
    overwrite: bool = False


def _compare(request: CompareRequest, work: Work) -> CompareResult:
    from napari_graft.session.model_comparison import CompareOptions, compare_models

    options = CompareOptions(request.sources, Path(request.out), request.n, request.device, request.overwrite)
    files = compare_models(
        work.project, options, catalogue=work.catalogue, report=work.report, cancel=work.cancel
    )
    return CompareResult(files=tuple(map(str, files)))


JOB = Job(
    CompareRequest,
    CompareResult,
    _compare,
    title="Comparing the sources",
    lane="short",
    after_a_crash="nothing is lost: compare again",
)
