"""The command that maps the sources."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

from napari_graft.cli.console import print_json, print_rows, progress, stderr
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.source_map import TARGET, SourceMap
from napari_graft.io.writers.file_kinds import JSON, PNG, marked, png_with_mark
from napari_graft.io.writers.outputs import Outputs
from napari_graft.project.opening import open_project
from napari_graft.report.source_charts import map_chart
from napari_graft.session.models import outputs_beside
from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.session.ranking.source_map import LabelFinding, describe_map, explain_distances, map_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source

_COLUMNS = ("label", "same", "different", "p", "pairs")
_N_NEAREST = 5
_KINDS = {".png": PNG, ".json": JSON}


def map_command(
    project: Path | None, out: Path | None, device: str, *, overwrite: bool, as_json: bool
) -> None:
    """Map the sources, print what their distances follow, and write a picture or the numbers.

    Raises
    ------
    InputError
        If the file is to be neither PNG nor JSON, something else is there, or there is nothing to map.
    """
    if out is not None and out.suffix.lower() not in _KINDS:
        raise InputError(f"a map cannot be written as {str(out)!r}: name a .png or a .json file")
    sources = candidate_sources(Catalogue())
    outputs = _outputs(project, sources, overwrite)
    if out is not None:
        outputs.check_file(out, _KINDS[out.suffix.lower()])
    mapped = _map(sources, project, device)
    findings = explain_distances(mapped, [source.card for source in sources])
    target = "your image" if project is None else project.stem
    titles = {source.id: source.card.title for source in sources} | {TARGET: target}
    described = marked(describe_map(mapped, titles, findings))
    if out is not None and out.suffix.lower() == ".png":
        outputs.write(out, png_with_mark(map_chart(mapped, titles, target).light.png), PNG)
    elif out is not None:
        text = json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False)
        outputs.write(out, f"{text}\n", JSON)
    if as_json:
        print_json(described)
        return
    print_rows([_row(finding) for finding in findings], _COLUMNS)
    if TARGET in mapped.names:
        near = mapped.nearest_to(TARGET)[:_N_NEAREST]
        print(f"nearest to {target}: " + ", ".join(f"{name} {far:.2f}" for name, far in near))
    if out is not None:
        stderr.print(f"wrote {out}", markup=False)


def _outputs(project: Path | None, sources: list[Source], overwrite: bool) -> Outputs:
    places = [str(source.path) for source in sources]
    with nullcontext() if project is None else open_project(project) as opened:
        return outputs_beside(opened, places, may_overwrite=overwrite)


def _map(sources: list[Source], project: Path | None, device: str) -> SourceMap:
    with (
        nullcontext() if project is None else open_project(project) as opened,
        progress() as (report, cancel),
    ):
        mapped = map_sources(sources, opened, device=device, report=report, cancel=cancel)
    if mapped is None:
        raise InputError(
            "less than two sources have a fingerprint to map: add one with 'napari-graft sources add'"
        )
    return mapped


def _row(finding: LabelFinding) -> dict[str, object]:
    effect = finding.effect
    return {
        "label": finding.label,
        "same": effect.mean_same,
        "different": effect.mean_different,
        "p": effect.p_value,
        "pairs": f"{effect.n_same} and {effect.n_different}",
    }
