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

import numpy as np
import pytest
import torch
from bright_regions import EVERYTHING, BrightRegions, draw_discs, read_all, view_of

from napari_graft.blockwise import SegmentOptions, SegmentResult, segment_volume
from napari_graft.core.errors import Cancelled, StorageError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic, open_volume
from napari_graft.io.volume import Volume
from napari_graft.nets import build_network
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.spec import ModelSpec
from tmpfs import mounted_disk

SHAPE = (2, 110, 120)
N_BLOCKS = 2 * 2 * 2
SPEC = ModelSpec(widths=(4, 8))
LOOSE = DecodeSettings(foreground_threshold=0.4, attraction_bias=0.2, min_size=3)


def segment_noise(out: Path, *, uncertainty: bool = True, report: Report = ignore_progress) -> SegmentResult:
    """Segment noise with fresh weights: many objects, that any change would change."""
    image = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    predictor = Predictor(build_network(SPEC, seed=1), torch.device("cpu"))
    options = SegmentOptions(
        block=(1, 60, 60), uncertainty=out.with_name("map.zarr") if uncertainty else None
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
    options = SegmentOptions(block=(1, 60, 60), region=region)
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
