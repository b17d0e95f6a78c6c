"""What a project has beside its objects: the model in use, and the paragraph for the methods of a paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import NAME, FileKind, is_text
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.session.exporting.task import ExportFormat, ExportTask

if TYPE_CHECKING:
    from napari_graft.report.lineage import Lineage


def _project(task: ExportTask) -> Project:
    if task.project is None:
        raise InputError("this format is of a project, and a label image was named: name the project")
    return task.project


def _run(task: ExportTask) -> Run:
    return _project(task).runs.get(task.run or "latest")


def _write_model(format_name: str, task: ExportTask, out: Path) -> None:
    from napari_graft.session.sources import write_run  # it loads torch

    task.step(0, 1, "packing the model")
    write_run(_project(task), _run(task), out, format_name)


def _kind_of_model(task: ExportTask) -> FileKind:
    from napari_graft.session.sources import kind_of_run

    return kind_of_run(_project(task), _run(task))


def write_methods(task: ExportTask, out: Path) -> None:
    """Write what was done, in sentences to be pasted, with what to cite."""
    from napari_graft.report.lineage import references_in
    from napari_graft.report.record import LoopRecord
    from napari_graft.report.sentences import methods_of_project

    project, last = _project(task), _run(task)
    manifest, led = project.manifest, _led_to(project, last)
    rounds = [run for run in led if not run.is_prepared and run.record.bridge is None]
    if last.is_prepared:
        raise InputError(f"run {last.id} is a prepared source and no model: train from it, or name a round")
    rows, validation = _rows(rounds or [last], led[0].record.source), last.record.validation
    record = LoopRecord(
        title=manifest.name,
        image_name=Path(manifest.image).name,
        shape=manifest.shape,
        axes=manifest.axes,
        pixel_size=manifest.pixel_size,
        unit=manifest.unit,
        structure=manifest.structure or "any",
        structure_words=task.structure if manifest.structure else "objects",
        ranking=tuple(entry.model_dump() for entry in project.ranking().entries),
        rounds=rows,
        zero_shot={},
        scratch={"n_tiles": rows[-1]["n_tiles"]},
        seconds=sum(one.record.seconds for one in rounds),
        held_out={"new": validation} if validation and rounds else {},
        facts={
            "Version": _version(),
            "Device": last.record.device,
        },
        strategy=project.suggestions().strategy,
    )
    words = methods_of_project(record, _lineage(project, led))
    references = "\n".join(f"- {one}" for one in references_in(words))
    with storage_errors(out):
        out.write_text(f"{words}\n\nReferences\n\n{references}\n", encoding="utf-8")


def _lineage(project: Project, led: Sequence[Run]) -> Lineage:
    """Return what became of the source before tiles were learned from, by the runs that led to the model."""
    from napari_graft.report.lineage import Lineage

    first = led[0].record
    began = (first.source,) if first.merge is None else first.merge.references
    bridges = [run.record.bridge for run in led if run.record.bridge is not None]
    bridges += [
        run.record.bridge
        for run in project.runs.all()
        if run.record.bridge is not None and run.record.bridge.source_id in began
    ]
    merge = next((run.record.merge for run in led if run.record.merge is not None), None)
    prepared = [run.record.pretraining for run in led if run.record.pretraining is not None]
    return Lineage(
        merged="" if merge is None else merge.method,
        n_merged=0 if merge is None else len(merge.members),
        bridged=bridges[0].method if bridges else "",
        n_pairs=bridges[0].n_pairs if bridges else 0,
        prepared=prepared[-1].objective if prepared else "",
    )


def _rows(runs: Sequence[Run], source: str) -> tuple[dict[str, object], ...]:
    """Return the rounds of annotation, each with all training up to its end.

    Trainings on as many tiles are of one round.
    """
    rows: dict[int, dict[str, object]] = {}
    steps, seconds = 0, 0.0
    for one in (run.record for run in runs):
        steps, seconds = steps + one.steps, seconds + one.seconds
        rows.pop(one.n_tiles, None)  # the last comes last
        rows[one.n_tiles] = {
            "source": source,
            "n_tiles": one.n_tiles,
            "steps": steps,
            "seconds": seconds,
        }
    return tuple(rows.values())


def _led_to(project: Project, last: Run) -> list[Run]:
    """Return the runs that led to one, the first of them first, and it."""
    found = [last]
    while found[0].record.parent is not None:
        found.insert(0, project.runs.get(found[0].record.parent))
    return found


def _version() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:  # run from a checkout that was not installed
        return ""


def _never(path: Path) -> bool:
    """Say that a text is not ours: who pasted it may have gone on to write in it."""
    return False


BIOIMAGEIO = ExportFormat(partial(_write_model, "bioimageio"), (".zip",), _kind_of_model, "project")
GRAFTSOURCE = ExportFormat(partial(_write_model, "graftsource"), (".graftsource",), _kind_of_model, "project")
METHODS = ExportFormat(
    write_methods, (".txt", ".md"), lambda _: FileKind("a text", _never, is_text), "project"
)
