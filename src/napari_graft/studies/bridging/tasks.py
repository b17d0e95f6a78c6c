"""What the benchmark of bridges plays: pairs of one specimen, a target of another, in two modalities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.core.errors import InputError
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.card import Structure

Pixels = NDArray[np.generic]
Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scene:
    """Pairs and a target, as they come from the disk.

    Parameters
    ----------
    pairs
        Images of one specimen: in the modality of the target, and of the source; grey (y, x), or red, green
        and blue (y, x, 3).
    target, truth
        Image of another specimen, and its objects (y, x).
    own
        The target in the modality of the source, which nobody would have; the ceiling of all that a bridge
        can reach. None where there is none.
    """

    pairs: tuple[tuple[Pixels, Pixels], ...]
    target: Pixels
    truth: NDArray[np.uint32]
    own: Pixels | None


@dataclass(frozen=True, slots=True)
class BridgingTask:
    """A source that is to be bridged to a target.

    Parameters
    ----------
    key
        What it is called.
    group
        ``generated`` or the data set.
    source
        Id of the source.
    structure
        What is segmented.
    make
        Returns the scene for a seed, from the folder of the data.
    is_solved_by_inversion
        Whether the negative of the target is what the source knows already.
    """

    key: str
    group: str
    source: str
    structure: Structure
    make: Callable[[Path, int], Scene]
    is_solved_by_inversion: bool = False


_SIDE, _N_PAIRS = 256, 4
_NOISE = 0.02


def negative(scene: Grey, rng: np.random.Generator) -> Grey:
    """Return bright for dark, with another gamma."""
    return _recorded(1 - scene**1.4, rng)


def rims(scene: Grey, rng: np.random.Generator) -> Grey:
    """Return dark lines where the grey of a scene changes, as of a stained envelope."""
    edges = ndimage.gaussian_gradient_magnitude(scene, 1.5)
    return _recorded(0.85 - 0.75 * np.clip(edges / np.percentile(edges, 99), 0, 1), rng)


def relief(scene: Grey, rng: np.random.Generator) -> Grey:
    """Return the slope of a scene along a diagonal, as of differential interference contrast."""
    smooth = ndimage.gaussian_filter(scene, 1.0)
    slope = np.roll(smooth, (1, 1), (0, 1)) - np.roll(smooth, (-1, -1), (0, 1))
    return _recorded(0.5 + 0.4 * np.clip(slope / np.percentile(np.abs(slope), 99), -1, 1), rng)


def _recorded(scene: NDArray[np.floating], rng: np.random.Generator) -> Grey:
    noisy = scene + _NOISE * rng.standard_normal(scene.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


LOOKS = {"negative": negative, "rims": rims, "relief": relief}
_CELLS = Appearance(radius=11.0, noise=0.02, shot_noise=0.02)
_NEUROPIL = Appearance(radius=13.0, noise=0.03, texture=0.05)


def _scene_of(kind: str, rng: np.random.Generator) -> tuple[Grey, NDArray[np.uint32]]:
    make = generate_cells if kind == "cells" else generate_neuropil
    made = make((_SIDE, _SIDE), rng, _CELLS if kind == "cells" else _NEUROPIL)
    return (made.image / 255).astype(np.float32), made.segments


def generated(look: str, target: str) -> Callable[[Path, int], Scene]:
    """Return what makes a scene whose target and pairs are of different specimens in one look."""
    others = "neuropil" if target == "cells" else "cells"

    def make(data: Path, seed: int) -> Scene:
        rng = np.random.default_rng([seed, sorted(LOOKS).index(look), target == "cells"])
        pairs = []
        for _ in range(_N_PAIRS):
            image, _ = _scene_of(others, rng)
            pairs.append((_as_16_bits(LOOKS[look](image, rng)), _as_16_bits(image)))
        image, truth = _scene_of(target, rng)
        return Scene(tuple(pairs), _as_16_bits(LOOKS[look](image, rng)), truth, _as_16_bits(image))

    return make


def _as_16_bits(image: Grey) -> NDArray[np.uint16]:
    return np.rint(np.clip(image, 0, 1) * 65535).astype(np.uint16)


_DEEPLIIF = "pair_ihc_mpif_deepliif"
_FIELDS = ("bladder", "lung")


def deepliif(modality: str, target: int) -> Callable[[Path, int], Scene]:
    """Return what reads pairs of one field and a target of the other, for a source of DAPI."""

    def make(data: Path, seed: int) -> Scene:
        folder = _folder(data, _DEEPLIIF)

        def read(what: str, field: int) -> Pixels:
            image = tifffile.imread(folder / f"image_{what}_{field:02d}.tif")
            return image if what == "ihc" else _grey(image)  # only of this the colours say something

        pair = (read(modality, 1 - target), read("dapi", 1 - target))
        truth = tifffile.imread(folder / f"labels_instances_{target:02d}.tif").astype(np.uint32)
        return Scene((pair,), read(modality, target), truth, read("dapi", target))

    return make


_ECOLI, _AUREUS = "pair_bf_fluo_ecoli", "pair_phase_fluo_saureus"
_N_TEST = 5


def ecoli(*, is_own: bool) -> Callable[[Path, int], Scene]:
    """Return what reads bright field of E. coli as the target, for a source of fluorescence.

    Parameters
    ----------
    is_own
        Whether the pairs are other fields of E. coli, as a smoke test, and not S. aureus in phase contrast.
    """

    def make(data: Path, seed: int) -> Scene:
        folder = _folder(data, _ECOLI)
        bright, fluorescent, truth = (
            tifffile.imread(folder / f"{name}.tif")
            for name in ("images_brightfield", "images_fluorescence", "labels_instances")
        )
        if is_own:
            pairs = tuple(zip(bright[_N_TEST:], fluorescent[_N_TEST:], strict=True))
        else:
            other = _folder(data, _AUREUS)
            pairs = (
                (tifffile.imread(other / "image_phase.tif"), tifffile.imread(other / "image_membrane.tif")),
            )
        number = seed % _N_TEST
        return Scene(pairs, bright[number], truth[number].astype(np.uint32), fluorescent[number])

    return make


def _folder(data: Path, name: str) -> Path:
    if not (data / name).is_dir():
        raise InputError(
            f"the images of {name!r} are not in {str(data)!r}: name the folder that holds them with --data"
        )
    return data / name


def _grey(image: Pixels) -> Pixels:
    return image if image.ndim == 2 else image[..., :3].mean(-1).astype(np.float32)


_TARGETS: tuple[tuple[str, str, Structure], ...] = (
    ("cells", "nuclei-fluorescence-all", "nuclei"),
    ("neuropil", "fly-medulla-fibsem", "neurites"),
)
GENERATED = tuple(
    BridgingTask(
        f"{look}, pairs of {'neuropil' if target == 'cells' else 'cells'}, target {target}",
        "generated",
        source,
        structure,
        generated(look, target),
        look == "negative",
    )
    for look in LOOKS
    for target, source, structure in _TARGETS
)
REAL = (
    *(
        BridgingTask(
            f"DAPI → {modality}, pairs of {_FIELDS[1 - field]}, target {_FIELDS[field]}",
            "DeepLIIF",
            "nuclei-fluorescence-all",
            "nuclei",
            deepliif(modality, field),
        )
        for modality in ("lap2", "ihc")
        for field in (1, 0)
    ),
    *(
        BridgingTask(
            f"fluorescence → bright field of E. coli, pairs of {words}",
            "E. coli",
            "nuclei-fluorescence-all",
            "cells",
            ecoli(is_own=is_own),
        )
        for is_own, words in ((True, "other fields of E. coli"), (False, "S. aureus"))
    ),
)
TASKS = (*REAL, *GENERATED)
