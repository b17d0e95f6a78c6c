"""Rank the sources by how close they are to the image."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from napari_graft.core.progress import note
from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work
from napari_graft.project.documents import RankedEntry, StoredMap
from napari_graft.sources.source import Source


class RankResult(Answer):
    """Sources in their order.

    Parameters
    ----------
    ranking
        The sources, best first.
    left_out
        Ids of the sources that were trained on the image and therefore not ranked.
    unsuited
        By the id of a 3-D source that was not ranked: why the image has not the depth for it.
    map
        Of the ranked sources and the image, None where it was not asked for or they could not be mapped.
    """

    ranking: tuple[RankedEntry, ...]
    left_out: tuple[str, ...] = ()
    unsuited: dict[str, str] = Field(default_factory=dict)
    map: StoredMap | None = None


class RankRequest(ProjectRequest[RankResult]):
    """What a ranking is asked for. While it is made, the partial result holds the sources that are measured.

    Parameters
    ----------
    exclude
        Ids of sources to leave out.
    include_seen
        Whether the sources that were trained on the image, or on its data set, are ranked as well.
    with_map
        Whether the sources and the image are mapped too.
    device
        Where the encoders run.
    """

    kind: ClassVar[str] = "rank"

    exclude: tuple[str, ...] = ()
    include_seen: bool = False
    with_map: bool = False
    device: str = "auto"


def _rank(request: RankRequest, work: Work) -> RankResult:
    from napari_graft.session.ranking.rank import (
        candidate_sources,
        lacking_depth,
        rank_sources,
        tell_left_out,
        unseen_sources,
    )

    project, device, report, cancel = work.project, request.device, work.report, work.cancel
    seen: list[Source] = []
    if request.include_seen:
        sources = candidate_sources(work.catalogue, request.exclude)
    else:
        sources, seen = unseen_sources(project, work.catalogue, request.exclude)
    if seen:
        report(note(tell_left_out(seen)))
    ranked = rank_sources(project, sources, device=device, report=report, cancel=cancel)
    return RankResult(
        ranking=tuple(entry.as_entry() for entry in ranked),
        left_out=tuple(source.id for source in seen),
        unsuited=lacking_depth(sources, project.volume),
        map=_map(request, work, [entry.source for entry in ranked]) if request.with_map else None,
    )


def _map(request: RankRequest, work: Work, sources: list[Source]) -> StoredMap | None:
    from napari_graft.session.ranking.source_map import map_sources

    mapped = map_sources(sources, work.project, device=request.device, report=work.report, cancel=work.cancel)
    if mapped is None:
        return None
    return StoredMap.model_validate({"names": mapped.names, "distances": mapped.distances.tolist()})


JOB = Job(
    RankRequest,
    RankResult,
    _rank,
    title="Ranking the sources",
    lane="ranking",
    after_a_crash="nothing is lost: rank again",
)
