"""Bring sources in and out: add to the user's own, export a source or a run."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import IdTakenError, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.exchange.add import add_source, install
from napari_graft.exchange.formats import FORMATS, check_ending, holds_network, is_export_of
from napari_graft.exchange.import_options import DEFAULT_IMPORT, ImportOptions
from napari_graft.fingerprints.fingerprint import general_fingerprint, make_fingerprint
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.inference.view import ModelView
from napari_graft.io.documents import write_document
from napari_graft.io.weights import save_tensors
from napari_graft.io.writers.file_kinds import FileKind
from napari_graft.nets.build import build_network
from napari_graft.nets.device import choose_device
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run, open_run
from napari_graft.session.models import SCRATCH, find_run, outputs_beside
from napari_graft.session.projects.project_image import random_tiles, view_of
from napari_graft.sources.archive import CARD, FINGERPRINT, GENERAL, WEIGHTS
from napari_graft.sources.card import Provenance, SourceCard, Structure, TrainingRecord
from napari_graft.sources.catalogue import Catalogue, user_home
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.network_spec import in_plane
from napari_graft.sources.source import Source, checksum_of, open_source

_N_FEATURE_TILES = 96
_MOST_OF_A_NAME = 1000


def add_to_user(
    path_or_url: str,
    *,
    sha256: str | None = None,
    options: ImportOptions = DEFAULT_IMPORT,
    report: Report,
    cancel: CancelToken,
) -> Source:
    """Add a source to the user's own; see `add_source`."""
    return add_source(path_or_url, user_home(), sha256=sha256, options=options, report=report, cancel=cancel)


def export_reference(
    reference: str, out: Path, format_name: str = "graftsource", *, overwrite: bool = False
) -> None:
    """Write a source, or a run named PROJECT:RUN, into one file of a format of `FORMATS`.

    Parameters
    ----------
    overwrite
        Whether a file is replaced that is no earlier export of the same; never an input or a project.

    Raises
    ------
    InputError
        If there is no such source, run or format, `out` ends otherwise than files of the format do, or
        something else is there.
    StorageError
        If the disk is full.
    """
    write = FORMATS[format_name].write
    folder, separator, run_id = reference.rpartition(":")
    if not separator or not Path(folder).is_dir():
        source = Catalogue().get(reference)
        check_ending(out, format_name)
        outputs = outputs_beside(None, [reference, str(source.path)], may_overwrite=overwrite)
        kind = _export_of(source.id, source.card.title)
        outputs.check_file(out, kind)
        with tempfile.TemporaryDirectory() as unfinished:
            file = Path(unfinished, out.name)
            write(source, file)
            outputs.write(out, file.read_bytes(), kind)
        return
    with open_project(folder) as project, tempfile.TemporaryDirectory() as unfinished:
        run = project.runs.get(run_id)
        check_ending(out, format_name)
        kind = kind_of_run(project, run)
        outputs = outputs_beside(project, may_overwrite=overwrite)
        outputs.check_file(out, kind)
        file = Path(unfinished, out.name)
        write_run(project, run, file, format_name)
        outputs.write(out, file.read_bytes(), kind)


def kind_of_run(project: Project, run: Run) -> FileKind:
    """Return the kind of the files that a run is exported to; those of another run are not ours."""
    return _export_of(_id_of_run(project, run))


def write_run(project: Project, run: Run, out: Path, format_name: str) -> None:
    """Write a run as one file of a format of `FORMATS`, to a path that is free.

    Raises
    ------
    InputError
        If the format needs a library that is missing.
    StorageError
        If the disk is full.
    """
    with tempfile.TemporaryDirectory() as unfinished:
        FORMATS[format_name].write(_source_of_run(project, run, Path(unfinished)), out)


def add_bridged(project: Project, run: Run) -> Source:
    """Add the source that a bridge made to the user's own, under a name that nothing has.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    with tempfile.TemporaryDirectory() as unfinished:
        folder = Path(unfinished)
        source = _source_of_run(project, run, folder)
        for number in range(2, _MOST_OF_A_NAME):
            try:
                return install(source, user_home())
            except IdTakenError:
                card = source.card.model_copy(update={"id": f"{_id_of_run(project, run)}-{number}"})
                write_document(folder / CARD, card)
                source = open_source(folder, "file")
        return install(source, user_home())


def _export_of(source_id: str, title: str | None = None) -> FileKind:
    def is_ours(path: Path) -> bool:
        return is_export_of(path, source_id, title)

    return FileKind("an earlier export or another file of a network", is_ours, holds_network)


def _source_of_run(project: Project, run: Run, folder: Path) -> Source:
    """Make a source of a run: its weights in half precision, a fingerprint of the image, and a card."""
    halves = {name: value.astype(np.float16) for name, value in run.load_weights().items()}
    save_tensors(folder / WEIGHTS, halves, {"run": run.id})
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    network = build_network(run.record.spec, halves)
    view = view_of(project, run.record.spec)
    rng = np.random.default_rng(0)
    images = _feature_tiles(view, rng)
    device = choose_device("cpu")
    fingerprint = _fingerprint_of_bridge(run, digest)
    if fingerprint is None and run.record.bridge is None:
        features = tile_features(network, images, device)
        fingerprint = make_fingerprint(features, None, digest, rng)
    if fingerprint is not None:
        save_tensors(folder / FINGERPRINT, fingerprint.to_tensors(), {})
    if view.spec.ndim == 3:
        images = _feature_tiles(view_of(project, in_plane(view.spec)), rng)
    general = general_fingerprint(images, None, Catalogue(), device)
    if general is not None:
        save_tensors(folder / GENERAL, general.to_tensors(), {})
    write_document(folder / CARD, _card_of_run(project, run, digest))
    return open_source(folder, "file")


def _fingerprint_of_bridge(run: Run, digest: str) -> Fingerprint | None:
    """Return what a bridged source has to be compared with, None for other runs, or where nothing is known.

    That is what its source remembers of its own training images: translated, an image is to look like those.
    A fingerprint of the image itself would call every bridge near. Where a student's encoder has moved away
    from the source's, the distance is too large, never too small.
    """
    bridge = run.record.bridge
    if bridge is None:
        return None
    try:
        known = Catalogue().get(bridge.source).load_fingerprint()
    except InputError:  # it was a run, or is no longer there
        return None
    return None if known is None else replace(known, encoder=digest)


def _feature_tiles(view: ModelView, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    tiles = random_tiles(view, FEATURE_TILE[view.spec.ndim], _N_FEATURE_TILES, rng)
    return [view.read(tile) for tile in tiles]


def _card_of_run(project: Project, run: Run, digest: str) -> SourceCard:
    record = run.record
    origins = first_sources(project, run)
    return SourceCard(
        id=_id_of_run(project, run),
        title=_title_of_run(project, run),
        structure=_structure_of_run(project, run, origins),
        spec=record.spec,
        license=_joined("; ", [one.card.license for one in origins]) or "not stated",
        research_only=any(one.card.research_only for one in origins),
        citation=_joined("; ", [one.card.citation for one in origins]),
        data_origin="adapted by a user of napari-graft",
        weights_sha256=digest,
        ancestor=_common([one.card.ancestor for one in origins]),
        training=_training_of_run(project, run, origins),
        validation=record.validation,
        decode=record.decode,
        provenance=Provenance(parent=record.source, n_tiles=record.n_tiles),
    )


def _structure_of_run(project: Project, run: Run, origins: Sequence[Source]) -> Structure:
    """Return what a run finds: what the project is about, else what a bridged source found before."""
    if project.manifest.structure is None and run.record.bridge is not None and origins:
        return origins[0].card.structure
    return project.manifest.structure or "any"


def _title_of_run(project: Project, run: Run) -> str:
    bridge, name = run.record.bridge, project.manifest.name
    return f"{name}, run {run.record.id}" if bridge is None else f"{bridge.source}, bridged to {name}"


def _id_of_run(project: Project, run: Run) -> str:
    name = project.manifest.name.lower()
    slug = "".join(c if c.isalnum() and c.isascii() else "-" for c in name).strip("-")
    parts = "-".join(part for part in slug.split("-") if part)
    return f"{parts or 'project'}-run-{run.record.id}"


def _training_of_run(project: Project, run: Run, origins: Sequence[Source]) -> TrainingRecord:
    """Record what a run has seen: the project's image, and all that its first sources were trained on.

    A bridge has seen the image without a label, and is there to be ranked for it.
    """
    seen = [one.card.training for one in origins]
    own = checksum_of(project.image.path) if run.record.bridge is None else None
    images = [digest for record in seen for digest in record.image_sha256s]
    return TrainingRecord(
        datasets=_each_once(name for record in seen for name in record.datasets),
        image_sha256s=_each_once(images if own is None else [*images, own]),
        related_datasets=_each_once(name for record in seen for name in record.related_datasets),
        steps=run.record.steps,
        seconds=run.record.seconds,
        device=run.record.device,
    )


def first_sources(project: Project, run: Run) -> list[Source]:
    """Return the sources that a run and those before it began with: their terms hold for the run as well."""
    record = run.record
    if record.parent is not None:
        return first_sources(project, _beside(run, record.parent))
    found: dict[str, Source] = {}
    for reference in (record.source,) if record.merge is None else record.merge.references:
        own = reference.removeprefix("run ")
        before = find_run(reference, project) if own == reference else _beside(run, own)
        if before is not None:
            found |= {one.id: one for one in first_sources(project, before)}
        elif reference != SCRATCH:
            source = Catalogue().get(reference)
            found[source.id] = source
    return list(found.values())


def _beside(run: Run, run_id: str) -> Run:
    """Return another run of the same project, which need not be the one that is exported from."""
    return open_run(run.folder.with_name(run_id))


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _joined(separator: str, words: Sequence[str]) -> str:
    return separator.join(_each_once(one for one in words if one))


def _common(ancestors: Sequence[str | None]) -> str | None:
    """Return the ancestor that all share, None where they share none."""
    return ancestors[0] if len(set(ancestors)) == 1 else None
