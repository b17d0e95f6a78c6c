from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_sample, make_stack

from napari_graft.acquisition.candidates import Suggestion
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.project.tile_queue import TileQueue, TileState
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.sources.catalogue import Catalogue

STRATEGIES = (
    "auto", "random", "foreground-random", "foreground-diversity", "entropy", "median-uncertainty", "freesel",
    "freesel-farthest", "k-center", "uncertainty-diversity",
)  # fmt: skip


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project of a 160 × 160 image whose right half is empty."""
    folder = tmp_path_factory.mktemp("sheet")
    sample = make_sample((160, 160), seed=3)
    image = sample.image.copy()
    empty = np.random.default_rng(0).integers(20, 24, (160, 80))
    image[:, 80:] = empty
    tifffile.imwrite(folder / "image.tif", image)
    tifffile.imwrite(folder / "labels.tif", sample.segments)
    make_project(folder / "p.graft", ImageOptions(str(folder / "image.tif"))).close()
    return folder / "p.graft"


def _suggest(folder: Path, *, write: bool = False, **wish: object) -> list[Suggestion]:
    request = SuggestOptions(**{"tile": 40, "device": "cpu"} | wish)  # type: ignore[arg-type]
    with open_project(folder, write=write) as project:
        return suggest_tiles(
            project, request, catalogue=Catalogue(), report=ignore_progress, cancel=CancelToken()
        )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_suggests_tiles_apart_with_reasons_and_no_blank_one(sheet: Path, strategy: str) -> None:
    found = _suggest(sheet, strategy=strategy, source="tiny-nuclei")

    assert len(found) == 4
    assert all(suggestion.tile.shape == (40, 40) for suggestion in found)
    assert not any(a.tile.overlaps(b.tile) for a, b in combinations(found, 2))
    assert all(suggestion.tile.start[1] < 80 for suggestion in found)
    assert all(len(suggestion.reason.split()) > 2 for suggestion in found)


def test_tiles_suit_the_objects_where_their_size_is_known(tmp_path: Path, sheet: Path) -> None:
    usual = _suggest(sheet, tile=None, n=1)
    image = str(sheet.parent / "image.tif")
    make_project(tmp_path / "p.graft", ImageOptions(image, object_diameter=8)).close()
    fitting = _suggest(tmp_path / "p.graft", tile=None, n=1)

    assert usual[0].tile.shape == (160, 160)  # 256, as far as the image goes
    assert fitting[0].tile.shape == (64, 64)


def test_the_same_seed_suggests_the_same(sheet: Path) -> None:
    assert _suggest(sheet, strategy="random", seed=5) == _suggest(sheet, strategy="random", seed=5)
    assert _suggest(sheet, strategy="random", seed=5) != _suggest(sheet, strategy="random", seed=6)


def test_annotated_tiles_are_not_suggested_again(tmp_path: Path, sheet: Path) -> None:
    labels = sheet.with_name("labels.tif")
    make_project(tmp_path / "p.graft", ImageOptions(str(sheet.with_name("image.tif")))).close()

    first = _suggest(tmp_path / "p.graft", write=True)
    with open_project(tmp_path / "p.graft", write=True) as project:
        assert [stored.tile for stored in project.suggestions().suggestions] == [s.tile for s in first]
        assert all(stored.reason for stored in project.suggestions().suggestions)
        annotate_from_labels(project, open_labels(labels), [s.tile for s in first])
    second = _suggest(tmp_path / "p.graft", source="tiny-nuclei")

    assert not any(a.tile.overlaps(b.tile) for a in first for b in second)


@pytest.mark.parametrize("state", ["skipped", "bad image", "to do"])
def test_tiles_that_the_user_turned_down_in_the_window_are_not_suggested_again(
    tmp_path: Path, sheet: Path, state: TileState
) -> None:
    folder = tmp_path / "p.graft"
    make_project(folder, ImageOptions(str(sheet.with_name("image.tif")))).close()
    first = _suggest(folder, write=True)
    queue = TileQueue()
    for suggestion in first:
        queue = queue.with_tile(suggestion.tile, state=state)
    with open_project(folder, write=True) as project:
        project.store_queue(queue)

    second = _suggest(folder)

    is_met_again = any(a.tile.overlaps(b.tile) for a in first for b in second)
    assert is_met_again == (state == "to do")


def test_suggestions_stay_inside_the_part_that_was_asked_for(sheet: Path) -> None:
    found = _suggest(sheet, within=Tile((80, 0), (80, 80)), n=4)

    assert all(Tile((80, 0), (80, 80)).contains(s.tile) for s in found)


def test_tiles_of_a_stack_are_one_slice_thick(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", make_stack(3, 64).image)
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "stack.tif"), axes="zyx")).close()

    found = _suggest(tmp_path / "p.graft", tile=32, n=3)

    assert [s.tile.shape for s in found] == [(1, 32, 32)] * 3


def test_a_tile_larger_than_the_image_is_as_large_as_the_image(sheet: Path) -> None:
    (only,) = _suggest(sheet, tile=256, n=1)

    assert only.tile == Tile((0, 0), (160, 160))


def test_an_image_that_is_wholly_annotated_has_no_tile_left(
    tmp_path: Path, image: Path, labels: Path
) -> None:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    with open_project(tmp_path / "p.graft", write=True) as project:
        annotate_from_labels(project, open_labels(labels), [Tile((0, 0), (128, 128))])

    with pytest.raises(InputError, match="no tile is left"):
        _suggest(tmp_path / "p.graft")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"n": 0}, "at least 1"),
        ({"tile": 8}, "too small"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"strategy": "by-eye"}, "'by-eye'.*freesel"),
        ({"strategy": "entropy"}, "--source"),
        ({"source": "scratch"}, "learned nothing"),
        ({"source": "nothing"}, "'nothing'"),
        ({"device": "tpu"}, "'tpu'"),
    ],
)
def test_a_wish_that_cannot_be_met_is_explained(sheet: Path, wish: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        _suggest(sheet, **wish)


def test_the_number_of_patterns_can_be_said_and_has_bounds(sheet: Path) -> None:
    one, many = (_suggest(sheet, strategy="freesel", source="tiny-nuclei", patterns=n) for n in (1, 9))
    assert len(one) == len(many) == 4
    assert [suggestion.tile for suggestion in one] != [suggestion.tile for suggestion in many]
    with pytest.raises(InputError, match="cannot make 0 patterns of a tile: use 1 to 50"):
        SuggestOptions(patterns=0)
