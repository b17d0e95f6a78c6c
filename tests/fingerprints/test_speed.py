"""How fast sources are ranked: `pytest -m bench -s tests/fingerprints/test_speed.py` prints the figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from exact_mmd import exact_mmd2
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.fingerprints.distance import distance
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.fingerprints.mmd import restore_random_features
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking.rank import candidate_sources, rank_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.fingerprint import Fingerprint

pytestmark = pytest.mark.bench

N_TILES, N_FEATURES = 10_000, 64
CHUNK = (4, 1024, 1024)


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@pytest.mark.parametrize("n_target", [32, N_TILES])
def test_random_features_are_a_hundred_times_faster_than_the_exact_distance_and_within_two_percent(
    n_target: int,
) -> None:
    """A ranking looks at 32 tiles of the target; with as many as the source has, all must be embedded."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=(N_TILES, N_FEATURES)).astype(np.float32)
    target = rng.normal(0.4, 1.2, size=(n_target, N_FEATURES)).astype(np.float32)
    fingerprint = make_fingerprint(own, None, "0" * 64, rng)
    x, y = ((one - fingerprint.location) / fingerprint.scale for one in (own, target))

    exact = exact_mmd2(x, y, fingerprint.bandwidth)
    slow = seconds_of(lambda: exact_mmd2(x, y, fingerprint.bandwidth))
    fast = min(seconds_of(lambda: _first_distance(fingerprint, target)) for _ in range(3))
    found = distance(fingerprint, target).mmd2

    print(f"\n{N_TILES} source tiles, {n_target} of the target: {slow / fast:.0f} times faster, off by "
          f"{abs(found / exact - 1):.2%}")  # fmt: skip
    assert found == pytest.approx(exact, rel=0.02)
    assert slow / fast > 100


def _first_distance(fingerprint: Fingerprint, target: NDArray[np.float32]) -> None:
    restore_random_features.cache_clear()
    distance(fingerprint, target)


def _write_volume(path: Path, n_chunks: tuple[int, int, int]) -> Path:
    """Write a zarr volume whose chunks are four different ones over and over, each stored once."""
    shape = tuple(n * length for n, length in zip(n_chunks, CHUNK, strict=True))
    array = zarr.create_array(path, shape=shape, chunks=CHUNK, dtype="uint8", zarr_format=2)
    rng = np.random.default_rng(0)
    for i in range(4):
        blobs = gaussian_filter(rng.normal(size=CHUNK), (0, 4, 4))
        array[0:4, i * 1024 : (i + 1) * 1024, 0:1024] = np.clip(128 + 1000 * blobs, 0, 255).astype(np.uint8)
    names = [path / f"0.{i}.0" for i in range(4)]
    for number, index in enumerate(np.ndindex(n_chunks)):
        name = path / ".".join(map(str, index))
        if not name.exists():
            os.link(names[number % 4], name)
    return path


def test_14_sources_are_ranked_within_30_s_whatever_the_size_of_the_volume(tmp_path: Path) -> None:
    sources = candidate_sources(Catalogue())[:14]
    assert len(sources) == 14
    times = {}
    for name, n_chunks in (("small", (2, 4, 1)), ("large", (120, 10, 10))):
        volume = _write_volume(tmp_path / f"{name}.zarr", n_chunks)
        options = ImageOptions(str(volume), axes="zyx", pixel_size=(10, 10, 10), structure="neurites")
        with make_project(tmp_path / f"{name}.graft", options) as project:
            gigabytes = np.prod(project.manifest.shape) / 1e9
            times[name] = seconds_of(
                lambda project=project: rank_sources(
                    project, sources, report=ignore_progress, cancel=CancelToken()
                )
            )
            print(f"\n{gigabytes:.2f} GB: {times[name]:.1f} s for 14 sources")
    assert times["large"] < 30
    assert times["large"] < 2 * times["small"]
