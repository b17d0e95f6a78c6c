"""Export a segmentation, or what a project knows, to one file or folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report, note
from napari_graft.io import Volume, open_labels, open_volume
from napari_graft.io.atomic import publish_file, storage_errors, sync_tree
from napari_graft.io.labels import MaskMeaning, tell_only_object
from napari_graft.io.writers.file_kinds import is_our_zarr
from napari_graft.io.writers.outputs import Input, Outputs, is_project
from napari_graft.io.writers.staging import REPLACED, Staging, publish_folder
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.proofreading import ProofreadingStore
from napari_graft.project.results import ResultStore, written_results
from napari_graft.session.exporting.formats import EXPORT_FORMATS
from napari_graft.session.exporting.task import ExportFormat, ExportTask, hold
from napari_graft.session.models import image_inputs, outputs_beside

_UNFINISHED = "export"
"""Folder, beside what another command may have left there unfinished."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Request for an export.

    Parameters
    ----------
    segmentation
        Folder of a project, which stands for its newest segmentation of the whole image, or a label image.
    to
        Name in `EXPORT_FORMATS`.
    out
        File, or folder of an OME-Zarr.
    run
        Run of the project whose result or model is meant, None for the newest.
    image
        The image of a label image, for intensities, None where it is of a project or not at hand.
    axes, mask
        See `open_labels`.
    pixel_size, unit
        Length of a pixel along y x, or z y x; wins over what the files say.
    labels_only
        Whether an OME-Zarr is of the objects alone, without their image.
    overwrite
        Whether a file is replaced that is not known to be an earlier result; never an input or a project.
    """

    segmentation: str
    to: str
    out: Path
    run: str | None = None
    image: str | None = None
    axes: str | None = None
    mask: MaskMeaning | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    labels_only: bool = False
    overwrite: bool = False


def export(request: ExportOptions, *, report: Report, cancel: CancelToken) -> int | None:
    """Write a segmentation, or what a project knows, and return the number of objects, if it is of any.

    What is unfinished lies in ``OUT.partial`` until it is whole.

    Raises
    ------
    InputError
        If there is no such format or segmentation, or something else is where the result is to be.
    StorageError
        If the disk is full.
    Cancelled
        When asked to stop; nothing is left.
    """
    chosen = EXPORT_FORMATS[request.to]
    _check_ending(request, chosen)
    with _opened(request) as project:
        task, outputs = _prepare(request, chosen, project, report, cancel)
        _check(request.out, chosen, task, outputs)
        staging = Staging.claim(request.out)
        try:
            unfinished = staging.folder / _UNFINISHED / request.out.name
            staging.remove(_UNFINISHED)
            with storage_errors(request.out):
                unfinished.parent.mkdir()
            n_objects = chosen.write(task, unfinished)
            cancel.raise_if_cancelled()
            _check(request.out, chosen, task, outputs)
            _publish(request.out, chosen, staging)
        finally:
            staging.close(_UNFINISHED, REPLACED)
    return n_objects


def _check_ending(request: ExportOptions, chosen: ExportFormat) -> None:
    if request.out.suffix.lower() not in chosen.endings:
        usual = request.out.with_suffix(chosen.endings[0]).name
        raise InputError(
            f"{request.out} is no name of a file of the format {request.to}, which ends in "
            f"{' or '.join(chosen.endings)}: write {usual}"
        )


@contextmanager
def _opened(request: ExportOptions) -> Iterator[Project | None]:
    """Open the project that is exported from, None where a label image is named."""
    folder = Path(request.segmentation).expanduser()
    if not is_project(folder):
        yield None
        return
    given = [name for name in ("image", "axes", "mask", "pixel_size") if getattr(request, name) is not None]
    if given:
        words = given[0].replace("_", "-")
        raise InputError(
            f"--{words} is for a label image, and {folder} is a project, which knows it: leave it out"
        )
    with open_project(folder) as project:
        yield project


def _prepare(
    request: ExportOptions, chosen: ExportFormat, project: Project | None, report: Report, cancel: CancelToken
) -> tuple[ExportTask, Outputs]:
    """Return what is to be written, and where that may be."""
    task = ExportTask(project=project, run=request.run, report=report, cancel=cancel)
    if project is not None:
        structure, name = project.manifest.structure or task.structure, Path(project.image.path).name
        task = replace(task, structure=structure, image_name=name)
        outputs = outputs_beside(project, may_overwrite=request.overwrite)
        if chosen.needs == "objects":
            found = _result_of(project, request.run)
            corrected = _corrected(project, found, report, cancel)
            task = replace(task, found=corrected, image=_image(request, chosen, project))
            own = Input(Path(found.name), "the segmentation")
            outputs = replace(outputs, inputs=(*outputs.inputs, own))
        return task, outputs
    if chosen.needs == "project" or request.run is not None:
        what = f"the format {request.to}" if chosen.needs == "project" else "--run"
        raise InputError(
            f"{what} is of a project, and {request.segmentation} is none: name its folder NAME.graft"
        )
    inputs = image_inputs(request.segmentation, "the label image")
    if request.image is not None:
        inputs += image_inputs(request.image, "the image")
    found, name = _labels(request, report), Path(request.image or request.segmentation).name
    task = replace(task, found=found, image=_image(request, chosen, None), image_name=name)
    return task, Outputs(tuple(inputs), request.overwrite)


def _labels(request: ExportOptions, report: Report) -> Volume:
    """Return the label image that is named, with the pixel size that is given or that of its image."""
    labels = open_labels(request.segmentation, axes=request.axes, mask=request.mask)
    words = tell_only_object(labels) if request.mask is None else None
    if words:
        report(note(words))
    axes = labels.axes
    if request.pixel_size is not None:
        axes = Axes(axes.names, request.pixel_size, request.unit)
    elif axes.pixel_size is None and request.image is not None:
        axes = open_volume(request.image).axes
    # The pieces of a mask are numbered in what is read at once.
    labels = replace(labels, axes=axes)
    return hold(labels, is_required=True) if request.mask == "pieces" else labels


def _image(request: ExportOptions, chosen: ExportFormat, project: Project | None) -> Volume | None:
    if request.labels_only and request.to == "ome-zarr":
        return None
    if project is not None:  # its image may have been moved, which is no matter where it is not read
        return project.volume if chosen.reads_image else None
    return None if request.image is None else open_volume(request.image)


def _result_of(project: Project, run: str | None) -> Volume:
    """Return the newest segmentation of the whole image of a project, of one run where that is named.

    What a source made untouched stands back behind those of all runs.

    Raises
    ------
    InputError
        If there is none.
    """
    shape = project.manifest.shape
    wanted = None if run is None else project.runs.get(run).id
    store = ResultStore(project.folder / "results")
    results = [found for one in project.runs.all() if (found := store.find(one.id)) is not None]
    written = [one for one in written_results(project.folder) if wanted in (None, one.run)]
    of_runs = [
        one.labels for one in results if one.record.shape == shape and wanted in (None, one.record.run)
    ]
    of_runs += [one.file(project.folder) for one in written if one.run is not None]
    of_sources = [one.file(project.folder) for one in written if one.run is None]
    for file in (*_newest_first(of_runs), *_newest_first(of_sources)):
        labels = _open_whole(file, shape)
        if labels is not None:
            return replace(labels, axes=project.manifest.spatial_axes)
    of_run = "" if wanted is None else f" by run {wanted}"
    raise InputError(
        f"{project.folder} knows no segmentation of its whole image{of_run}: make one with 'napari-graft "
        f"predict {project.folder} --out segments.zarr', or name the file of one instead of the project"
    )


def _corrected(project: Project, found: Volume, report: Report, cancel: CancelToken) -> Volume:
    """Return a segmentation with what was corrected of it in the window; a note says how much that is.

    Where nothing was, or the corrections are of another one that was in its place, it is as it is.
    """
    store = ProofreadingStore(project.folder, Path(found.name), writable=False)
    if not store.edits_path.exists():
        return found
    try:
        corrected = store.read_corrected(found, report, cancel)
    except InputError as error:
        report(note(f"exported as it was segmented: {error}"))
        return found
    n_edits = corrected.journal.n_done
    if not n_edits:
        return found
    report(note(f"exported with what was corrected ({n_edits} edits)"))
    return replace(found, data=corrected.labels)


def _open_whole(file: Path, shape: tuple[int, ...]) -> Volume | None:
    """Open a result; None where something else is in its place by now, or it is of a part of the image."""
    try:
        labels = open_labels(file)
    except InputError as error:
        _log.warning("left out: %s", error)
        return None
    return labels if labels.shape == shape else None


def _newest_first(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=_written_at, reverse=True)


def _written_at(file: Path) -> int:
    return (file / "zarr.json" if file.is_dir() else file).stat().st_mtime_ns


def _check(out: Path, chosen: ExportFormat, task: ExportTask, outputs: Outputs) -> None:
    if chosen.kind is None:
        outputs.check_zarr(out, is_our_zarr)
    else:
        outputs.check_file(out, chosen.kind(task))
    if task.image is not None and task.labels.shape != task.image.shape:
        raise InputError(
            f"the label image has shape {task.labels.shape}, the image {task.image.shape}: "
            "give labels of the same image at the same resolution"
        )


def _publish(out: Path, chosen: ExportFormat, staging: Staging) -> None:
    name = f"{_UNFINISHED}/{out.name}"
    with storage_errors(out):
        if chosen.kind is None:
            sync_tree(staging.folder / name)
            publish_folder(staging, name, out)
        else:
            publish_file(staging.folder / name, out)
