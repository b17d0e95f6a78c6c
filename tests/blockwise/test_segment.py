from __future__ import annotations

import threading
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_regions import (
    EVERYTHING,
    BrightRegions,
    assert_same_objects,
    connected_regions,
    draw_discs,
    read_all,
    view_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_graft.blockwise import SegmentOptions, segment_volume
from napari_graft.blockwise.plan import plan_blocks
from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor, uncertainty_map
from napari_graft.io import open_volume
from napari_graft.nets import build_network
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import ModelSpec

NO_FIXTURE_CHECK = [HealthCheck.function_scoped_fixture]


@settings(max_examples=6, suppress_health_check=NO_FIXTURE_CHECK)
@given(
    seed=st.integers(0, 1000),
    block=st.tuples(st.just(1), st.integers(30, 150), st.integers(30, 150)),
    ending=st.sampled_from(["tif", "zarr"]),
)
def test_slices_in_blocks_give_the_objects_of_whole_slices(
    tmp_path_factory: pytest.TempPathFactory, seed: int, block: tuple[int, ...], ending: str
) -> None:
    image = draw_discs((2, 140, 150), np.random.default_rng(seed))
    out = tmp_path_factory.mktemp("out") / f"objects.{ending}"
    predictor = BrightRegions()
    options = SegmentOptions(block=block)
    result = segment_volume(predictor, view_of(image, predictor.spec), EVERYTHING, out, options=options)
    expected = connected_regions(image, slicewise=True)
    assert_same_objects(read_all(out), expected)
    assert result.n_objects == expected.max()
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_solid_model_joins_objects_across_slices(tmp_path: Path) -> None:
    image = draw_discs((30, 80, 90), np.random.default_rng(1), n=30)
    predictor = BrightRegions(ndim=3)
    out = tmp_path / "objects.zarr"
    options = SegmentOptions(block=(10, 50, 40))
    segment_volume(predictor, view_of(image, predictor.spec), EVERYTHING, out, options=options)
    assert_same_objects(read_all(out), connected_regions(image, slicewise=False))


def test_one_block_gives_what_predicting_and_decoding_it_gives(tmp_path: Path) -> None:
    spec = ModelSpec(widths=(8, 16))
    predictor = Predictor(build_network(spec, seed=3), torch.device("cpu"))
    view = view_of(np.random.default_rng(0).random((120, 130)), spec)
    tile = Tile((0, 0), (120, 130))
    decode_settings = DecodeSettings(foreground_threshold=0.45, attraction_bias=0.1, min_size=5)
    out, map_file = tmp_path / "objects.tif", tmp_path / "uncertainty.tif"
    options = SegmentOptions(uncertainty=map_file)
    result = segment_volume(predictor, view, decode_settings, out, options=options)
    prediction = predictor.predict(view, tile)
    expected = decode(prediction.foreground, prediction.affinities, spec.offsets, decode_settings)
    assert expected.max() > 1
    assert_same_objects(read_all(out), expected)
    assert (result.n_blocks, result.n_resumed, result.path) == (1, 0, out)
    assert result.seconds >= max(result.seconds_network, result.seconds_decoding) > 0
    written = open_volume(map_file)
    assert written.dtype == np.float32
    np.testing.assert_allclose(written.read(tile), uncertainty_map(prediction, 2), atol=1e-3)


def test_a_region_is_written_alone_and_sees_what_is_around_it(tmp_path: Path) -> None:
    image = draw_discs((3, 200, 220), np.random.default_rng(2))
    predictor = BrightRegions()
    seen: list[float] = []
    predictor.predict_array = lambda array, cancel=None: (  # type: ignore[method-assign]
        seen.append(array.size) or BrightRegions.predict_array(predictor, array, cancel)
    )
    region = Tile((1, 60, 70), (2, 90, 80))
    axes = Axes(("z", "y", "x"), (40.0, 4.0, 4.0))
    out, map_file = tmp_path / "objects.zarr", tmp_path / "uncertainty.zarr"
    options = SegmentOptions(region=region, uncertainty=map_file, block=(1, 50, 80))
    segment_volume(predictor, view_of(image, predictor.spec, axes), EVERYTHING, out, options=options)
    whole = connected_regions(image, slicewise=True)
    expected = np.unique(whole[region.slices], return_inverse=True)[1].reshape(region.shape)
    assert_same_objects(read_all(out), expected)
    plan = plan_blocks(view_of(image, predictor.spec, axes), region, (1, 50, 80))
    assert sorted(seen) == sorted(prod(plan.grown(number).shape) for number in range(4))
    assert min(seen) > (45 + 64) * (80 + 64)
    for path in (out, map_file):
        volume = open_volume(path)
        assert volume.shape == region.shape
        assert volume.axes.pixel_size_in("nm") == axes.pixel_size


def test_another_pixel_size_comes_back_exactly_on_the_grid_of_the_image(tmp_path: Path) -> None:
    image = np.zeros((150, 130), np.float32)
    image[20:60, 10:120] = image[80:140, 30:50] = image[80:140, 70:110] = 1
    predictor = BrightRegions()
    spec = ModelSpec(widths=(2,), pixel_size=(10.0, 10.0))
    predictor.spec = spec
    out = tmp_path / "objects.tif"
    view = view_of(image, spec, Axes(("y", "x"), (6.0, 13.0)))
    segment_volume(predictor, view, EVERYTHING, out, options=SegmentOptions(block=(64, 50)))
    found, expected = read_all(out), connected_regions(image[None], slicewise=True)[0]
    assert found.shape == image.shape
    assert found.max() == 3
    inner = np.zeros(image.shape, bool)
    inner[4:-4, 4:-4] = True
    for axis in (0, 1):
        for shift in (-4, 4):
            inner &= np.roll(expected, shift, axis) == expected
    np.testing.assert_array_equal((found > 0)[inner], (expected > 0)[inner])
    assert_same_objects(np.where(inner, found, 0), np.where(inner, expected, 0))


def test_an_image_without_objects_gives_background(tmp_path: Path) -> None:
    predictor = BrightRegions()
    view = view_of(np.zeros((2, 70, 70), np.float32), predictor.spec)
    options = SegmentOptions(block=(1, 40, 40))
    result = segment_volume(predictor, view, EVERYTHING, tmp_path / "objects.tif", options=options)
    assert result.n_objects == 0
    assert not read_all(result.path).any()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_number_of_threads_changes_nothing_and_is_given_back(tmp_path: Path, n_threads: int) -> None:
    image = draw_discs((2, 200, 210), np.random.default_rng(3))
    predictor = BrightRegions()
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        options = SegmentOptions(block=(1, 60, 50))
        out = tmp_path / "objects.tif"
        segment_volume(predictor, view_of(image, predictor.spec), EVERYTHING, out, options=options)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    found = read_all(out)
    assert_same_objects(found, connected_regions(image, slicewise=True))
    # blocks are numbered in order, whichever is done first
    first_seen = np.unique(found[0, :50, :42])
    np.testing.assert_array_equal(first_seen, np.arange(first_seen.size))


def test_progress_counts_the_blocks_and_then_says_what_follows(tmp_path: Path) -> None:
    reports: list[Progress] = []
    predictor = BrightRegions()
    view = view_of(draw_discs((2, 80, 80), np.random.default_rng(0)), predictor.spec)
    options = SegmentOptions(block=(1, 40, 80))
    segment_volume(predictor, view, EVERYTHING, tmp_path / "a.zarr", options=options, report=reports.append)
    segmenting = [report for report in reports if report.message == "segmenting"]
    assert [(report.done, report.total) for report in segmenting] == [(n, 4) for n in range(5)]
    assert set(segmenting[-1].metrics) == {"network s", "decoding s"}
    assert [report.message for report in reports[5::4]] == [
        "joining objects across blocks",
        "writing the objects",
    ]


def test_stopping_does_not_wait_for_a_worker_that_is_busy(tmp_path: Path) -> None:
    token, is_busy, may_go_on = CancelToken(), threading.Event(), threading.Event()

    def be_busy(cancel: CancelToken | None) -> None:
        is_busy.set()
        may_go_on.wait(60)

    def stop_when_busy() -> None:
        is_busy.wait(60)
        token.cancel()

    predictor = BrightRegions(watch=be_busy)
    view = view_of(np.zeros((80, 80), np.float32), predictor.spec)
    stopper = threading.Thread(target=stop_when_busy)
    stopper.start()
    try:
        with pytest.raises(Cancelled):
            segment_volume(predictor, view, EVERYTHING, tmp_path / "a.tif", cancel=token)
        assert not may_go_on.is_set()
    finally:
        may_go_on.set()
        stopper.join()
    assert not (tmp_path / "a.tif").exists()


def test_an_error_in_a_block_reaches_the_caller(tmp_path: Path) -> None:
    image = np.zeros((1, 80, 80), np.float32)
    image[0, 70, 75] = np.nan
    predictor = BrightRegions()
    options = SegmentOptions(block=(1, 20, 80))
    with pytest.raises(InputError, match=r"pixel \(0, 70, 75\) of the image is nan"):
        segment_volume(
            predictor, view_of(image, predictor.spec), EVERYTHING, tmp_path / "a.tif", options=options
        )


def test_one_file_cannot_hold_objects_and_uncertainty(tmp_path: Path) -> None:
    predictor = BrightRegions()
    view = view_of(np.zeros((8, 8), np.float32), predictor.spec)
    options = SegmentOptions(uncertainty=tmp_path / "x" / ".." / "a.tif")
    with pytest.raises(InputError, match="cannot hold both"):
        segment_volume(predictor, view, EVERYTHING, tmp_path / "a.tif", options=options)


def test_another_ending_is_refused_before_anything_is_predicted(tmp_path: Path) -> None:
    def fail(cancel: CancelToken | None) -> None:
        raise AssertionError("predicted")

    predictor = BrightRegions(watch=fail)
    view = view_of(np.zeros((8, 8), np.float32), predictor.spec)
    for out, options in (
        ("a.png", SegmentOptions()),
        ("a.tif", SegmentOptions(uncertainty=tmp_path / "u.png")),
    ):
        with pytest.raises(InputError, match=r"end in \.tif or \.tiff or \.zarr"):
            segment_volume(predictor, view, EVERYTHING, tmp_path / out, options=options)
