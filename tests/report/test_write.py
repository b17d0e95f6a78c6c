"""The written report: complete, self-contained, escaped, valid, and whole or not there."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_graft.core.errors import InputError, StorageError
from napari_graft.report import LoopRecord, Overview, Panel, SuggestedTile, write_report
from napari_graft.report.drawing import ThemedPicture, picture_of
from napari_graft.report.page import Figures, render_page, report_json
from napari_graft.report.segmentation_pictures import show_place

VOID = {"meta", "img", "source", "input", "br"}


class Page(HTMLParser):
    """Collect what a page holds, and check that its tags are nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def folder(record: LoopRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(record, tmp_path_factory.mktemp("report") / "new" / "folder").parent


def page_of(record: LoopRecord) -> Page:
    """Return the page with a dot for each chart: they are slow to draw, and tested elsewhere."""
    dot = picture_of(np.zeros((1, 1), np.uint8), "dot", "a dot")
    chart = ThemedPicture(dot, dot)
    places = tuple(show_place(panel, 1, np.random.default_rng(0)) for panel in record.panels)
    mapped = None if record.source_map is None else chart
    figures = Figures(
        chart if record.ranking else None, mapped, chart, (dot,) * len(record.overviews), places
    )
    return Page(render_page(record, figures))


def without_pictures(record: LoopRecord) -> LoopRecord:
    return replace(record, tiles=(), overviews=(), panels=())


def test_the_json_holds_what_other_programs_rely_on(record: LoopRecord, folder: Path) -> None:
    content = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert content.keys() >= {"ranking", "rounds", "zero_shot", "scratch", "seconds"}
    assert content.keys() >= {"scratch_rounds", "tiles", "facts", "excluded", "improvement"}
    assert content["rounds"] == [dict(row) for row in record.rounds]
    assert content["ranking"] == [dict(row) for row in record.ranking]
    assert content["map"]["sources"].count(None) == 1
    assert np.shape(content["map"]["distances"]) == (len(record.ranking) + 1,) * 2
    assert content["tiles"][5]["start"] == [1, 0, 96]
    assert content["improvement"] == pytest.approx(
        1 - content["rounds"][0]["vi"] / content["scratch"]["vi"], rel=1e-12
    )


def test_what_is_not_a_number_is_null_in_the_json(record: LoopRecord) -> None:
    odd = {**record.zero_shot, "vi": nan, "ap50": np.float32(inf), "n_true": np.int64(3)}
    text = report_json(replace(record, zero_shot=odd))
    zero_shot = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["zero_shot"]
    assert (zero_shot["vi"], zero_shot["ap50"], zero_shot["n_true"]) == (None, None, 3)


def test_the_page_needs_no_other_file_no_network_and_no_script(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.attributes("script")
    assert not page.attributes("link")
    addresses = [a[key] for _, a in page.tags for key in ("src", "srcset", "href") if key in a]
    assert addresses
    assert all(address and address.startswith("data:image/webp;base64,") for address in addresses)
    assert not re.search(r"url\(|@import|https?://", text)


def test_every_picture_is_described_and_lies_beside_the_page(folder: Path) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    images = page.attributes("img")
    # three charts, two overviews, and for a place: image, truth, and objects and errors of four models
    assert len(images) == 3 + 2 + 2 + 2 * 4
    assert all(image["alt"] and image["width"] and image["height"] for image in images)
    files = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    assert len(files) == len(images) + 3  # the charts also in dark
    assert all(content.startswith(b"\x89PNG\r\n") for content in files.values())


def test_nothing_but_the_report_is_left_in_the_folder(folder: Path) -> None:
    others = {path.name for path in folder.iterdir() if path.suffix != ".png"}
    assert others == {"report.html", "report.json"}


def test_the_page_tells_the_reasons_the_facts_and_the_scores(folder: Path) -> None:
    words = Page((folder / "report.html").read_text(encoding="utf-8")).words
    for expected in (
        "unlike anything chosen so far",
        "2 CPU cores",
        "Left out on request: isbi2012-neurites",
    ):
        assert expected in words
    for expected in ("The image is generated", "try it with inverted contrast", "4\u202fmin 23\u202fs"):
        assert expected in words


def test_markup_in_words_is_shown_and_not_obeyed(record: LoopRecord) -> None:
    evil = "<script>alert('x')</script> & \"<b>\" $x_1$ {{ 7 * 7 }}"
    tile = SuggestedTile(1, (0, 0, 0), (1, 9, 9), 0.0, evil, 0)
    ranking = ({**record.ranking[0], "title": evil, "remedy": evil}, *record.ranking[1:])
    small = np.zeros((9, 9), np.uint8)
    page = page_of(
        replace(
            record,
            **dict.fromkeys(("title", "image_name", "structure_words", "unit", "strategy"), evil),
            ranking=ranking,
            tiles=(tile,),
            overviews=(Overview(small),),
            panels=(Panel(evil, small, small, {evil: small}),),
            facts={evil: evil},
            notes=(evil,),
            excluded=(evil,),
            held_out={evil: {"vi": 1.0}},
        )
    )
    assert not page.attributes("script")
    assert not [a for a in page.attributes("b") if a == {}][8:]  # only the template's own
    assert page.words.count(evil) >= 12


def test_missing_and_undefined_scores_are_dashes(record: LoopRecord) -> None:
    bare = replace(
        without_pictures(record),
        rounds=({"n_tiles": 1, "source": "fly-neurites", "vi": nan},),
        scratch={"n_tiles": 1, "source": "scratch"},
        scratch_rounds=(),
        zero_shot={},
        held_out={},
        ranking=({**record.ranking[0], "z": nan, "p_value": None}, record.ranking[1]),
        excluded=(),
        facts={},
        notes=(),
        pixel_size=None,
    )
    words = page_of(bare).words
    assert "cannot be compared" in words
    assert "nan" not in words.lower()
    assert "pixel size unknown" in words


def test_no_ranking_leaves_its_section_out(record: LoopRecord) -> None:
    words = page_of(replace(without_pictures(record), ranking=())).words
    assert "Which source fits this image?" not in words
    assert "“fly-neurites” gives" in words


def test_without_a_map_its_section_is_left_out(record: LoopRecord) -> None:
    assert "Map of the sources" in page_of(record).words
    assert "Map of the sources" not in page_of(replace(record, source_map=None)).words


def test_the_parts_of_the_ranking_are_told_in_the_table_and_in_the_methods(record: LoopRecord) -> None:
    parts = {"combined": 0.125, "mmd2_general": 0.0173, "consistency": 0.87, "few_shot": None}
    rows = ({**record.ranking[0], **parts}, *record.ranking[1:])
    words = page_of(replace(record, ranking=rows)).words
    assert [part for part in ("Combined rank", "0.12", "0.017", "0.87") if part not in words] == []
    assert "mean place in the squared" in words
    assert "in one encoder for all sources, the agreement of their segmentations" in words
    assert "mean place in" not in page_of(record).words


def test_a_run_that_was_not_kept_is_told(record: LoopRecord) -> None:
    rejected = {**record.rounds[1], "kept": False}
    page = page_of(replace(without_pictures(record), rounds=(record.rounds[0], rejected)))
    assert "not kept" in page.words


def test_writing_the_same_record_again_gives_the_same_files(
    record: LoopRecord, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text('<meta name="generator" content="napari-graft 0.1">')
    write_report(record, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in folder.iterdir()}
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_folder_that_cannot_be_made_is_a_clear_error(record: LoopRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        write_report(without_pictures(record), tmp_path / "file")


def test_scratch_is_compared_at_a_number_of_tiles_that_was_reached(record: LoopRecord) -> None:
    with pytest.raises(InputError, match="used 5 tiles"):
        replace(record, scratch={**record.scratch, "n_tiles": 5})
    with pytest.raises(InputError, match=r"rounds \[\]"):
        replace(record, rounds=())


def test_a_tile_needs_its_overview(record: LoopRecord) -> None:
    with pytest.raises(InputError, match=r"overviews \[1\]"):
        replace(record, overviews=record.overviews[:1])


def test_pictures_of_one_place_have_one_shape() -> None:
    small, large = np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8)
    with pytest.raises(InputError, match="the middle"):
        Panel("the middle", small, large, {})
    with pytest.raises(InputError, match="scale 0"):
        Overview(small, None, 0)


def test_a_page_with_all_the_noisy_pictures_of_a_demonstration_is_small_enough_to_send(
    noisy_record: LoopRecord, tmp_path: Path
) -> None:
    page = write_report(noisy_record, tmp_path)
    assert page.stat().st_size < 5e6
    uris = re.findall(r"data:image/webp;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    pictures = [Image.open(io.BytesIO(b64decode(uri))) for uri in uris]
    assert [picture.size for picture in pictures].count((384, 384)) == 2 * (2 + 2 * 5)
    grey = np.asarray(pictures[[picture.size for picture in pictures].index((384, 384))].convert("L"))
    shown = noisy_record.panels[0].image
    assert np.abs(grey.astype(float) - shown).mean() < 6, "the picture is no longer that of the image"
