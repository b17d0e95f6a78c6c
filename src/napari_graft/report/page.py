"""The page as one file that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_graft.io.marks import program_name
from napari_graft.report.curve_chart import curve_chart
from napari_graft.report.drawing import ThemedPicture
from napari_graft.report.errors import KINDS
from napari_graft.report.headline import further_findings, headline
from napari_graft.report.map_chart import map_chart
from napari_graft.report.measures import MEASURES, leading_measures
from napari_graft.report.methods import REFERENCES, methods_paragraph
from napari_graft.report.overview_chart import numbered_tiles, overview_charts, round_colour
from napari_graft.report.pictures import Picture
from napari_graft.report.places import Place, show_place
from napari_graft.report.ranking_chart import is_same_structure, ranking_chart
from napari_graft.report.record import LoopRecord
from napari_graft.report.tables import held_out_rows, ranking_rows, result_bars, score_rows
from napari_graft.report.values import duration

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
        methods=methods_paragraph(record),
        references=REFERENCES,
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
