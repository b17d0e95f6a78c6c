from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import torch
from bright_regions import draw_discs, read_all

from napari_graft.blockwise import SegmentOptions, SegmentResult, cluster, segment_volume
from napari_graft.blockwise.cluster import Cluster, start_loop
from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import open_volume
from napari_graft.io.volume import Volume
from napari_graft.nets import build_network
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import ModelSpec

distributed = pytest.importorskip("distributed")

SPEC = ModelSpec(widths=(4, 8))
SETTINGS = DecodeSettings(foreground_threshold=0.3, core_threshold=0.3, min_size=0)
SHAPE = (128, 192)
WHOLE = Tile((0, 0), SHAPE)
N_BLOCKS = 6


@contextmanager
def local_cluster(**options: Any) -> Iterator[distributed.LocalCluster]:
    """Start a scheduler and workers on this computer, however busy it is."""
    runner = start_loop(CancelToken())
    try:
        with distributed.LocalCluster(
            loop=runner.loop, host="127.0.0.1", dashboard_address="127.0.0.1:0", **options
        ) as started:
            yield started
    finally:
        runner.stop()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Give the address of a scheduler with two worker processes."""
    with local_cluster(n_workers=2, threads_per_worker=1, processes=True) as started:
        yield started.scheduler_address


@pytest.fixture
def empty_cluster() -> Iterator[distributed.LocalCluster]:
    """Give a scheduler without a worker."""
    with local_cluster(n_workers=0, processes=False, protocol="tcp://") as started:
        yield started


@pytest.fixture(scope="module")
def open_view() -> Callable[[], ModelView]:
    image = draw_discs(SHAPE, np.random.default_rng(0))
    return partial(ModelView, Volume(image, Axes(("y", "x"))), IntensityRange(0, 1), SPEC)


def _segment(
    out: Path,
    open_view: Callable[[], ModelView],
    workers: Cluster | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentResult:
    predictor = Predictor(build_network(SPEC, seed=3), torch.device("cpu"))
    options = SegmentOptions(uncertainty=out.with_suffix(".zarr"), block=(64, 64), cluster=workers)
    return segment_volume(
        predictor, open_view(), SETTINGS, out, options=options, report=report, cancel=cancel
    )


def test_a_cluster_finds_what_this_computer_finds(
    tmp_path: Path, address: str, open_view: Callable[[], ModelView]
) -> None:
    told: list[Progress] = []
    here = _segment(tmp_path / "here.tif", open_view)

    there = _segment(tmp_path / "there.tif", open_view, Cluster(address, open_view, "cpu"), told.append)

    assert (there.n_blocks, there.n_objects, there.n_resumed) == (N_BLOCKS, here.n_objects, 0)
    assert here.n_objects > 3
    np.testing.assert_array_equal(read_all(there.path), read_all(here.path))
    uncertainties = [open_volume(str(tmp_path / f"{name}.zarr")).read(WHOLE) for name in ("here", "there")]
    np.testing.assert_allclose(*uncertainties, atol=1e-3)
    assert uncertainties[0].max() > 0
    segmenting = [state for state in told if state.message == "segmenting"]
    assert [state.done for state in segmenting] == list(range(N_BLOCKS + 1))
    assert there.seconds_network > 0 and there.seconds_decoding > 0


def test_a_stopped_run_keeps_its_blocks_and_goes_on_here_or_there(
    tmp_path: Path, address: str, open_view: Callable[[], ModelView]
) -> None:
    token = CancelToken()

    def stop_after_two(state: Progress) -> None:
        if state.message == "segmenting" and state.done == 2:
            token.cancel()

    workers = Cluster(address, open_view, "cpu")
    with pytest.raises(Cancelled):
        _segment(tmp_path / "out.tif", open_view, workers, stop_after_two, token)

    result = _segment(tmp_path / "out.tif", open_view, workers)

    assert result.n_resumed == 2
    whole = _segment(tmp_path / "whole.tif", open_view)
    np.testing.assert_array_equal(read_all(result.path), read_all(whole.path))


def test_a_worker_that_cannot_read_the_image_is_told_of(
    tmp_path: Path, address: str, open_view: Callable[[], ModelView]
) -> None:
    read_missing = partial(methodcaller("read_text"), Path("/not/on/this/worker.tif"))

    with pytest.raises(InputError, match=r"No such file.*same path"):
        _segment(tmp_path / "out.tif", open_view, Cluster(address, read_missing, "cpu"))


def test_where_no_scheduler_answers_the_address_is_named(
    tmp_path: Path, open_view: Callable[[], ModelView], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_TIMEOUT", "0.5s")
    for wrong in ("tcp://127.0.0.1:1", "carrier-pigeon://loft", "tcp://127.0.0.1:notaport"):
        with pytest.raises(InputError, match=f"no scheduler answers at '{wrong}'.*dask scheduler"):
            _segment(tmp_path / "out.tif", open_view, Cluster(wrong, open_view))


def test_without_the_extra_the_user_is_told_what_to_install(
    tmp_path: Path, open_view: Callable[[], ModelView], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(InputError, match="pip install distributed"):
        _segment(tmp_path / "out.tif", open_view, Cluster("tcp://127.0.0.1:8786", open_view))


def test_workers_are_waited_for_until_someone_stops(
    tmp_path: Path, empty_cluster: distributed.LocalCluster, open_view: Callable[[], ModelView]
) -> None:
    token = CancelToken()

    def stop_waiting(state: Progress) -> None:
        if state.message.startswith("waiting for a worker of tcp://"):
            token.cancel()

    workers = Cluster(empty_cluster.scheduler_address, open_view)
    with pytest.raises(Cancelled):
        _segment(tmp_path / "out.tif", open_view, workers, stop_waiting, token)


def test_a_scheduler_that_goes_is_told_of(
    tmp_path: Path,
    empty_cluster: distributed.LocalCluster,
    open_view: Callable[[], ModelView],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_TIMEOUT", "2s")
    goes: list[threading.Thread] = []

    def close_scheduler(state: Progress) -> None:
        if state.message.startswith("waiting") and not goes:
            goes.append(threading.Thread(target=empty_cluster.close))
            goes[0].start()

    with pytest.raises(InputError, match=r"is gone; the finished blocks are kept"):
        _segment(
            tmp_path / "out.tif",
            open_view,
            Cluster(empty_cluster.scheduler_address, open_view),
            close_scheduler,
        )
    goes[0].join()


@pytest.fixture
def late_loops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the threads of the next two event loops come too late, as where all cores are busy."""
    runner, late = distributed.utils.LoopRunner, [2]
    start = runner.start

    def start_late(self: Any) -> None:
        if late[0]:
            late[0] -= 1
            raise AssertionError
        start(self)

    monkeypatch.setattr(runner, "start", start_late)
    return late


def test_an_event_loop_that_comes_too_late_is_started_again(
    tmp_path: Path, address: str, open_view: Callable[[], ModelView], late_loops: list[int]
) -> None:
    assert _segment(tmp_path / "out.tif", open_view, Cluster(address, open_view, "cpu")).n_objects > 3
    assert late_loops == [0]


def test_starting_an_event_loop_can_be_stopped(late_loops: list[int]) -> None:
    token = CancelToken()
    late_loops[0] = 10**9
    threading.Timer(0.2, token.cancel).start()
    with pytest.raises(Cancelled):
        start_loop(token)


def test_workers_that_die_over_a_block_are_told_of(
    tmp_path: Path, open_view: Callable[[], ModelView]
) -> None:
    die: Callable[[], ModelView] = partial(os._exit, 1)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(n_workers=1) as started,
        pytest.raises(InputError, match=r"died time and again.*more memory"),
    ):
        _segment(tmp_path / "out.tif", open_view, Cluster(started.scheduler_address, die, "cpu"))


@pytest.fixture
def bare_worker(empty_cluster: distributed.LocalCluster, tmp_path: Path) -> Iterator[None]:
    """Join a worker whose environment has all but napari-graft."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in (entry for path in sys.path if "site-packages" in path for entry in Path(path).iterdir()):
        if not entry.name.startswith("napari_graft"):
            (packages / entry.name).symlink_to(entry)
    # -S: without the .pth files, by which an editable installation would be found.
    command = [sys.executable, "-S", "-m", "distributed.cli.dask_worker", empty_cluster.scheduler_address]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    with subprocess.Popen(
        [*command, "--no-nanny", "--no-dashboard", "--nthreads", "1"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield
        process.terminate()


@pytest.mark.usefixtures("bare_worker")
def test_a_worker_without_napari_graft_is_told_of(
    tmp_path: Path, empty_cluster: distributed.LocalCluster, open_view: Callable[[], ModelView]
) -> None:
    with pytest.raises(InputError, match=r"has no napari-graft.*environment of this command"):
        _segment(tmp_path / "out.tif", open_view, Cluster(empty_cluster.scheduler_address, open_view))
