"""A catalogue of three tiny sources, and tiny images with truth: the whole loop runs on them in a second."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from in_workers import QUICK_TRAINING, SAVE_EVERY_STEP, run_in_workers
from napari_graft.core.labels import to_annotation
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.features import tile_features
from napari_graft.io import open_labels
from napari_graft.io.documents import write_document
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import build_network
from napari_graft.samples.appearance import Appearance, GeneratedImage
from napari_graft.samples.cells import generate_cells
from napari_graft.segmentation import calibrate
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session import models
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.training import fitting
from napari_graft.sources import catalogue
from napari_graft.sources.card import SourceCard, TrainingRecord
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example
from napari_graft.training.trainer import Trainer

LOOK = Appearance(radius=9.0, noise=0.02, shot_noise=0.02)
PIXEL_NM = 250.0
"""Pixel size of the source ``tiny-nuclei``, in nanometres; ``tiny-neurites`` knows none."""
SEEN_SET = "set_that_was_seen"
WIDTHS = (8, 16)
CPU = torch.device("cpu")


def make_sample(shape: tuple[int, int] = (128, 128), seed: int = 0) -> GeneratedImage:
    """Return bright cells on dark ground with their truth."""
    return generate_cells(shape, np.random.default_rng(seed), LOOK)


def make_stack(n_slices: int = 5, side: int = 96) -> GeneratedImage:
    """Return slices of cells with their truth, ids linked by nothing."""
    slices = [make_sample((side, side), seed) for seed in range(n_slices)]
    return GeneratedImage(np.stack([s.image for s in slices]), np.stack([s.segments for s in slices]))


def write_stack_set(data: Path, name: str) -> Path:
    """Write such slices as a labelled set below a folder of data, and return that folder."""
    sample = make_stack()
    (data / name).mkdir(parents=True)
    tifffile.imwrite(data / name / "image.tif", sample.image)
    tifffile.imwrite(data / name / "labels.tif", sample.segments)
    return data


def _normalised(image: np.ndarray) -> np.ndarray:
    low, high = np.percentile(image, (1, 99))
    return IntensityRange(float(low), float(high)).normalise(image.astype(np.float32))


def trained_weights(spec: ModelSpec, seed: int, n_steps: int) -> dict[str, np.ndarray]:
    """Return half-precision weights after a few steps on one generated image."""
    network = build_network(spec, seed=seed)
    if n_steps:
        sample = make_sample(seed=100 + seed)
        labels = to_annotation(sample.segments).astype(np.int32)
        example = Example(_normalised(sample.image), labels, np.zeros_like(labels))
        config = TrainConfig(None, n_steps, patch=(64, 64), batch_size=2, learning_rate=1e-2)
        Trainer(config, CPU).fit(network, [example], report=ignore_progress, cancel=CancelToken())
    return {name: value.astype(np.float16) for name, value in network.stored_weights().items()}


def make_source(folder: Path, source_id: str, *, seed: int = 0, n_steps: int = 0, **fields: object) -> Path:
    """Write a source with weights, fingerprint and card; `fields` are those of the card."""
    spec = fields.pop("spec", None) or ModelSpec(widths=WIDTHS)
    assert isinstance(spec, ModelSpec)
    weights = trained_weights(spec, seed, n_steps)
    folder.mkdir(parents=True)
    save_tensors(folder / "weights.safetensors", weights, {})
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    images = [_normalised(make_sample((96, 96), seed=200 + i).image) for i in range(12)]
    features = tile_features(build_network(spec, weights), images, CPU)
    fingerprint = make_fingerprint(features, None, digest, np.random.default_rng(0))
    save_tensors(folder / "fingerprint.safetensors", fingerprint.to_tensors(), {})
    card = {
        "id": source_id,
        "title": f"Source {source_id}",
        "structure": "any",
        "spec": spec,
        "license": "CC0-1.0",
        "weights_sha256": digest,
        "decode": {name: float(value) for name, value in asdict(DecodeSettings()).items()},
    }
    write_document(folder / "card.json", SourceCard.model_validate(card | fields))
    return folder


def make_annotated(folder: Path, image: Path, labels: Path, **options: object) -> Path:
    """Make a project with two annotated tiles of 64 × 64 pixels; `options` are those of `ImageOptions`."""
    with make_project(folder, ImageOptions(str(image), **options)) as project:  # type: ignore[arg-type]
        before = (0,) * (len(project.manifest.shape) - 2)
        tiles = [Tile((*before, y, x), (*(1,) * len(before), 64, 64)) for y, x in ((0, 0), (64, 64))]
        annotate_from_labels(project, open_labels(labels), tiles)
    return folder


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an ancestor and two sources."""
    folder = tmp_path_factory.mktemp("sources")
    sized = ModelSpec(widths=WIDTHS, pixel_size=(PIXEL_NM, PIXEL_NM))
    make_source(folder / "ancestor-generated", "ancestor-generated")
    make_source(folder / "tiny-nuclei", "tiny-nuclei", n_steps=24, structure="nuclei", spec=sized)
    seen = TrainingRecord(datasets=(SEEN_SET,))
    make_source(folder / "tiny-neurites", "tiny-neurites", seed=1, structure="neurites", training=seen)
    return folder


@pytest.fixture(autouse=True, scope="module")
def _only_tiny_sources(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let this process and its children see the tiny sources, and nothing of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_GRAFT_SOURCES", str(sources))
        patch.setenv("NAPARI_GRAFT_HOME", str(home))
        folders = [(sources, "user"), (home / "sources", "user")]
        patch.setattr(catalogue, "default_folders", lambda: folders)
        # Leave out the waiting for the disk; that it is asked for is tested where it is done.
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an image of 128 × 128 pixels; its truth lies beside it as ``labels.tif``."""
    folder = tmp_path_factory.mktemp("image")
    sample = make_sample()
    tifffile.imwrite(folder / "image.tif", sample.image)
    tifffile.imwrite(folder / "labels.tif", sample.segments)
    return folder / "image.tif"


@pytest.fixture(scope="session")
def labels(image: Path) -> Path:
    """Give the truth of the image."""
    return image.with_name("labels.tif")


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in small steps: small patches, few points on the way, no tuned decoding, small fresh networks."""
    train_quickly(monkeypatch)


def train_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the fixture `quick_training` does, for a fixture that is shared."""
    monkeypatch.setattr(fitting, "PATCH", {2: (64, 64), 3: (8, 32, 32)})
    monkeypatch.setattr(fitting, "BATCH", {2: 2, 3: 1})
    monkeypatch.setattr(fitting, "SHARES", (0.0, 0.5, 1.0))
    monkeypatch.setattr(calibrate, "STAGES", ())
    monkeypatch.setattr(models, "fresh_spec", lambda project: ModelSpec(widths=WIDTHS))


@pytest.fixture
def eager_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worker processes train in small steps, and write a checkpoint after each."""
    run_in_workers(QUICK_TRAINING + SAVE_EVERY_STEP, tmp_path, monkeypatch)


def wait_until(
    is_true: Callable[[], bool], process: subprocess.Popen[str] | None = None, seconds: float = 240
) -> None:
    """Poll until something holds; fail when it takes too long, or the process that should do it has ended."""
    ends = time.monotonic() + seconds
    while not is_true():
        if process is not None and process.poll() is not None and not is_true():
            raise AssertionError(f"the process ended with {process.returncode}: {process.communicate()[1]}")
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)
