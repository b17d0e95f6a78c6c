"""What the window needs beside the suggestions: tiles to avoid, and the candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.suggestion import SuggestOptions, TileSelection, choose_tiles
from napari_graft.sources.catalogue import Catalogue


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    return tmp_path / "p.graft"


def _choose(
    folder: Path, *, report: Report = ignore_progress, cancel: CancelToken | None = None, **wish: object
) -> TileSelection:
    request = SuggestOptions(**{"tile": 40, "device": "cpu"} | wish)  # type: ignore[arg-type]
    with open_project(folder, write=True) as project:
        selection = choose_tiles(
            project, request, catalogue=Catalogue(), report=report, cancel=cancel or CancelToken()
        )
        assert project.suggestions().suggestions == ()
    return selection


def test_tiles_to_avoid_and_their_neighbours_are_neither_suggested_nor_candidates(folder: Path) -> None:
    before = _choose(folder, n=9, strategy="random")
    avoid = (before.suggestions[0].tile, Tile((60, 60), (40, 40)))
    after = _choose(folder, n=9, strategy="random", avoid=avoid)

    assert len(before.suggestions) == len(before.candidates) > 5
    tiles = [one.tile for one in (*after.suggestions, *after.candidates)]
    assert tiles
    assert not any(tile.overlaps(other) for tile in tiles for other in avoid)
    kept = {one.tile for one in before.candidates if not any(one.tile.overlaps(other) for other in avoid)}
    assert {one.tile for one in after.candidates} == kept


def test_candidates_bear_the_uncertainty_where_a_model_predicts(folder: Path) -> None:
    seen = _choose(folder, strategy="entropy", source="tiny-nuclei")
    unseen = _choose(folder, strategy="freesel")

    assert (seen.strategy, seen.model) == ("entropy", "tiny-nuclei")
    values = {one.tile: one.uncertainty for one in seen.candidates}
    assert all(value is not None and 0 < value < 1 for value in values.values())
    assert all(values[one.tile] == one.score for one in seen.suggestions)
    assert (unseen.strategy, unseen.model) == ("freesel", "ancestor-generated")
    assert all(one.uncertainty is None for one in unseen.candidates)


def test_looking_stops_between_two_tiles_and_counts_them_all(folder: Path) -> None:
    token, seen = CancelToken(), []

    def report(state: Progress) -> None:
        seen.append((state.done, state.total))
        if state.done == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        _choose(folder, report=report, cancel=token)
    assert seen == [(0, 9), (1, 9), (2, 9)]

    _choose(folder, report=lambda state: seen.append((state.done, state.total)))
    assert seen[-1] == (9, 9)


def test_tiles_to_avoid_must_be_those_of_the_image(folder: Path) -> None:
    with pytest.raises(InputError, match="3 axes where the image has 2"):
        _choose(folder, avoid=(Tile((0, 0, 0), (1, 40, 40)),))
