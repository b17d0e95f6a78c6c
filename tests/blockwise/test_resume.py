from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import zarr
from bright_regions import EVERYTHING, BrightRegions, draw_discs, read_all, view_of

from napari_graft.blockwise import SegmentOptions, SegmentResult, segment_volume
from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic, open_volume
from napari_graft.io.volume import Volume
from napari_graft.nets import build_network
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import ModelSpec
from tmpfs import mounted_disk

SHAPE = (2, 170, 180)
N_BLOCKS = 2 * 2 * 2
SPEC = ModelSpec(widths=(4, 8))
LOOSE = DecodeSettings(foreground_threshold=0.4, attraction_bias=0.2, min_size=3)


def segment_noise(out: Path, *, uncertainty: bool = True, report: Report = ignore_progress) -> SegmentResult:
    """Segment noise with fresh weights: many objects, that any change would change."""
    image = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    predictor = Predictor(build_network(SPEC, seed=1), torch.device("cpu"))
    options = SegmentOptions(
        block=(1, 90, 90), uncertainty=out.with_name("map.zarr") if uncertainty else None
    )
    return segment_volume(predictor, view_of(image, SPEC), LOOSE, out, options=options, report=report)


def segment_until_killed(out: Path, message: str, n_reports: int, seconds: float) -> None:
    """Segment noise and be killed some seconds after so many reports with this message."""
    n_seen = 0

    def kill() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    def report(progress: Progress) -> None:
        nonlocal n_seen
        n_seen += progress.message == message
        if n_seen == n_reports:
            threading.Thread(target=kill).start()

    segment_noise(out, report=report)


def run_and_kill(out: Path, message: str, n_reports: int, seconds: float) -> None:
    words = f"{str(out)!r}), {message!r}, {n_reports}, {seconds}"
    code = f"from pathlib import Path; import test_resume; test_resume.segment_until_killed(Path({words})"
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths}, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def read_map(path: Path) -> np.ndarray:
    return open_volume(path).read(Tile((0,) * len(SHAPE), SHAPE))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_run_that_is_killed_again_and_again_gives_the_result_of_one_that_is_not(tmp_path: Path) -> None:
    chance = random.Random(0)
    whole, killed = tmp_path / "whole" / "a.tif", tmp_path / "killed" / "a.tif"
    for out in (whole, killed):
        out.parent.mkdir()
    expected = segment_noise(whole)
    assert expected.n_objects > 20
    for message, n_reports in (
        ("segmenting", 1),
        ("segmenting", chance.randrange(2, 5)),
        ("writing the objects", chance.randrange(1, N_BLOCKS)),
    ):
        run_and_kill(killed, message, n_reports, chance.choice([0, chance.random() / 20]))
        assert not killed.exists()
    result = segment_noise(killed)
    assert (result.n_objects, result.n_blocks, result.n_resumed) == (expected.n_objects, N_BLOCKS, N_BLOCKS)
    np.testing.assert_array_equal(read_all(killed), read_all(whole))
    np.testing.assert_array_equal(
        read_map(killed.with_name("map.zarr")), read_map(whole.with_name("map.zarr"))
    )
    assert sorted(os.listdir(killed.parent)) == ["a.tif", "map.zarr"]


def segment_and_stop(out: Path, n_calls: int, **changes: object) -> SegmentResult | None:
    """Segment discs and stop at the block of this number; None where it was stopped."""
    token, n_seen = CancelToken(), 0

    def count(cancel: CancelToken | None) -> None:
        nonlocal n_seen
        n_seen += 1
        if n_seen == n_calls:
            token.cancel()

    image = draw_discs(SHAPE, np.random.default_rng(5))
    predictor = BrightRegions(watch=count)
    intensity = IntensityRange(0, 1, inverted=bool(changes.get("inverted")))
    view = ModelView(Volume(image, view_of(image, predictor.spec).volume.axes), intensity, predictor.spec)
    if changes.get("weights"):
        predictor.network.head.bias.data += 1  # type: ignore[union-attr, operator]
    region = Tile((0, 0, 0), (2, 110, 100)) if changes.get("region") else None
    options = SegmentOptions(block=(1, 90, 90), region=region)
    settings = DecodeSettings(min_size=9) if changes.get("settings") else EVERYTHING
    try:
        return segment_volume(predictor, view, settings, out, options=options, cancel=token)
    except Cancelled:
        return None


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    whole = segment_and_stop(tmp_path / "b.zarr", -1)
    assert segment_and_stop(out, 5) is None
    result = segment_and_stop(out, -1)
    assert whole is not None
    assert result is not None
    assert result.n_resumed >= 2
    np.testing.assert_array_equal(read_all(out), read_all(tmp_path / "b.zarr"))


@pytest.mark.parametrize("change", ["settings", "region", "inverted", "weights"])
def test_another_request_starts_anew(tmp_path: Path, change: str) -> None:
    changes = {change: True}
    out = tmp_path / "a.tif"
    assert segment_and_stop(out, 4) is None
    result = segment_and_stop(out, -1, **changes)
    assert result is not None
    assert result.n_resumed == 0
    fresh = segment_and_stop(tmp_path / "b.tif", -1, **changes)
    assert fresh is not None
    np.testing.assert_array_equal(read_all(out), read_all(tmp_path / "b.tif"))


def test_a_finished_result_is_made_again_and_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        result = segment_and_stop(tmp_path / "a.tif", -1)
        assert result is not None
        assert result.n_resumed == 0
    assert os.listdir(tmp_path) == ["a.tif"]


def test_a_full_disk_is_told_and_the_finished_blocks_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = atomic.publish_file
    n_published = 0

    def publish_until_full(temporary: Path, target: Path) -> None:
        nonlocal n_published
        n_published += 1
        if n_published > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        publish(temporary, target)

    out = tmp_path / "a.tif"
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "publish_file", publish_until_full)
        with pytest.raises(StorageError, match="the disk is full"):
            segment_and_stop(out, -1)
    assert not out.exists()
    result = segment_and_stop(out, -1)
    assert result is not None
    assert result.n_resumed == 4  # one file is the request


@pytest.fixture(params=["90k", "140k"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with mounted_disk(tmp_path / "disk", request.param) as disk:
        yield disk


def test_a_disk_that_fills_up_can_be_made_larger(small_disk: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the disk is full"):
        segment_noise(small_disk / "a.tif")
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    result = segment_noise(small_disk / "a.tif")
    assert result.n_resumed > 0
    segment_noise(tmp_path / "b.tif")
    np.testing.assert_array_equal(read_all(small_disk / "a.tif"), read_all(tmp_path / "b.tif"))


def change_block(path: str, value: float, *, hides: bool) -> None:
    """Write over a few pixels in place, so that the size of no file changes; perhaps set back their dates."""
    location, _, name = path.partition("::")
    files = [Path(location)] if name else [one for one in Path(location).rglob("*") if one.is_file()]
    dates = {file: file.stat() for file in files}
    if name:
        with h5py.File(location, "r+") as file:
            file[name][0, :4, :4] = value
    else:
        zarr.open_array(location, mode="r+")[0, :4, :4] = value
    assert [file.stat().st_size for file in files] == [dates[file].st_size for file in files]
    for file, date in dates.items():
        if hides:
            os.utime(file, ns=(date.st_atime_ns, date.st_mtime_ns))


def store_discs(folder: Path, kind: str) -> str:
    image = draw_discs(SHAPE, np.random.default_rng(5)).astype(np.float32)
    if kind == "zarr":
        zarr.create_array(folder / "image.zarr", data=image, chunks=(1, 90, 90), compressors=None)
        return str(folder / "image.zarr")
    with h5py.File(folder / "image.h5", "w") as file:
        file.create_dataset("raw", data=image)
    return str(folder / "image.h5::raw")


def segment_file(path: str, out: Path, *, stop_after: int = -1) -> SegmentResult | None:
    token, n_seen = CancelToken(), 0

    def count(cancel: CancelToken | None) -> None:
        nonlocal n_seen
        n_seen += 1
        if n_seen == stop_after:
            token.cancel()

    predictor = BrightRegions(watch=count)
    view = ModelView(open_volume(path, axes="zyx"), IntensityRange(0, 1), predictor.spec)
    options = SegmentOptions(block=(1, 90, 90))
    try:
        return segment_volume(predictor, view, EVERYTHING, out, options=options, cancel=token)
    except Cancelled:
        return None


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("kind", ["zarr", "hdf5"])
def test_blocks_whose_pixels_have_changed_are_made_anew_and_no_others(
    tmp_path: Path, kind: str, hides: bool
) -> None:
    path = store_discs(tmp_path, kind)
    out = tmp_path / "a.zarr"
    assert segment_file(path, out, stop_after=7) is None
    n_done = len(list((tmp_path / "a.zarr.partial" / "blocks").glob("*.labels.*")))
    assert n_done >= 2
    change_block(path, 1.0, hides=hides)

    result = segment_file(path, out)

    fresh = segment_file(path, tmp_path / "b.zarr")
    assert result is not None
    assert fresh is not None
    assert n_done - 1 <= result.n_resumed < n_done
    np.testing.assert_array_equal(read_all(out), read_all(tmp_path / "b.zarr"))


def test_an_image_that_changes_while_it_is_segmented_is_told(tmp_path: Path) -> None:
    path = store_discs(tmp_path, "zarr")
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        if progress.message == "segmenting" and progress.done == N_BLOCKS - 1:
            change_block(path, 1.0, hides=True)

    predictor = BrightRegions()
    view = ModelView(open_volume(path, axes="zyx"), IntensityRange(0, 1), predictor.spec)
    options = SegmentOptions(block=(1, 90, 90))
    with pytest.raises(InputError, match="was changed while it was segmented"):
        segment_volume(predictor, view, EVERYTHING, tmp_path / "a.tif", options=options, report=report)
    assert not (tmp_path / "a.tif").exists()
    result = segment_volume(predictor, view, EVERYTHING, tmp_path / "a.tif", options=options)
    assert 0 < result.n_resumed < N_BLOCKS
    segment_file(path, tmp_path / "b.tif")
    np.testing.assert_array_equal(read_all(tmp_path / "a.tif"), read_all(tmp_path / "b.tif"))


def test_a_second_process_is_refused_while_one_is_at_work_and_leaves_nothing(tmp_path: Path) -> None:
    path = store_discs(tmp_path, "zarr")
    refusals: list[str] = []

    def report(progress: Progress) -> None:
        if progress.message == "segmenting" and not refusals:
            for uncertainty in (None, tmp_path / "u.zarr"):
                with pytest.raises(InputError, match="is being written by another process") as refusal:
                    options = SegmentOptions(block=(1, 90, 90), uncertainty=uncertainty)
                    segment_volume(predictor, view, EVERYTHING, tmp_path / "a.zarr", options=options)
                refusals.append(str(refusal.value))

    predictor = BrightRegions()
    view = ModelView(open_volume(path, axes="zyx"), IntensityRange(0, 1), predictor.spec)
    options = SegmentOptions(block=(1, 90, 90))
    segment_volume(predictor, view, EVERYTHING, tmp_path / "a.zarr", options=options, report=report)
    assert refusals
    assert sorted(os.listdir(tmp_path)) == ["a.zarr", "image.zarr"]
    segment_file(path, tmp_path / "b.zarr")
    np.testing.assert_array_equal(read_all(tmp_path / "a.zarr"), read_all(tmp_path / "b.zarr"))
