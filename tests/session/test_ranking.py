from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import SEEN_SET, make_sample

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.io.documents import write_document
from napari_graft.project.opening import open_project
from napari_graft.scorers.order import UNKNOWN
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking.rank import (
    RankedSource,
    candidate_sources,
    rank_sources,
    tell_left_out,
    unseen_sources,
)
from napari_graft.session.ranking.source_map import map_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import open_source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, image: Path) -> Path:
    folder = tmp_path_factory.mktemp("rank") / "p.graft"
    make_project(folder, ImageOptions(str(image), structure="nuclei")).close()
    return folder


def _rank(folder: Path, catalogue: Catalogue | None = None) -> list[RankedSource]:
    with open_project(folder) as project:
        sources = candidate_sources(catalogue or Catalogue())
        return rank_sources(project, sources, device="cpu", report=ignore_progress, cancel=CancelToken())


def _z(entry: RankedSource) -> float:
    distance = entry.score.evidence.distance
    assert distance is not None
    return distance.z


def test_a_source_of_the_wanted_structure_comes_first_and_the_ancestor_is_no_candidate(folder: Path) -> None:
    ranked = _rank(folder)

    assert [entry.source.id for entry in ranked] == ["tiny-nuclei", "tiny-neurites"]
    assert [entry.score.same_structure for entry in ranked] == [True, False]


def test_an_image_like_those_of_the_source_lies_nearer_than_noise(
    folder: Path, tmp_path: Path, image: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "noise.tif", noise)
    make_project(tmp_path / "noise.graft", ImageOptions(str(tmp_path / "noise.tif"))).close()

    own = {entry.source.id: _z(entry) for entry in _rank(folder)}
    other = {entry.source.id: _z(entry) for entry in _rank(tmp_path / "noise.graft")}

    assert all(other[name] > 10 + own[name] for name in own)


def test_ranking_twice_gives_the_same_numbers(folder: Path) -> None:
    assert [entry.as_dict() for entry in _rank(folder)] == [entry.as_dict() for entry in _rank(folder)]


def test_sources_are_left_out_by_id_and_by_path(sources: Path) -> None:
    catalogue = Catalogue()

    assert [s.id for s in candidate_sources(catalogue, ["tiny-nuclei"])] == ["tiny-neurites"]
    assert [s.id for s in candidate_sources(catalogue, [str(sources / "tiny-nuclei")])] == ["tiny-neurites"]
    with pytest.raises(InputError, match=r"'tiny-nuclie'.*did you mean tiny-nuclei"):
        candidate_sources(catalogue, ["tiny-nuclie"])


@pytest.fixture
def seen_folder(tmp_path: Path, image: Path) -> Path:
    """Give a project whose image belongs to the set that ``tiny-neurites`` was trained on."""
    (tmp_path / SEEN_SET).mkdir()
    shutil.copy(image, tmp_path / SEEN_SET / "image.tif")
    options = ImageOptions(str(tmp_path / SEEN_SET / "image.tif"), structure="neurites")
    make_project(tmp_path / "seen.graft", options).close()
    return tmp_path / "seen.graft"


def test_a_source_that_has_seen_the_image_is_no_candidate_and_is_named(seen_folder: Path) -> None:
    with open_project(seen_folder) as project:
        unseen, seen = unseen_sources(project, Catalogue())
        excluded = unseen_sources(project, Catalogue(), ["tiny-neurites"])

    assert [source.id for source in unseen] == ["tiny-nuclei"]
    assert [source.id for source in seen] == ["tiny-neurites"]
    assert "tiny-neurites" in tell_left_out(seen)
    assert ([source.id for source in excluded[0]], excluded[1]) == (["tiny-nuclei"], [])


def test_what_the_user_called_the_image_counts_where_the_project_holds_a_copy(folder: Path) -> None:
    with open_project(folder) as project:
        assert unseen_sources(project, Catalogue())[1] == []
        _, seen = unseen_sources(project, Catalogue(), named=f"{SEEN_SET}/image_*.tif")

    assert [source.id for source in seen] == ["tiny-neurites"]


def test_where_every_source_has_seen_the_image_the_user_is_asked_to_name_one(seen_folder: Path) -> None:
    with (
        open_project(seen_folder) as project,
        pytest.raises(InputError, match=r"tiny-neurites.*name the one"),
    ):
        unseen_sources(project, Catalogue(), ["tiny-nuclei"])


def test_without_a_source_there_is_nothing_to_rank(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source to rank"):
        _rank(folder, Catalogue([(tmp_path, "user")]))


def test_without_a_fingerprint_a_source_comes_last_and_a_3d_one_is_left_out_for_a_2d_image(
    folder: Path, tmp_path: Path, sources: Path
) -> None:
    shutil.copytree(sources / "tiny-nuclei", tmp_path / "tiny-nuclei")
    shutil.copytree(sources / "tiny-neurites", tmp_path / "tiny-neurites")
    (tmp_path / "tiny-neurites" / "fingerprint.safetensors").unlink()
    shutil.copytree(sources / "tiny-nuclei", tmp_path / "tiny-3d")
    card = open_source(tmp_path / "tiny-3d", "user").card
    deep = {"id": "tiny-3d", "spec": ModelSpec(ndim=3, widths=(8, 16))}
    write_document(tmp_path / "tiny-3d" / "card.json", card.model_copy(update=deep))

    ranked = _rank(folder, Catalogue([(tmp_path, "user")]))

    assert [(entry.source.id, entry.score.verdict) for entry in ranked[1:]] == [("tiny-neurites", UNKNOWN)]
    assert ranked[1].as_dict()["z"] is None


def test_a_source_with_a_damaged_fingerprint_is_left_out_of_ranking_and_map_and_a_note_says_why(
    folder: Path, tmp_path: Path, sources: Path
) -> None:
    for name in ("tiny-nuclei", "tiny-neurites"):
        shutil.copytree(sources / name, tmp_path / name)
    (tmp_path / "tiny-nuclei" / "fingerprint.safetensors").write_bytes(b"no tensors")
    candidates = candidate_sources(Catalogue([(tmp_path, "user")]))
    notes: list[str] = []

    def note(state: Progress) -> None:
        notes.extend([state.message] if "left out" in state.message else [])

    with open_project(folder) as project:
        ranked = rank_sources(project, candidates, device="cpu", report=note, cancel=CancelToken())
        mapped = map_sources(candidates, project, device="cpu", report=note, cancel=CancelToken())

    assert [entry.source.id for entry in ranked] == ["tiny-neurites"]
    assert mapped is None or "tiny-nuclei" not in mapped.names
    assert len(notes) == 2 and all("tiny-nuclei" in text and "fingerprint" in text for text in notes)


def test_ranking_stops_when_asked_to(folder: Path) -> None:
    token = CancelToken()

    def stop_at_once(state: Progress) -> None:
        token.cancel()

    with open_project(folder) as project, pytest.raises(Cancelled):
        rank_sources(project, candidate_sources(Catalogue()), device="cpu", report=stop_at_once, cancel=token)


def test_a_source_is_ranked_in_the_view_that_brings_the_image_nearer(tmp_path: Path) -> None:
    bright_on_dark = np.vstack([make_sample((96, 192), seed=300 + i).image for i in range(4)])
    tifffile.imwrite(tmp_path / "bright.tif", bright_on_dark)
    tifffile.imwrite(tmp_path / "dark.tif", 255 - bright_on_dark)
    make_project(tmp_path / "bright.graft", ImageOptions(str(tmp_path / "bright.tif"))).close()
    make_project(tmp_path / "dark.graft", ImageOptions(str(tmp_path / "dark.tif"))).close()

    plain, negative = _rank(tmp_path / "bright.graft"), _rank(tmp_path / "dark.graft")

    assert "tiny-nuclei" in {entry.source.id for entry in plain}
    found = {entry.source.id: entry for entry in negative}
    assert "tiny-nuclei@inverted" in found
    entry = found["tiny-nuclei@inverted"]
    assert entry.title.startswith("inverted · ")
    assert _z(entry) == pytest.approx(
        _z(next(one for one in plain if one.source.id == "tiny-nuclei")), rel=1e-3
    )
    assert Catalogue().get(entry.source.id).card.spec.inverted
