"""Bring sources in and out: add to the user's own, export a source or a run."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken, Report
from napari_graft.exchange.add import add_source
from napari_graft.exchange.formats import FORMATS
from napari_graft.exchange.wishes import NO_WISHES, Wishes
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.fingerprints.general import general_fingerprint
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.inference.view import ModelView
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import build_network
from napari_graft.nets.device import choose_device
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.session.models import SCRATCH
from napari_graft.session.views import random_tiles, view_of
from napari_graft.sources.archive import CARD, FINGERPRINT, GENERAL, WEIGHTS
from napari_graft.sources.card import Provenance, SourceCard, TrainingRecord
from napari_graft.sources.catalogue import Catalogue, user_home
from napari_graft.sources.document import write_document
from napari_graft.sources.exclude import checksum_of
from napari_graft.sources.source import Source, open_source
from napari_graft.sources.spec import in_plane

_N_FEATURE_TILES = 96


def add_to_user(
    path_or_url: str,
    *,
    sha256: str | None = None,
    wishes: Wishes = NO_WISHES,
    report: Report,
    cancel: CancelToken,
) -> Source:
    """Add a source to the user's own; see `add_source`."""
    return add_source(path_or_url, user_home(), sha256=sha256, wishes=wishes, report=report, cancel=cancel)


def export_reference(reference: str, out: Path, format_name: str = "graftsource") -> None:
    """Write a source, or a run named PROJECT:RUN, into one file of a format of `FORMATS`.

    Raises
    ------
    InputError
        If there is no such source, run or format.
    StorageError
        If the disk is full.
    """
    write = FORMATS[format_name].write
    folder, separator, run_id = reference.rpartition(":")
    if not separator or not Path(folder).is_dir():
        write(Catalogue().get(reference), out)
        return
    with open_project(folder) as project, tempfile.TemporaryDirectory() as unfinished:
        write(_source_of_run(project, project.runs.get(run_id), Path(unfinished)), out)


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
    features = tile_features(network, images, device)
    save_tensors(folder / FINGERPRINT, make_fingerprint(features, None, digest, rng).to_tensors(), {})
    if view.spec.ndim == 3:
        images = _feature_tiles(view_of(project, in_plane(view.spec)), rng)
    general = general_fingerprint(images, None, Catalogue(), device)
    if general is not None:
        save_tensors(folder / GENERAL, general.to_tensors(), {})
    write_document(folder / CARD, _card_of_run(project, run, digest))
    return open_source(folder, "file")


def _feature_tiles(view: ModelView, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    tiles = random_tiles(view, FEATURE_TILE[view.spec.ndim], _N_FEATURE_TILES, rng)
    return [view.read(tile) for tile in tiles]


def _card_of_run(project: Project, run: Run, digest: str) -> SourceCard:
    record, manifest = run.record, project.manifest
    origin = _first_source(project, run)
    slug = "".join(c if c.isalnum() and c.isascii() else "-" for c in manifest.name.lower()).strip("-")
    parts = "-".join(part for part in slug.split("-") if part)
    return SourceCard(
        id=f"{parts or 'project'}-run-{record.id}",
        title=f"{manifest.name}, run {record.id}",
        structure=manifest.structure or "any",
        spec=record.spec,
        license="not stated" if origin is None else origin.card.license,
        research_only=origin is not None and origin.card.research_only,
        citation="" if origin is None else origin.card.citation,
        data_origin="adapted by a user of napari-graft",
        weights_sha256=digest,
        training=_training_of_run(project, run, origin),
        validation=record.validation,
        decode=record.decode,
        provenance=Provenance(parent=record.source, n_tiles=record.n_tiles),
    )


def _training_of_run(project: Project, run: Run, origin: Source | None) -> TrainingRecord:
    """Record what a run has seen: the project's image, and all that its first source was trained on."""
    seen = TrainingRecord() if origin is None else origin.card.training
    own = checksum_of(project.image.path)
    return TrainingRecord(
        datasets=seen.datasets,
        image_sha256s=seen.image_sha256s if own is None else (*seen.image_sha256s, own),
        related_datasets=seen.related_datasets,
        steps=run.record.steps,
        seconds=run.record.seconds,
        device=run.record.device,
    )


def _first_source(project: Project, run: Run) -> Source | None:
    """Return the source that a run and those before it began with: its terms hold for the run as well."""
    while run.record.parent is not None:
        run = project.runs.get(run.record.parent)
    return None if run.record.source == SCRATCH else Catalogue().get(run.record.source)
