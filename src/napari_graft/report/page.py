"""Write a report: the page as one file that needs nothing else, its numbers, and its pictures."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import JSON, PAGE, PNG, marked, png_with_mark, program_name
from napari_graft.io.writers.outputs import NO_INPUTS, Outputs
from napari_graft.report.drawing import Picture, ThemedPicture
from napari_graft.report.lineage import references_in
from napari_graft.report.record import MEASURES, LoopRecord, duration, leading_measures, vi_improvement
from napari_graft.report.round_charts import curve_chart, numbered_tiles, overview_charts, round_colour
from napari_graft.report.segmentation_pictures import KINDS, Place, show_place
from napari_graft.report.sentences import further_findings, headline, methods_paragraph
from napari_graft.report.source_charts import is_same_structure, map_chart, ranking_chart
from napari_graft.report.tables import held_out_rows, ranking_rows, result_bars, score_rows


def write_report(record: LoopRecord, folder: str | os.PathLike[str], outputs: Outputs = NO_INPUTS) -> Path:
    """Write ``report.html``, ``report.json`` and the pictures, and return the path of the page.

    The page needs no other file, no network and no script; the pictures lie beside it for slides and papers.
    Each file is written as a whole and the page last, so that a page is never newer than its numbers.

    Raises
    ------
    InputError
        If something else lies in the place of a file, see `Outputs`.
    StorageError
        If the folder or a file cannot be written.
    """
    target = Path(folder)
    with storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    figures = draw_figures(record)
    for picture in figures.pictures:
        outputs.write(target / f"{picture.name}.png", png_with_mark(picture.png), PNG)
    outputs.write(target / "report.json", report_json(record), JSON)
    page = target / "report.html"
    outputs.write(page, render_page(record, figures), PAGE)
    return page


_COLOUR_SEED = 0  # the same record gives the same page


@dataclass(frozen=True, slots=True)
class Figures:
    """All pictures of a page.

    Parameters
    ----------
    ranking, source_map
        None where no source was ranked, and where there is no map.
    curve, overviews, places
        See the modules that draw them.
    """

    ranking: ThemedPicture | None
    source_map: ThemedPicture | None
    curve: ThemedPicture
    overviews: tuple[Picture, ...]
    places: tuple[Place, ...]

    @property
    def pictures(self) -> list[Picture]:
        """All of them, each once."""
        themed = [figure for figure in (self.ranking, self.source_map, self.curve) if figure is not None]
        drawn = [picture for figure in themed for picture in (figure.light, figure.dark)]
        return [*drawn, *self.overviews, *(picture for place in self.places for picture in place.pictures)]


def draw_figures(record: LoopRecord) -> Figures:
    """Draw all pictures of a page."""
    rng = np.random.default_rng(_COLOUR_SEED)
    return Figures(
        ranking_chart(record) if record.ranking else None,
        None if record.source_map is None else map_chart(record.source_map, record.titles, "this image"),
        curve_chart(record),
        tuple(overview_charts(record)),
        tuple(show_place(panel, i, rng) for i, panel in enumerate(record.panels, start=1)),
    )


def render_page(record: LoopRecord, figures: Figures) -> str:
    """Return the HTML of a page; every string of the record is escaped."""
    held_out_heads, held_out = held_out_rows(record)
    methods = methods_paragraph(record)
    return _environment().get_template("report.html.j2").render(
        record=record,
        generator=program_name(),
        figures=figures,
        headline=headline(record),
        findings=further_findings(record),
        leading=leading_measures(record.structure)[0],
        bars=result_bars(record),
        image_words=_image_words(record),
        duration=duration(record.seconds),
        ranking=ranking_rows(record),
        has_other_structures=any(not is_same_structure(record, row) for row in record.ranking),
        numbers_on=[[n for n, _ in numbered_tiles(record, i)] for i in range(len(record.overviews))],
        round_colour=round_colour,
        kinds=KINDS,
        measures=MEASURES,
        scores=score_rows(record),
        held_out_heads=held_out_heads,
        held_out=held_out,
        methods=methods,
        references=references_in(methods),
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("napari_graft.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["glue"] = _glue
    return environment


def _glue(sentence: str) -> str:
    """Keep a score, its number and its unit on one line."""
    return re.sub(r"(?:(?<=\bVI)|(?<=AP50)) (?=\d)|(?<=\d) (?=bits)", "\u00a0", sentence)


def _image_words(record: LoopRecord) -> str:
    size = " × ".join(f"{n:,}".replace(",", "\u202f") for n in record.shape)
    pixels = "pixel size unknown"
    if record.pixel_size is not None:
        pixels = f"{' × '.join(f'{side:g}' for side in record.pixel_size)} {record.unit} per pixel"
    return f"{record.image_name} · {size} ({', '.join(record.axes)}) · {pixels}"


def report_json(record: LoopRecord) -> str:
    """Return the content of ``report.json``: valid JSON, in which null stands for what is not a number.

    ``improvement`` is the share by which VI is below training from scratch, at the same number of tiles.
    """
    content = marked(
        {
            "title": record.title,
            "headline": headline(record),
            "improvement": vi_improvement(record),
            "ranking": record.ranking,
            "map": None if record.source_map is None else _map(record.source_map),
            "excluded": record.excluded,
            "zero_shot": record.zero_shot,
            "scratch": record.scratch,
            "rounds": record.rounds,
            "scratch_rounds": record.scratch_rounds,
            "scratch_longer": record.scratch_longer,
            "held_out": record.held_out,
            "tiles": [asdict(tile) for tile in record.tiles],
            "image": {
                "name": record.image_name,
                "shape": record.shape,
                "axes": record.axes,
                "pixel_size": record.pixel_size,
                "unit": record.unit,
            },
            "structure": record.structure,
            "strategy": record.strategy,
            "notes": record.notes,
            "facts": record.facts,
            "seconds": record.seconds,
        }
    )
    return json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _map(mapped: SourceMap) -> dict[str, object]:
    """Return the sources in the order in which the tree shows them; None stands for the image."""
    names = [name or None for name in mapped.ordered_names]
    return {"sources": names, "distances": mapped.ordered_distances}


def plain(value: object) -> object:
    """Return a value made of what JSON knows; NaN and infinity become None, numpy's numbers Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
