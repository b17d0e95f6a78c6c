"""One drawn geometry in two looks: filled discs, and dark rims on a bright ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.bridging.method import BridgeContext, BridgeData, BridgeStates
from napari_graft.bridging.pairs import Pair
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.training.config import TrainConfig

Image = NDArray[np.float32]


def draw(seed: int, side: int = 96, n: int = 14) -> tuple[Image, Image, NDArray[np.uint32]]:
    """Return an image of filled discs, one of their rims, each about -1 to 1, and the discs."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.uint32)
    for number in range(1, n + 1):
        y, x, radius = *rng.uniform(0, side, 2), rng.uniform(5, 9)
        labels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = number
    inside = (labels > 0).astype(np.float32)
    rim = ndimage.gaussian_gradient_magnitude(inside, 1.2)
    filled = 1.6 * ndimage.gaussian_filter(inside, 1.0) - 0.8 + rng.normal(0, 0.05, inside.shape)
    rims = 0.6 - 4.0 * rim + rng.normal(0, 0.05, inside.shape)
    return filled.astype(np.float32), rims.astype(np.float32), labels


def make_pairs(n: int = 3, side: int = 96) -> list[Pair]:
    """Return pairs: rims in the modality of the target, filled discs in that of the source."""
    pairs = []
    for seed in range(n):
        filled, rims, _ = draw(seed, side)
        pairs.append(Pair(f"field{seed}", rims, filled))
    return pairs


def make_context(steps: int = 3, states: BridgeStates | None = None, n: int = 2) -> BridgeContext:
    """Return a little to learn from, and some steps."""
    data = BridgeData(
        pairs=make_pairs(n),
        target=[draw(seed)[1] for seed in (50, 51)],
        inverted=False,
        foreground=0.3,
        decode=DecodeSettings(),
    )
    return BridgeContext(
        data=data,
        config=TrainConfig(time_budget=None, max_steps=steps, checkpoint_seconds=0.0),
        device=torch.device("cpu"),
        states=states or BridgeStates(),
        report=ignore_progress,
        cancel=CancelToken(),
    )


def write_pairs(folder: Path, n: int = 3, side: int = 96) -> tuple[Path, Path]:
    """Write pairs into two folders: rims as 16 bits, filled discs as 8 bits."""
    rims_folder, filled_folder = folder / "rims", folder / "filled"
    for one in (rims_folder, filled_folder):
        one.mkdir(parents=True)
    for seed in range(n):
        filled, rims, _ = draw(seed, side)
        tifffile.imwrite(rims_folder / f"field{seed}.tif", as_uint(rims, np.uint16))
        tifffile.imwrite(filled_folder / f"field{seed}.tif", as_uint(filled, np.uint8))
    return rims_folder, filled_folder


def as_uint(image: Image, kind: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Return an image of about -1 to 1 as whole numbers."""
    return (np.clip((image + 1.5) / 3, 0, 1) * np.iinfo(kind).max).astype(kind)


def spoil_missing(target: Path, source: Path) -> None:
    (source / "field1.tif").unlink()


def spoil_size(target: Path, source: Path) -> None:
    tifffile.imwrite(source / "field1.tif", as_uint(draw(1, 80)[0], np.uint8))


def spoil_constant(target: Path, source: Path) -> None:
    tifffile.imwrite(target / "field1.tif", np.full((96, 96), 7, np.uint16))


def spoil_depth(target: Path, source: Path) -> None:
    tifffile.imwrite(target / "field1.tif", as_uint(draw(1)[1], np.uint8))


def spoil_empty(target: Path, source: Path) -> None:
    for path in source.iterdir():
        path.unlink()


def spoil_small(target: Path, source: Path) -> None:
    for folder in (target, source):
        path = folder / "field1.tif"
        tifffile.imwrite(path, tifffile.imread(path)[:40, :40])


def spoil_place(target: Path, source: Path) -> None:
    tifffile.imwrite(source / "field1.tif", as_uint(draw(99)[0], np.uint8))


SPOILT_FILES = {
    "missing": (spoil_missing, "holds no image called 'field1'"),
    "other size": (spoil_size, "'field1' have other sizes"),
    "constant": (spoil_constant, "field1.tif are 7"),
    "other bit depth": (spoil_depth, "another bit depth"),
    "empty": (spoil_empty, "is empty"),
    "small": (spoil_small, "'field1' are"),
}
"""What is wrong with the files of pairs: what spoils two folders, and words of what is then said."""
SPOILT = {**SPOILT_FILES, "unregistered": (spoil_place, "named 'field1'")}
"""And what only shows when the images are laid on each other."""
