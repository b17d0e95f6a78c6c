"""Public images, brought from a server on this machine."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import h5py
import imageio.v3 as imageio
import numpy as np
import pytest

from loopback import Loopback
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.io.fetch import CHUNK_BYTES
from napari_graft.samples.public import PUBLIC_SAMPLES, PublicFile, PublicSample
from napari_graft.session.projects.public_samples import PublicImage, fetch_sample

PIXELS = np.random.default_rng(0).integers(0, 255, (700, 800), np.uint8)
MASK = np.zeros(PIXELS.shape, np.uint8)
MASK[10:50, 10:90] = 255
MASK[100:140, 300:310] = 255
MASK[60:70, 60:70] = 90  # too dark to be an object


def png(pixels: np.ndarray) -> bytes:
    return imageio.imwrite("<bytes>", pixels, extension=".png")


def fetch(sample: PublicSample, folder: Path) -> PublicImage:
    return fetch_sample(sample, folder, report=ignore_progress, cancel=CancelToken())


@pytest.fixture
def axons(loopback: Loopback) -> PublicSample:
    """Give the first sample of the registry with files of ours."""
    image = loopback.add("/a/b%20c/axons.png", png(PIXELS))
    labels = loopback.add("/labels/axons_mask.png", png(MASK))
    return dataclasses.replace(PUBLIC_SAMPLES[0], image=image, labels=labels)


def test_an_image_comes_with_its_objects_and_pixel_size(
    axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    content = fetch(axons, tmp_path)

    np.testing.assert_array_equal(content.image, PIXELS)
    assert (content.axes.pixel_size, content.axes.unit) == ((70, 70), "nm")
    assert content.segments is not None
    assert content.segments.dtype == np.uint32
    np.testing.assert_array_equal(content.segments > 0, MASK == 255)
    assert content.segments.max() == 2
    assert {path.name for path in (tmp_path / axons.data_set).iterdir()} == {"axons.png", "axons_mask.png"}
    assert len(loopback.requested) == 2


def test_the_second_time_nothing_is_fetched(axons: PublicSample, loopback: Loopback, tmp_path: Path) -> None:
    fetch(axons, tmp_path)
    loopback.files.clear()

    np.testing.assert_array_equal(fetch(axons, tmp_path).image, PIXELS)


def test_progress_rises_over_all_files_to_their_whole_size(axons: PublicSample, tmp_path: Path) -> None:
    told: list[Progress] = []
    fetch_sample(axons, tmp_path, report=told.append, cancel=CancelToken())

    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == axons.n_bytes
    assert {progress.total for progress in told} == {axons.n_bytes}
    assert told[0].message == "downloading Rat axons, SEM"


def test_a_fetch_that_was_cut_off_goes_on_where_it_stopped(
    axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    loopback.n_sent = 1000
    with pytest.raises(InputError, match=f"stopped after 1000 of {axons.image.n_bytes} bytes"):
        fetch(axons, tmp_path)

    loopback.n_sent = None
    np.testing.assert_array_equal(fetch(axons, tmp_path).image, PIXELS)
    assert loopback.requested[1] == ("/a/b%20c/axons.png", "bytes=1000-")


def test_another_file_than_expected_is_refused_and_not_kept(
    axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    loopback.files["/a/b%20c/axons.png"] = png(PIXELS[::-1])
    with pytest.raises(InputError, match="has the SHA-256"):
        fetch(axons, tmp_path)
    assert list((tmp_path / axons.data_set).iterdir()) == []


def test_a_fetch_can_be_stopped_midway_and_goes_on_later(
    axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.done >= CHUNK_BYTES:
            cancel.cancel()

    with pytest.raises(Cancelled):
        fetch_sample(axons, tmp_path, report=stop, cancel=cancel)
    np.testing.assert_array_equal(fetch(axons, tmp_path).image, PIXELS)
    assert loopback.requested[1] == ("/a/b%20c/axons.png", f"bytes={CHUNK_BYTES}-")


def test_without_a_network_the_address_is_told(axons: PublicSample, tmp_path: Path) -> None:
    nobody = PublicFile("http://127.0.0.1:1/axons.png", axons.image.sha256, axons.image.n_bytes)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1/axons\.png cannot be reached"):
        fetch(dataclasses.replace(axons, image=nobody), tmp_path)


def test_a_stack_comes_with_the_ids_of_its_label_file(loopback: Loopback, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stack, ids = rng.integers(0, 255, (5, 20, 30), np.uint8), rng.integers(0, 7, (5, 20, 30), np.int32)

    def hdf5(data: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file["stack"] = data
        return buffer.getvalue()

    image, labels = loopback.add("/image.h5", hdf5(stack)), loopback.add("/gt.lzf.h5", hdf5(ids))
    sample = dataclasses.replace(PUBLIC_SAMPLES[1], image=image, labels=labels)
    content = fetch(sample, tmp_path)

    np.testing.assert_array_equal(content.image, stack)
    np.testing.assert_array_equal(content.segments, ids)
    assert content.axes.pixel_size == (10, 10, 10)


def test_a_colour_image_without_labels_keeps_its_colours(loopback: Loopback, tmp_path: Path) -> None:
    colours = np.random.default_rng(2).integers(0, 255, (20, 30, 4), np.uint8)
    sample = dataclasses.replace(PUBLIC_SAMPLES[3], image=loopback.add("/he.png", png(colours)))
    content = fetch(sample, tmp_path)

    np.testing.assert_array_equal(content.image, colours)
    assert content.axes.pixel_size is None
    assert content.segments is None
