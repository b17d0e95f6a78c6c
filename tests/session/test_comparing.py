from __future__ import annotations

from itertools import combinations
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_loop import make_annotated

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.project.opening import open_project
from napari_graft.session.model_comparison import CompareOptions, compare_models, disagreement
from napari_graft.sources.catalogue import Catalogue

SEGMENTS = arrays(np.uint32, (5, 6), elements=st.integers(0, 3))


def _brute_force(segmentations: list[np.ndarray]) -> np.ndarray:
    pairs = list(combinations(segmentations, 2))
    share = np.zeros(segmentations[0].shape)
    for first, second in pairs:
        for place in np.ndindex(first.shape):
            a, b = first[place], second[place]
            if a == 0 or b == 0:
                share[place] += a != b
                continue
            both = np.sum((first == a) & (second == b))
            either = np.sum((first == a) | (second == b))
            share[place] += both <= either / 2
    return share / len(pairs)


@settings(max_examples=30)
@given(st.lists(SEGMENTS, min_size=2, max_size=3))
def test_disagreement_is_the_share_of_pairs_that_differ_at_a_pixel(segmentations: list[np.ndarray]) -> None:
    np.testing.assert_allclose(disagreement(segmentations), _brute_force(segmentations), rtol=1e-6)


@given(SEGMENTS)
def test_a_segmentation_agrees_with_itself_whatever_its_ids(segments: np.ndarray) -> None:
    renamed = np.where(segments > 0, 10 - segments, 0).astype(np.uint32)

    assert not disagreement([segments, renamed]).any()


@given(SEGMENTS, SEGMENTS)
def test_disagreement_does_not_depend_on_the_order(first: np.ndarray, second: np.ndarray) -> None:
    np.testing.assert_array_equal(disagreement([first, second]), disagreement([second, first]))


def _compare(folder: Path, out: Path, references: list[str], n_tiles: int = 2) -> list[Path]:
    with open_project(folder) as project:
        request = CompareOptions(tuple(references), out, n_tiles, "cpu")
        return compare_models(
            project, request, catalogue=Catalogue(), report=ignore_progress, cancel=CancelToken()
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("compare") / "p.graft", image, labels)


def test_comparing_draws_one_picture_a_tile(folder: Path, tmp_path: Path) -> None:
    files = _compare(folder, tmp_path / "pictures", ["tiny-nuclei", "tiny-neurites"])

    assert [file.name for file in files] == ["tile_01.png", "tile_02.png"]
    first = iio.imread(files[0])
    assert first.shape[1] > 2 * first.shape[0]  # image, two models and the map side by side
    assert np.ptp(first) > 100


@pytest.mark.parametrize(
    "references", [[], ["tiny-nuclei"], ["tiny-nuclei", "scratch"], ["tiny-nuclei", "tiny-nuclei"]]
)
def test_there_must_be_two_different_models_to_compare(
    folder: Path, tmp_path: Path, references: list[str]
) -> None:
    with pytest.raises(InputError, match="two or more"):
        _compare(folder, tmp_path / "pictures", references)

    assert not (tmp_path / "pictures").exists()


def test_pictures_cannot_go_where_a_file_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match=r"notes\.txt is a file where a folder is needed"):
        _compare(folder, tmp_path / "notes.txt", ["tiny-nuclei", "tiny-neurites"])

    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_no_tile_makes_no_comparison(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 1"):
        _compare(folder, tmp_path / "pictures", ["tiny-nuclei", "tiny-neurites"], n_tiles=0)
