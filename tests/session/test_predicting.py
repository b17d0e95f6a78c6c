from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import PIXEL_NM, make_sample

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.project.opening import open_project
from napari_graft.project.results import written_results
from napari_graft.session.models import load_model
from napari_graft.session.prediction import PredictOptions, parse_region, predict_project, segment_tiles
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.catalogue import Catalogue


@pytest.mark.parametrize(
    ("text", "tile"),
    [
        ("2:5,0:10,3:20", Tile((2, 0, 3), (3, 10, 17))),
        ("2:,:,:7", Tile((2, 0, 0), (8, 40, 7))),
        (" 0:10 , 0:40 , 0:50 ", Tile((0, 0, 0), (10, 40, 50))),
    ],
)
def test_a_region_names_its_start_and_stop_along_each_axis(text: str, tile: Tile) -> None:
    assert parse_region(text, (10, 40, 50)) == tile


def test_no_region_is_the_whole_image() -> None:
    assert parse_region(None, (10, 40, 50)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0:5",
        "0:5,0:5",
        "0:5,0:5,0:5,0:5",
        "5:5,:,:",
        "6:5,:,:",
        "0:11,:,:",
        "-1:5,:,:",
        "a:b,:,:",
        "1,2,3",
        "0:5:2,:,:",
    ],
)
def test_a_region_that_does_not_fit_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_region(text, (10, 40, 50))

    assert repr(text) in str(error.value)
    remedies = ("end it at 10,40,50 or before", "stop after it starts", "for example 0:10,0:40,0:50")
    assert sum(one in str(error.value) for one in remedies) == 1


def _project(folder: Path, pixel_nm: float | None) -> Path:
    tifffile.imwrite(folder / "image.tif", make_sample((101, 75), seed=4).image)
    size = None if pixel_nm is None else (pixel_nm, pixel_nm)
    make_project(folder / "p.graft", ImageOptions(str(folder / "image.tif"), pixel_size=size)).close()
    return folder / "p.graft"


def _predict(folder: Path, out: Path, **options: object) -> np.ndarray:
    with open_project(folder) as project:
        request = PredictOptions(out, source="tiny-nuclei", device="cpu", **options)  # type: ignore[arg-type]
        result = predict_project(
            project, request, catalogue=Catalogue(), report=ignore_progress, cancel=CancelToken()
        )
    labels = open_labels(result.path)
    found = labels.read_raw(Tile((0,) * len(labels.shape), labels.shape))
    assert result.n_objects == np.unique(found[found > 0]).size
    return found


def test_what_a_source_segmented_is_known_to_the_project(tmp_path: Path) -> None:
    folder = _project(tmp_path, PIXEL_NM)
    _predict(folder, tmp_path / "part.tif", region="20:80,:70")
    _predict(folder, tmp_path / "segments.tif")
    (known,) = written_results(folder)
    assert (known.file(folder).name, known.run, known.source) == ("segments.tif", None, "tiny-nuclei")


@pytest.mark.parametrize("pixel_nm", [PIXEL_NM / 2.1, PIXEL_NM * 1.7, PIXEL_NM, None])
@pytest.mark.parametrize("name", ["segments.tif", "segments.zarr"])
def test_a_result_lies_on_the_grid_of_the_image_whatever_the_pixel_size_of_the_source(
    tmp_path: Path, pixel_nm: float | None, name: str
) -> None:
    found = _predict(_project(tmp_path, pixel_nm), tmp_path / name)

    assert found.shape == (101, 75)
    assert found.any()
    physical = open_volume(tmp_path / name).axes
    if pixel_nm is None:
        assert physical.pixel_size is None
    else:
        assert physical.pixel_size_in("nm") == pytest.approx((pixel_nm, pixel_nm))


def test_an_enlarged_image_of_known_pixel_size_gives_enlarged_objects(tmp_path: Path) -> None:
    sample = make_sample((96, 96), seed=5)
    found = []
    for factor in (1, 2):
        image = np.kron(sample.image, np.ones((factor, factor), np.uint8))
        folder = tmp_path / str(factor)
        folder.mkdir()
        tifffile.imwrite(folder / "image.tif", image)
        size = (PIXEL_NM / factor, PIXEL_NM / factor)
        make_project(folder / "p.graft", ImageOptions(str(folder / "image.tif"), pixel_size=size)).close()
        found.append(_predict(folder / "p.graft", folder / "segments.tif"))

    once, twice = found
    foreground = np.kron(once > 0, np.ones((2, 2), bool))
    overlap = np.sum(foreground & (twice > 0)) / np.sum(foreground | (twice > 0))
    assert overlap > 0.8


def test_what_is_written_is_the_region(tmp_path: Path) -> None:
    folder = _project(tmp_path, None)

    part = _predict(folder, tmp_path / "part.tif", region="20:80,:70")

    assert part.shape == (60, 70)


def test_the_uncertainty_is_a_map_of_the_image_from_0_to_1(tmp_path: Path) -> None:
    folder = _project(tmp_path, PIXEL_NM / 2)

    _predict(folder, tmp_path / "segments.tif", uncertainty=tmp_path / "unsure.tif")

    unsure = open_volume(tmp_path / "unsure.tif")
    values = unsure.read(Tile((0, 0), (101, 75)))
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.ptp(values) > 0


def test_a_cancelled_prediction_leaves_no_result_and_goes_on_later(tmp_path: Path) -> None:
    folder = _project(tmp_path, None)
    token = CancelToken()

    def stop_at_once(state: Progress) -> None:
        token.cancel()

    with open_project(folder) as project, pytest.raises(Cancelled):
        request = PredictOptions(tmp_path / "segments.tif", source="tiny-nuclei", device="cpu")
        predict_project(project, request, catalogue=Catalogue(), report=stop_at_once, cancel=token)

    assert not (tmp_path / "segments.tif").exists()
    assert _predict(folder, tmp_path / "segments.tif").shape == (101, 75)
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"run": "0001", "source": "tiny-nuclei"}, "choose one"),
        ({"source": "scratch"}, "learned nothing"),
        ({"source": "tiny-nucleus"}, "'tiny-nucleus'.*tiny-nuclei"),
        ({"run": "0007"}, "no run '0007'"),
        ({"run": "seven"}, "seven"),
        ({}, "no finished run"),
    ],
)
def test_a_model_that_is_not_there_is_named_and_nothing_is_written(
    tmp_path: Path, options: dict[str, str], words: str
) -> None:
    folder = _project(tmp_path, None)
    before = set(tmp_path.iterdir())

    with open_project(folder) as project, pytest.raises(InputError, match=words):
        request = PredictOptions(tmp_path / "segments.tif", device="cpu", **options)  # type: ignore[arg-type]
        predict_project(project, request, catalogue=Catalogue(), report=ignore_progress, cancel=CancelToken())

    assert set(tmp_path.iterdir()) == before


def test_single_tiles_are_segmented_like_the_whole_image(tmp_path: Path) -> None:
    folder = _project(tmp_path, PIXEL_NM)
    whole = _predict(folder, tmp_path / "segments.tif")
    tile = Tile((0, 0), (101, 75))

    with open_project(folder) as project:
        model = load_model("tiny-nuclei", project, Catalogue())
        (found,) = segment_tiles(project, model, [tile], device="cpu", cancel=CancelToken())

    assert found.shape == tile.shape
    agree = np.mean((found > 0) == (whole > 0))
    assert agree > 0.95
