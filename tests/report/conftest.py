"""A finished loop as a report sees it: generated images, made-up mistakes, true scores of these mistakes."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_graft.fingerprints.source_map import TARGET, SourceMap, map_of_distances
from napari_graft.metrics import evaluate
from napari_graft.report import LoopRecord, Overview, Panel, SuggestedTile
from napari_graft.samples.appearance import GeneratedImage
from napari_graft.samples.em import generate_neuropil

Labels = NDArray[np.uint32]
TILE = 64
MISTAKES = {
    "Source as it is": (0.45, 0.2),
    "From scratch, 4 tiles": (0.3, 0.35),
    "Adapted, 4 tiles": (0.12, 0.1),
    "Adapted, 8 tiles": (0.05, 0.06),
}
RANKING = (
    ("fly-neurites", "Fly neurites · FIB-SEM", "neurites", 0.0041, 2.9, "like its own data"),
    ("mouse-neurites", "Mouse CA1 neurites · FIB-SEM", "neurites", 0.021, 14.2, "near"),
    ("rat-axons", "Rat axons · SEM", "axons", 0.18, 96.0, "far"),
    ("plant-organelles", "Plant organelles · TEM", "organelles", 0.05, 21.0, "near"),
    ("mouse-mitochondria", "Mouse mitochondria · SBEM", "mitochondria", 0.07, 33.0, "far"),
    ("phase-cells", "Cells · phase contrast", "cells", 0.31, 410.0, "far"),
    ("fluo-nuclei", "Nuclei · fluorescence", "nuclei", 0.62, 2900.0, "far"),
)


def spoil(truth: Labels, shares: tuple[float, float], rng: np.random.Generator) -> Labels:
    """Join a share of the objects with their right neighbour, and cut a share of them in two."""
    joined, cut = shares
    found = truth.astype(np.uint32)
    pairs = np.unique(np.stack([truth[:, :-6].ravel(), truth[:, 6:].ravel()], axis=1), axis=0)
    pairs = pairs[(pairs[:, 0] != pairs[:, 1]) & pairs.all(axis=1)]
    for a, b in pairs[rng.random(len(pairs)) < joined / 2]:
        found[found == b] = a
    rows = np.indices(truth.shape)[0]
    for label in np.unique(truth)[1:]:
        mask = found == label
        if rng.random() < cut and mask.any():
            found[mask & (rows > np.median(rows[mask]))] = found.max() + 1
    return found


def loop_record(sample: GeneratedImage, tile: int = TILE) -> LoopRecord:
    """Fill a record as a finished loop on a stack would: the last slice is the test part."""
    rng = np.random.default_rng(1)
    image, truth = sample.image[-1], sample.segments[-1]
    found = {name: spoil(truth, shares, rng) for name, shares in MISTAKES.items()}
    scores = {name: asdict(evaluate(labels, truth)) for name, labels in found.items()}
    middle = tuple(slice(n // 2 - tile // 2, n // 2 + tile // 2) for n in image.shape)
    spare = {"source": "scratch", "seconds": 41.0, "steps": 400}
    adapted = {"source": "fly-neurites", "seconds": 41.3, "steps": 400}
    return LoopRecord(
        title="Neurites in the neuropil sample",
        image_name="neuropil sample (generated)",
        shape=sample.image.shape,
        axes="zyx",
        pixel_size=(50.0, 4.0, 4.0),
        unit="nm",
        structure="neurites",
        structure_words="neurites",
        ranking=tuple(ranked(*entry) for entry in RANKING),
        rounds=(
            {"n_tiles": 4, **adapted, **scores["Adapted, 4 tiles"]},
            {"n_tiles": 8, **adapted, "source": "run 1", **scores["Adapted, 8 tiles"]},
        ),
        zero_shot=scores["Source as it is"],
        scratch={"n_tiles": 4, **spare, **scores["From scratch, 4 tiles"]},
        scratch_rounds=({"n_tiles": 8, **spare, **scores["From scratch, 4 tiles"], "vi": 0.71},),
        seconds=263.0,
        excluded=("isbi2012-neurites",),
        held_out={
            "new": {"loss": 0.21, "vi": 0.33, "vi_split": 0.2, "vi_merge": 0.13, "ap50": 0.8, "dice": 0.93},
            "previous": {
                "loss": 0.26,
                "vi": 0.41,
                "vi_split": 0.3,
                "vi_merge": 0.11,
                "ap50": 0.7,
                "dice": 0.92,
            },
            "source": {"loss": 0.5, "vi": 1.1, "vi_split": 0.4, "vi_merge": 0.7, "ap50": 0.5, "dice": 0.9},
        },
        tiles=suggested_tiles(sample.image.shape, tile),
        overviews=tuple(Overview(sample.image[z, ::2, ::2], z, 2.0) for z in range(2)),
        panels=(
            Panel(
                f"slice {len(sample.image) - 1}, the middle",
                image[middle],
                truth[middle],
                {name: labels[middle] for name, labels in found.items()},
            ),
        ),
        facts={
            "Command": "napari-graft demo --rounds 2 --tiles 4 --seed 0",
            "Version": "0.1.0",
            "Python": "3.11.2, torch 2.13.0, numpy 2.3.1",
            "Device": "2 CPU cores",
            "Seed": "0",
            "Date": "2025-11-22 03:17 UTC",
        },
        notes=(
            "The image is generated: scores on it say that the program works, nothing about real tissue.",
        ),
        source_map=source_map(),
    )


def ranked(source: str, title: str, structure: str, mmd2: float, z: float, verdict: str) -> dict[str, object]:
    """Return an entry of the ranking."""
    remedy = "try it with inverted contrast" if source == "phase-cells" else None
    return {
        "source": source,
        "title": title,
        "mmd2": mmd2,
        "z": z,
        "p_value": 0.002 if z > 3 else 0.02,
        "consistency": None,
        "few_shot": None,
        "verdict": verdict,
        "structure": structure,
        "same_structure": structure in ("neurites", "axons"),
        "remedy": remedy,
    }


def source_map() -> SourceMap:
    """Return a map on which the image stands beside the source that was chosen."""
    places = np.array([0.0, 0.2, 1.0, 0.6, 0.7, 2.0, 2.4, 0.05])
    return map_of_distances([entry[0] for entry in RANKING] + [TARGET], np.abs(places[:, None] - places) / 3)


def suggested_tiles(shape: tuple[int, ...], tile: int) -> tuple[SuggestedTile, ...]:
    """Return four tiles for each of two rounds, on the first two slices."""
    far = shape[-1] - tile
    corners = ((0, 0), (0, far), (far, 0), (far, far))
    reasons = (
        "typical of a large part of the image",
        "unlike anything chosen so far",
        "unsure about borders",
        "unsure, and unlike what is painted",
    )
    return tuple(
        SuggestedTile(number, (z, y, x), (1, tile, tile), 0.9 - i / 10, reason, z)
        for number, z in ((1, 0), (2, 1))
        for i, ((y, x), reason) in enumerate(zip(corners, reasons, strict=True))
    )


@pytest.fixture(scope="session")
def record() -> LoopRecord:
    """Return the record of a small loop in which the source helped."""
    return loop_record(generate_neuropil((3, 160, 160), np.random.default_rng(0)))


@pytest.fixture(scope="session")
def noisy_record() -> LoopRecord:
    """Return a record with as many pictures as a demonstration has, of noisy images of their usual sizes."""
    rng = np.random.default_rng(0)
    sample = generate_neuropil((3, 384, 384), rng)
    noisy = np.clip(sample.image + rng.normal(0, 14, sample.image.shape), 0, 255).astype(np.uint8)
    record = loop_record(replace(sample, image=noisy), 384)
    panel = record.panels[0]
    found = {**panel.segmentations, "From scratch, 8 tiles": panel.segmentations["Source as it is"]}
    panels = tuple(replace(panel, place=place, segmentations=found) for place in ("top", "bottom"))
    wide = np.tile(noisy[0], (2, 2))[:640, :640]
    overviews = tuple(Overview(np.ascontiguousarray(np.roll(wide, z)), z, 2.0) for z in range(2))
    return replace(record, panels=panels, overviews=overviews)
