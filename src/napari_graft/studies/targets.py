"""The labelled data sets that the benchmarks play an unknown image with, and single images of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.recipes.samples import TEST_SHARE
from napari_graft.session.projects.creation import ImageOptions, stack_series
from napari_graft.sources.card import Structure


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A labelled data set below the folder of the data.

    Parameters
    ----------
    name
        Folder of the set; sources that were trained on a set of this name take no part.
    image, labels
        Files in it, or patterns.
    structure
        What is segmented.
    pixel_size
        Nanometres along each axis, None where nobody knows.
    is_mask
        Whether the labels say only what belongs to some object: connected pixels of a slice are then one.
    """

    name: str
    image: str
    labels: str
    structure: Structure
    pixel_size: tuple[float, ...] | None = None
    is_mask: bool = False

    @property
    def key(self) -> str:
        """Name of the set and the structure, which tells apart two targets of one set."""
        return f"{self.name}-{self.structure}"

    @property
    def names(self) -> frozenset[str]:
        """What it is asked for by: its name, with or without the structure, or the structure."""
        return frozenset({self.name, self.key, self.structure})

    @property
    def labels_of_set(self) -> tuple[str, str]:
        """Genus and instrument, as people would look them up; empty where nobody knows."""
        return _LOOKED_UP.get(self.name, ("", ""))

    def prepare(self, data: Path, folder: Path) -> tuple[ImageOptions, str]:
        """Return the image and the path of its labels; what must be made of several files goes to `folder`.

        Raises
        ------
        InputError
            If the set is not below `data`, or its files do not fit together.
        """
        self.check(data)
        image, labels = (str(data / self.name / file) for file in (self.image, self.labels))
        image, labels = stack_series(image, labels, folder)
        if self.is_mask:
            labels = _write_objects(labels, folder / "objects.tif")
        options = ImageOptions(image, pixel_size=self.pixel_size, unit="nm", structure=self.structure)
        return options, labels

    def check(self, data: Path) -> None:
        """Refuse a folder that does not hold the set.

        Raises
        ------
        InputError
            If there is none.
        """
        if not (data / self.name).is_dir():
            raise InputError(
                f"the images of {self.name!r} are not in {str(data)!r}: "
                "name the folder that holds them with --data"
            )


def sets_called(targets: Sequence[LabelledSet], names: Sequence[str]) -> tuple[LabelledSet, ...]:
    """Return those sets that are asked for by `LabelledSet.names`, in their own order.

    Raises
    ------
    InputError
        If there is no such set.
    """
    wanted = set(names)
    known = {name for one in targets for name in one.names}
    if unknown := wanted - known:
        raise InputError(f"no set is called {', '.join(sorted(unknown))}: choose of {sorted(known)}")
    return tuple(one for one in targets if wanted & one.names)


def _write_objects(mask: str, out: Path) -> str:
    """Write the connected parts of each slice of a mask, and return the path."""
    from skimage.measure import label

    volume = open_labels(mask)
    inside = np.asarray(volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))) > 0
    slices = inside if inside.ndim == 3 else inside[None]
    objects = np.stack([label(one, connectivity=1) for one in slices]).astype(np.uint16)
    out.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(out, objects.reshape(inside.shape), compression="zlib")
    return str(out)


_LOOKED_UP = {
    "isbi2012_vnc_sstem": ("Drosophila", "ssTEM"),
    "mouse_ca1_fibsem": ("Mus", "FIB-SEM"),
    "fly_medulla_fibsem": ("Drosophila", "FIB-SEM"),
    "mouse_neuropil_sbem": ("Mus", "SBEM"),
    "rat_spinal_cord_sem": ("Rattus", "SEM"),
    "dsb2018_fluo_520": ("", "fluorescence"),
    "phase_t98g_usiigaci": ("Homo", "phase contrast"),
    "nuclei_u2os_coelho": ("Homo", "fluorescence"),
    "dsb2018_he": ("", "bright field"),
    "dsb2018_bright_grey": ("", "bright field"),
    "dsb2018_fly_embryo": ("Drosophila", "fluorescence"),
    "dsb2018_fluo_small": ("", "fluorescence"),
    "dsb2018_fluo_large": ("", "fluorescence"),
    "pair_ihc_mpif_deepliif": ("Homo", "bright field"),
    "pair_bf_fluo_ecoli": ("Escherichia", "bright field"),
    "mouse_brain_sbem_mito": ("Mus", "SBEM"),
    "human_platelet_sbfsem": ("Homo", "SBF-SEM"),
    "plant_leaf_em_chloroplast": ("plant", "volume EM"),
}

_COLLECTIONS = {
    "dsb2018": (
        "dsb2018_fluo_520",
        "dsb2018_fluo_large",
        "dsb2018_fluo_small",
        "dsb2018_fly_embryo",
        "dsb2018_bright_grey",
        "dsb2018_he",
    ),
    "fly-fibsem": ("fly_medulla_fibsem", "fly_flyem_fibsem_small"),
    "plant-em": ("plant_leaf_em_chloroplast", "plant_cell_em_organelles"),
}


def collection_of(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of the collection that a set belongs to, and the sets in it, which are near relatives.

    A set that belongs to none stands for itself.
    """
    for collection, sets in _COLLECTIONS.items():
        if name in sets:
            return collection, sets
    return name, (name,)


# Its slices are not consecutive: the 5 nm along z are never used.
_CA1 = (5.0, 5.0, 5.0)
ISBI = LabelledSet("isbi2012_vnc_sstem", "image.tif", "labels_instances.tif", "neurites", (50, 4, 4))
CA1 = LabelledSet("mouse_ca1_fibsem", "images.tif", "labels_instances.tif", "neurites", _CA1)
FLUO_520 = LabelledSet("dsb2018_fluo_520", "images.tif", "labels_instances.tif", "nuclei")
T98G = LabelledSet("phase_t98g_usiigaci", "image_*.tif", "labels_instances_*.tif", "cells")

RANKING_TARGETS = (
    ISBI,
    CA1,
    LabelledSet("fly_medulla_fibsem", "image.tif", "labels_instances.tif", "neurites", (10, 10, 10)),
    LabelledSet("mouse_neuropil_sbem", "image.tif", "labels_instances.tif", "neurites", (10, 10)),
    LabelledSet("rat_spinal_cord_sem", "image_06.tif", "labels_instances_06.tif", "axons"),
    FLUO_520,
    T98G,
    LabelledSet("nuclei_u2os_coelho", "image_*.tif", "labels_instances_*.tif", "nuclei"),
    LabelledSet("dsb2018_he", "images.tif", "labels_instances.tif", "nuclei"),
    LabelledSet("dsb2018_bright_grey", "images.tif", "labels_instances.tif", "nuclei"),
    LabelledSet("dsb2018_fly_embryo", "images.tif", "labels_instances.tif", "nuclei"),
    LabelledSet("dsb2018_fluo_small", "images.tif", "labels_instances.tif", "nuclei"),
    LabelledSet("dsb2018_fluo_large", "images.tif", "labels_instances.tif", "nuclei"),
    LabelledSet("pair_ihc_mpif_deepliif", "image_ihc_*.tif", "labels_instances_*.tif", "nuclei"),
    LabelledSet("pair_bf_fluo_ecoli", "images_brightfield.tif", "labels_instances.tif", "cells"),
    LabelledSet("mouse_brain_sbem_mito", "images.tif", "labels_instances.tif", "mitochondria"),
    LabelledSet(
        "mouse_ca1_fibsem", "images.tif", "labels_mitochondria.tif", "mitochondria", _CA1, is_mask=True
    ),
    LabelledSet(
        "human_platelet_sbfsem", "image_*.tif", "labels_mitochondria_*.tif", "mitochondria", is_mask=True
    ),
    LabelledSet("plant_leaf_em_chloroplast", "images.tif", "labels_instances.tif", "organelles"),
)
FIRST_LOOK_TARGETS = (
    *RANKING_TARGETS,
    LabelledSet("nuclei_nih3t3_uneven", "image_*.tif", "labels_instances_*.tif", "nuclei"),
    LabelledSet("mouse_embryo_nuclei_3d", "image_01.tif", "labels_instances_01.tif", "nuclei"),
    LabelledSet("plant_ovule_confocal_3d", "image.tif", "labels_instances.tif", "cells", (235, 150, 150)),
    LabelledSet(
        "fly_flyem_fibsem_small", "image_01.tif", "labels_instances_01.tif", "neurites", (10, 10, 10)
    ),
    LabelledSet(
        "plant_cell_em_organelles",
        "images.tif",
        "labels_mitochondria_plastid.tif",
        "organelles",
        is_mask=True,
    ),
)


LEAST_OBJECTS = 25
"""Objects that the images of a set hold together: with fewer a score says little."""
LONGEST_SIDE = 1024
"""Of what is looked at of an image from an electron microscope, around its middle."""
_LIGHT = frozenset({"nuclei", "cells"})
"""Structures whose images are looked at whole: they come from light microscopes."""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images of two axes, cut from a labelled set.

    Parameters
    ----------
    target
        The set.
    image, labels
        The images and their truth, one image or a stack of them.
    pixel_size
        Nanometres along y and x, None where nobody knows.
    """

    target: LabelledSet
    image: Volume
    labels: Volume
    pixel_size: tuple[float, ...] | None

    def __len__(self) -> int:
        return self.image.shape[0] if len(self.image.shape) == 3 else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along y and x that are looked at."""
        whole = self.whole_shape
        return whole if self.target.structure in _LIGHT else tuple(min(n, LONGEST_SIDE) for n in whole)

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """Pixels of an image along y and x."""
        return self.image.shape[-2:]

    def truth(self, number: int) -> NDArray[np.uint32]:
        """Return the objects of an image where it is looked at, (y, x)."""
        return np.asarray(self.labels.read_raw(self._tile(number))).reshape(self.shape).astype(np.uint32)

    def n_objects(self) -> list[int]:
        """Return the number of true objects of each image."""
        return [int(np.count_nonzero(np.unique(self.truth(number)))) for number in range(len(self))]

    def write(self, number: int, folder: Path) -> ImageOptions:
        """Write an image as a file of its own, in a folder that bears the name of the set.

        By that name the program knows which sources have seen it.
        """
        path = folder / self.target.name / f"image_{number:03d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = self.image.read_raw(self._tile(number))
        is_grey = self.image.channel_axis is None
        pixels = pixels.reshape(*self.shape, *(() if is_grey else pixels.shape[-1:]))
        metadata = {"axes": "YX" if is_grey else "YXS"}
        tifffile.imwrite(path, pixels, photometric="minisblack" if is_grey else "rgb", metadata=metadata)
        return ImageOptions(str(path), pixel_size=self.pixel_size, unit="nm", structure=self.target.structure)

    def _tile(self, number: int) -> Tile:
        before = (number,) * (len(self.image.shape) - 2)
        start = tuple((n - kept) // 2 for n, kept in zip(self.whole_shape, self.shape, strict=True))
        return Tile((*before, *start), (*(1,) * len(before), *self.shape))


def open_images(target: LabelledSet, data: Path, folder: Path) -> LabelledImages:
    """Open the images of a set; what must be made of several files goes to `folder`.

    Raises
    ------
    InputError
        If the set is not below `data`, or its files do not fit together.
    """
    options, labels = target.prepare(data, folder)
    size = None if options.pixel_size is None else options.pixel_size[-2:]
    return LabelledImages(target, options.choice.open(), open_labels(labels), size)


def choose_images(n_objects: Sequence[int], most: int, *, is_whole: bool) -> list[int]:
    """Return the numbers of the images of a set that are looked at.

    These are at most `most` of its test part, the last fifth, spread evenly; more where they hold fewer than
    `LEAST_OBJECTS` objects, first of the test part and then of all others.

    Parameters
    ----------
    n_objects
        True objects of each image; one without any is left out.
    is_whole
        Whether to take them from the whole set, as no source was trained on it.
    """
    n_test = len(n_objects) if is_whole else max(1, len(n_objects) // TEST_SHARE)
    held = [number for number, n in enumerate(n_objects) if n]
    test = [number for number in held if number >= len(n_objects) - n_test]
    chosen = _fewest(test, n_objects, most, LEAST_OBJECTS)
    lacking = LEAST_OBJECTS - sum(n_objects[number] for number in chosen)
    if lacking <= 0:
        return chosen
    others = [number for number in held if number not in chosen]
    return sorted([*chosen, *_fewest(others, n_objects, 1, lacking)])


def _fewest(numbers: Sequence[int], n_objects: Sequence[int], usual: int, wanted: int) -> list[int]:
    """Return evenly spread images: the usual number of them, or more until they hold what is wanted."""
    for n in range(min(usual, len(numbers)), len(numbers)):
        chosen = [numbers[i * len(numbers) // n] for i in range(n)]
        if sum(n_objects[number] for number in chosen) >= wanted:
            return chosen
    return list(numbers)
