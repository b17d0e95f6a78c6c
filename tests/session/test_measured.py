"""What a ranking measured is kept, and measured again when something that it depends on has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io.documents import write_document
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking import evidence
from napari_graft.session.ranking.evidence import FOLDER
from napari_graft.session.ranking.rank import RankedSource, candidate_sources, rank_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import MARK, open_source

SOURCES = ["tiny-neurites", "tiny-nuclei"]
Ranking = list[dict[str, object]]


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    folder = tmp_path / "p.graft"
    make_project(folder, ImageOptions(str(image), structure="nuclei")).close()
    return folder


@pytest.fixture(scope="module")
def ranked_once(tmp_path_factory: pytest.TempPathFactory, image: Path) -> tuple[Path, Ranking]:
    folder = tmp_path_factory.mktemp("ranked") / "p.graft"
    make_project(folder, ImageOptions(str(image), structure="nuclei")).close()
    return folder, _rank(folder)


@pytest.fixture
def ranked(ranked_once: tuple[Path, Ranking], tmp_path: Path) -> tuple[Path, Ranking]:
    """Give a project in which all was measured, nothing being painted, and the ranking."""
    folder = tmp_path / "ranked.graft"
    shutil.copytree(ranked_once[0], folder)
    return folder, ranked_once[1]


class _Ears:
    """Note which sources are measured, and on what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []
        for name in ("_measure_image", "_measure_tiles", "_measure_scale"):
            monkeypatch.setattr(evidence.Measurer, name, self._listen(name))

    def _listen(self, name: str) -> Callable[..., object]:
        real = getattr(evidence.Measurer, name)

        def measure(measurer: evidence.Measurer, source: object, *rest: object) -> object:
            self.heard.append(f"{name.removeprefix('_measure_')} of {source.id}")  # type: ignore[attr-defined]  # a source
            return real(measurer, source, *rest)

        return measure

    def take(self) -> list[str]:
        heard, self.heard = sorted(self.heard), []
        return heard


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> _Ears:
    return _Ears(monkeypatch)


def _rank(folder: Path, catalogue: Catalogue | None = None) -> Ranking:
    with open_project(folder) as project:
        return [entry.as_dict() for entry in _rank_in(project, catalogue)]


def _rank_in(project: Project, catalogue: Catalogue | None = None) -> list[RankedSource]:
    sources = candidate_sources(catalogue or Catalogue())
    return rank_sources(project, sources, device="cpu", report=ignore_progress, cancel=CancelToken())


def _paint(folder: Path, label: int = 2) -> None:
    labels = np.ones((64, 64), np.uint32)
    labels[10:30, 10:30] = label
    labels[40:60, 10:30] = label + 1
    with open_project(folder, write=True) as project:
        project.annotations.write(LabelledTile(Tile((0, 0), (64, 64)), labels, complete=True, round=1))


ALL_ON = {part: [f"{part} of {name}" for name in SOURCES] for part in ("image", "scale", "tiles")}
ALL = sorted(one for found in ALL_ON.values() for one in found)


def test_a_second_ranking_measures_nothing_and_says_the_same(folder: Path, ears: _Ears) -> None:
    _paint(folder)
    first = _rank(folder)
    assert ears.take() == ALL
    assert all(entry["few_shot"] is not None and entry["z"] is not None for entry in first)

    assert _rank(folder) == first
    assert ears.take() == []


def test_what_is_remembered_is_what_is_measured(folder: Path) -> None:
    _paint(folder)
    remembered = [_rank(folder), _rank(folder)][1]
    shutil.rmtree(folder / FOLDER)

    assert _rank(folder) == remembered


def test_a_tile_painted_or_painted_anew_has_only_the_tiles_measured_again(
    ranked: tuple[Path, Ranking], ears: _Ears
) -> None:
    folder, before = ranked
    _paint(folder)
    first = _rank(folder)
    assert ears.take() == ALL_ON["tiles"]
    _paint(folder, label=7)
    _rank(folder)

    assert ears.take() == ALL_ON["tiles"]
    assert all(entry["few_shot"] is None for entry in before)
    assert [entry["z"] for entry in first] == [entry["z"] for entry in before]


def test_another_wish_has_only_the_tiles_measured_again(folder: Path, ears: _Ears) -> None:
    _paint(folder)
    before = _rank(folder)
    ears.take()
    with open_project(folder, write=True) as project:
        project.update_manifest(structure="neurites")
    after = {one["source"]: one for one in _rank(folder)}

    assert [one for one in ears.take() if not one.startswith("scale")] == ALL_ON["tiles"]
    assert all(after[one["source"]]["few_shot"] != one["few_shot"] for one in before)  # VI and not AP
    assert all(after[one["source"]]["z"] == one["z"] for one in before)


@pytest.mark.parametrize("change", [{"inverted": True}, {"pixel_size": (5.0, 5.0)}], ids=str)
def test_another_look_at_the_image_has_all_measured_again(
    ranked: tuple[Path, Ranking], ears: _Ears, change: dict[str, object]
) -> None:
    folder, _ = ranked
    with open_project(folder, write=True) as project:
        project.update_manifest(**change)
    _rank(folder)

    assert {one.removesuffix(MARK) for one in ears.take()} == set(ALL)


def test_an_image_that_was_overwritten_is_measured(tmp_path: Path, image: Path, ears: _Ears) -> None:
    own = tmp_path / "own.tif"
    shutil.copy(image, own)
    make_project(tmp_path / "p.graft", ImageOptions(str(own), structure="nuclei")).close()
    before = _rank(tmp_path / "p.graft")
    ears.take()
    tifffile.imwrite(own, np.flipud(np.fliplr(tifffile.imread(own))) // 2)
    after = _rank(tmp_path / "p.graft")

    assert ears.take() == ALL
    assert [one["z"] for one in after] != [one["z"] for one in before]


def test_pixels_changed_in_place_in_a_zarr_folder_are_measured(
    tmp_path: Path, image: Path, ears: _Ears
) -> None:
    array = zarr.create_array(tmp_path / "i.zarr", data=tifffile.imread(image), chunks=(64, 64))
    make_project(tmp_path / "z.graft", ImageOptions(str(tmp_path / "i.zarr"), structure="nuclei")).close()
    _rank(tmp_path / "z.graft")
    ears.take()
    _rank(tmp_path / "z.graft")
    assert ears.take() == []
    array[:8, :8] = 255 - array[:8, :8]
    _rank(tmp_path / "z.graft")
    assert [heard for heard in ears.take() if heard.startswith("image")]


def test_another_source_of_the_same_name_is_measured_and_the_others_are_not(
    folder: Path, tmp_path: Path, sources: Path, ears: _Ears
) -> None:
    own = tmp_path / "own"
    for name in SOURCES:
        shutil.copytree(sources / name, own / name)
    catalogue = Catalogue([(own, "user")])
    _rank(folder, catalogue)
    ears.take()
    card = open_source(own / "tiny-nuclei", "user").card
    write_document(
        own / "tiny-nuclei" / "card.json", card.model_copy(update={"decode": {"foreground_threshold": 0.7}})
    )
    _rank(folder, catalogue)
    assert {one.rpartition(" ")[2] for one in ears.take()} == {"tiny-nuclei"}

    (own / "tiny-neurites" / "fingerprint.safetensors").unlink()
    ranked = _rank(folder, catalogue)
    assert {one.rpartition(" ")[2] for one in ears.take()} == {"tiny-neurites"}
    assert next(one["z"] for one in ranked if one["source"] == "tiny-neurites") is None


def test_a_source_that_comes_later_is_the_only_one_measured(folder: Path, ears: _Ears) -> None:
    with open_project(folder) as project:
        only = [one for one in candidate_sources(Catalogue()) if one.id == "tiny-nuclei"]
        rank_sources(project, only, device="cpu", report=ignore_progress, cancel=CancelToken())
    ears.take()
    _rank(folder)

    assert ears.take() == [one for one in ALL if one.endswith("tiny-neurites")]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format_version": 9}', b"\xff\x00", b'{"key": 1}'])
def test_a_damaged_file_is_measured_again(ranked: tuple[Path, Ranking], ears: _Ears, damage: bytes) -> None:
    folder, first = ranked
    (folder / FOLDER / "tiny-nuclei-image.json").write_bytes(damage)

    assert _rank(folder) == first
    assert ears.take() == ["image of tiny-nuclei"]


def test_a_stopped_ranking_goes_on_where_it_was(folder: Path, ears: _Ears) -> None:
    token = CancelToken()

    def stop_after_the_first(state: Progress) -> None:
        if state.done == 1:
            token.cancel()

    with open_project(folder) as project, pytest.raises(Cancelled):
        sources = candidate_sources(Catalogue())
        rank_sources(project, sources, device="cpu", report=stop_after_the_first, cancel=token)
    kept = sorted(path.stem.rpartition("-")[0] for path in (folder / FOLDER).glob("*-tiles.json"))
    assert kept
    ears.take()
    _rank(folder)

    assert not {f"image of {name}" for name in kept} & set(ears.take())


def test_where_nothing_can_be_kept_all_is_ranked_and_a_note_says_why(
    ranked: tuple[Path, Ranking], ears: _Ears
) -> None:
    folder, first = ranked
    shutil.rmtree(folder / FOLDER)
    (folder / FOLDER).write_text("in the way")
    notes: list[str] = []

    def note(state: Progress) -> None:
        notes.extend([state.message] if "measures all again" in state.message else [])

    with open_project(folder) as project:
        sources = candidate_sources(Catalogue())
        ranked = rank_sources(project, sources, device="cpu", report=note, cancel=CancelToken())
    assert [entry.as_dict() for entry in ranked] == first
    assert ears.take() == ALL
    assert len(notes) == 1
    assert "cannot write" in notes[0]
