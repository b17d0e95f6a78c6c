"""Rank the sources by how well they suit the project's image.

Those that cannot be compared on it are left out: too little depth, or a fingerprint that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from napari_graft.core.errors import InputError
from napari_graft.core.process import run_parallel
from napari_graft.core.progress import CancelToken, Progress, Report, note
from napari_graft.inference.features import FEATURE_TILE
from napari_graft.inference.view import scale_factors
from napari_graft.io.volume import Volume
from napari_graft.nets.device import choose_device, count_workers, share_threads
from napari_graft.project.documents import RankedEntry
from napari_graft.project.project import Project
from napari_graft.scorers.order import (
    Evidence,
    SourceScore,
    counts_family_alike,
    nearest_kind,
    of_family,
    rank,
)
from napari_graft.scorers.registry import COMBINED
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.session.projects.project_image import find_diameter_beforehand
from napari_graft.session.ranking.evidence import Measurer
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source, trained_on

Item = TypeVar("Item")
Answer = TypeVar("Answer")

COMPARING = "comparing the image with the sources"
N_DIAGNOSED = 3
"""Best sources for which a domain shift, of scale or noise, is looked for as well."""


@dataclass(frozen=True, slots=True)
class RankedSource:
    """A source with its score."""

    source: Source
    score: SourceScore

    @property
    def title(self) -> str:
        """What the source is called."""
        return self.source.card.title

    @property
    def same_structure(self) -> bool:
        """Whether it finds what is wanted, or something of its family."""
        return self.score.same_structure

    @property
    def consistency(self) -> float | None:
        """Consistency of what it finds, 0 to 1."""
        return self.score.evidence.readings.get("consistency")

    @property
    def few_shot(self) -> float | None:
        """Its score on annotated tiles; None before there is one."""
        return self.score.evidence.readings.get("few-shot")

    def as_dict(self) -> dict[str, object]:
        """Return the entry that ``rank --json`` prints."""
        card, score, evidence = self.source.card, self.score, self.score.evidence
        distance, remedy = evidence.distance, evidence.remedy
        general = evidence.readings.get("mmd-general")
        return {
            "source": card.id,
            "title": card.title,
            "structure": card.structure,
            "mmd2": None if distance is None else distance.mmd2,
            "z": None if distance is None else distance.z,
            "p_value": None if distance is None else distance.p_value,
            "mmd2_general": None if general is None else -general,
            "consistency": self.consistency,
            "few_shot": self.few_shot,
            "combined": score.combined,
            "verdict": score.verdict,
            "same_structure": score.same_structure,
            "remedy": None if remedy is None else remedy.words,
            "remedy_kind": None if remedy is None else remedy.kind,
            "z_after_remedy": None if remedy is None else remedy.z_after,
            "research_only": card.research_only,
            "is_trainable": card.spec.is_trainable,
            "is_weak": card.is_weak,
        }

    def describe(self) -> dict[str, object]:
        """Return that entry with more of the card, such as a window shows."""
        card = self.source.card
        return self.as_dict() | {
            "species": card.species,
            "instrument": card.instrument,
            "pixel_size": None if card.pixel_size is None else list(card.pixel_size),
            "license": card.license,
        }

    def as_entry(self) -> RankedEntry:
        """Return the entry that a project stores."""
        return RankedEntry.model_validate(self.describe() | {"advice": self.score.advice})


def candidate_sources(catalogue: Catalogue, exclude: Collection[str] = ()) -> list[Source]:
    """Return the sources that can be ranked: all that know what they segment, less those to leave out.

    The common ancestor is no candidate: it was trained on generated images only, to start other sources from.

    Raises
    ------
    InputError
        If a source to leave out does not exist.
    """
    sources = [source for source in catalogue.sources() if source.card.structure != "any"]
    excluded = {catalogue.get(name).id for name in exclude}
    return [source for source in sources if source.id not in excluded]


def unseen_sources(
    project: Project, catalogue: Catalogue, exclude: Collection[str] = (), *, named: str = ""
) -> tuple[list[Source], list[Source]]:
    """Return the candidates that have never seen the project's image, and those left out because they have.

    A source that was trained on the image, or on other images of its data set, always looks near and scores
    well on tiles that it has learned. Neither its rank nor its score on held-out tiles can be believed, and
    it would hide the candidates whose can. That holds for a user's own exported run as well. Such a source
    may still be the best start, so whoever asks is told which were left out (`tell_left_out`) and can name
    one: only the automatic choice passes it over.

    Parameters
    ----------
    exclude
        Ids or paths of sources to leave out whatever they have seen; they are not among those returned.
    named
        What the user called the image, where the project holds a copy; by default the project's image.

    Raises
    ------
    InputError
        If a source to leave out does not exist, or every candidate has seen the image.
    """
    candidates = candidate_sources(catalogue, exclude)
    image = named or project.image.path
    seen = [source for source in candidates if trained_on(source, image)]
    unseen = [source for source in candidates if source not in seen]
    if seen and not unseen:
        raise InputError(
            f"all sources that could be ranked were trained on this image or its data set "
            f"({', '.join(source.id for source in seen)}): name the one to use"
        )
    return unseen, seen


def tell_left_out(seen: Sequence[Source]) -> str:
    """Say in a note which sources were left out because they have seen the image, and how to use them."""
    names = ", ".join(source.id for source in seen)
    return (
        f"left out, because trained on this image or its data set: {names} "
        "(train can start from one by its name; rank --include-seen ranks them too)"
    )


def rank_sources(
    project: Project,
    sources: Sequence[Source],
    *,
    scorers: Sequence[str] = COMBINED,
    device: str = "auto",
    report: Report,
    cancel: CancelToken,
) -> list[RankedSource]:
    """Return the sources best first, by the scorers that can measure them.

    Each is ranked in the view that brings the image nearer to it: as it is, or with dark and bright swapped
    (`invert_source`).

    The time depends on the number of sources and not on the size of the image, which is read at a few
    places only.

    Parameters
    ----------
    project
        Its image is the target; tiles that are annotated have a say as well.
    sources
        Those that are 3-D are left out where the image has not the depth (`with_enough_depth`), and those
        whose fingerprints cannot be read.
    scorers
        Names in `SCORERS`.
    device
        Where the networks run.

    Raises
    ------
    InputError
        If no source can be ranked.
    """
    usable = _usable(project, sources, report)
    return _rank(project, usable, scorers, ComputeContext(choose_device(device), cancel), report)


def rank_nearest_kind(
    project: Project, sources: Sequence[Source], *, device: str = "auto", report: Report, cancel: CancelToken
) -> list[RankedSource]:
    """Return the best part of the ranking of some sources: those that cannot come first are not looked at.

    See `rank_sources` for the parameters and the errors.
    """
    usable = {source.id: source for source in _usable(project, sources, report)}
    structures = {source_id: source.card.structure for source_id, source in usable.items()}
    wanted, compute = project.manifest.structure, ComputeContext(choose_device(device), cancel)
    nearest, related = nearest_kind(structures, wanted), of_family(structures, wanted)
    if related and project.annotations.tiles():
        nearest = related
    ranked = _rank(project, [usable[one] for one in nearest], COMBINED, compute, report)
    found = {one.source.id: one.score.evidence for one in ranked}
    if len(related) > len(nearest) and counts_family_alike(found, wanted):
        # What was measured already is remembered.
        ranked = _rank(project, [usable[one] for one in related], COMBINED, compute, report)
    return ranked


def _usable(project: Project, sources: Sequence[Source], report: Report) -> list[Source]:
    """Return the sources that can look at the image; notes name the others."""
    deep_enough = with_enough_depth(sources, project.volume, report)
    usable = [source for source, _ in readable_sources(deep_enough, report)]
    if not usable:
        raise InputError("there is no source to rank: add one with 'napari-graft sources add'")
    return usable


def _rank(
    project: Project,
    usable: Sequence[Source],
    scorers: Sequence[str],
    compute: ComputeContext,
    report: Report,
) -> list[RankedSource]:
    report(Progress(0, None, "reading the image"))
    specs = [source.card.spec for source in usable]
    find_diameter_beforehand(project, specs, compute.cancel, report)
    measurer = Measurer(project, scorers, compute)

    def measure(source: Source) -> tuple[Source, Evidence]:
        view = measurer.best_view(source)
        return view, measurer.evidence(view)

    wanted = project.manifest.structure
    views: dict[str, Source] = {}
    total = len(usable) + min(N_DIAGNOSED, len(usable))
    # One message for all of it: whoever tells the time left begins anew with another.
    report(Progress(0, total, COMPARING))
    evidence: dict[str, Evidence] = {}
    best: list[RankedSource] = []
    for view, found in _side_by_side(_in_order_of_interest(usable, wanted), measure, compute):
        views[view.id], evidence[view.id] = view, found
        best = [RankedSource(views[score.source_id], score) for score in rank(evidence, wanted)]
        so_far = {"ranking": [entry.describe() for entry in best]}
        report(Progress(len(evidence), total, COMPARING, partial=so_far))

    def diagnose(entry: RankedSource) -> RankedSource:
        """Look for a domain shift of one of the best."""
        found = measurer.diagnose(entry.source, entry.score.evidence)
        return replace(entry, score=replace(entry.score, evidence=found))

    diagnosed: dict[str, RankedSource] = {}
    for entry in _side_by_side(best[:N_DIAGNOSED], diagnose, compute):
        diagnosed[entry.source.id] = entry
        report(Progress(len(evidence) + len(diagnosed), total, COMPARING))
    if measurer.failure is not None:
        report(note(f"the next ranking measures all again: {measurer.failure}"))
    return [diagnosed.get(entry.source.id, entry) for entry in best]


def _in_order_of_interest(usable: Sequence[Source], wanted: str | None) -> list[Source]:
    """Return first the sources among which the best one will be, so that they are seen first."""
    nearest = nearest_kind({source.id: source.card.structure for source in usable}, wanted)
    return sorted(usable, key=lambda source: source.id not in nearest)


def _side_by_side(
    items: Sequence[Item], work: Callable[[Item], Answer], compute: ComputeContext
) -> Iterator[Answer]:
    """Yield what comes of each item, in any order: sources are small, and a core each is faster than all."""
    n_workers = count_workers(len(items)) if compute.device.type == "cpu" else 1
    with share_threads(n_workers):
        yield from run_parallel(items, lambda item, _: work(item), n_workers, compute.cancel)


def readable_sources(
    sources: Sequence[Source], report: Report
) -> Iterator[tuple[Source, Fingerprint | None]]:
    """Yield the sources whose fingerprints can be read or are not there, each with its general one.

    A note names each of the others. A file may be damaged, or be of another version of the program where a
    package or a colleague provides the source.
    """
    for source in sources:
        try:
            source.load_fingerprint()
            general = source.load_general_fingerprint()
        except InputError as error:
            report(note(f"left out: {error}"))
        else:
            yield source, general


LARGEST_STEP = 2.0
"""Slices of an image may be this many slices of a 3-D source apart: what lies between would be made up."""


def with_enough_depth(sources: Sequence[Source], volume: Volume, report: Report) -> list[Source]:
    """Return the sources that can look at an image, 2-D ones always; a note names the others and says why."""
    reasons = lacking_depth(sources, volume)
    for reason in dict.fromkeys(reasons.values()):
        others = ", ".join(source_id for source_id, one in reasons.items() if one == reason)
        report(note(f"left out, because they are 3-D and {reason}: {others}"))
    return [source for source in sources if source.id not in reasons]


def lacking_depth(sources: Sequence[Source], volume: Volume) -> dict[str, str]:
    """Return by the id of each source that cannot see an image in 3-D the reason, as `lacks_depth` has it."""
    reasons = {source.id: lacks_depth(source.card.spec, volume) for source in sources}
    return {source_id: reason for source_id, reason in reasons.items() if reason is not None}


def lacks_depth(spec: NetworkSpec, volume: Volume) -> str | None:
    """Return why a 3-D network cannot see an image in 3-D, None where it can or is 2-D.

    It needs as many slices, on its own grid, as the tiles have that its images are compared by. Where the
    slices of the image lie much farther apart than those that it was trained on, most of what it would see is
    interpolated: the distance of the images hardly shows that, and the result is poor.
    """
    if spec.ndim < 3:
        return None
    if volume.axes.ndim < 3:
        return "the image is 2-D"
    step, n_slices = scale_factors(volume.axes, spec)[0], volume.shape[0]
    if n_slices * step < FEATURE_TILE[3][0]:
        return f"the image has {n_slices} slices only"
    if step > LARGEST_STEP:
        return "the slices of the image are too far apart"
    return None
