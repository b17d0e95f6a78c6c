"""The results that the benchmark ``proofreading`` corrects, by sources that do not know the set."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.reasons import suspicious_objects
from napari_graft.proofreading.suspicion import Suspicion
from napari_graft.session.models import load_model
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import make_project
from napari_graft.session.proofreading import predict_affinities
from napari_graft.sources.card import Structure
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.targets import FLUO_520, LabelledSet


@dataclass(frozen=True, slots=True)
class ProofreadingCase:
    """Result that is proofread: what a source makes of a part of a labelled set that it was not trained on.

    Parameters
    ----------
    target
        The set.
    source
        Id of the source, of one dimension with the part.
    start, shape
        The part of the image.
    may_be_related
        Whether the source may know images of the same family, but never of the set itself.
    """

    target: LabelledSet
    source: str
    start: tuple[int, ...]
    shape: tuple[int, ...]
    may_be_related: bool = False

    @property
    def key(self) -> str:
        """Name of the set and of the image in it."""
        number = "".join(letter for letter in self.target.image if letter.isdigit())
        return f"{self.target.key}-{number or self.start[0]}"


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What is known of a case: all of it of the shape of its part, without axes of one pixel.

    Parameters
    ----------
    labels
        uint32, 0 background, 1… objects: as the source found them.
    truth
        uint32, the same in truth.
    affinities
        Of the source.
    """

    labels: NDArray[np.uint32]
    truth: NDArray[np.uint32]
    affinities: AffinityMap

    @cached_property
    def suspicions(self) -> list[Suspicion]:
        """The objects that may be wrong, before anything is corrected."""
        return suspicious_objects(ObjectMap(self.labels), self.affinities)


def make_result(case: ProofreadingCase, data: Path, cancel: CancelToken) -> CaseResult:
    """Let the source segment the part, and read its truth.

    Raises
    ------
    InputError
        If the set is not below `data`, or the source was trained on it.
    """
    case.target.check(data)
    catalogue = Catalogue()
    seen = catalogue.get(case.source).card.training
    known = seen.datasets if case.may_be_related else (*seen.datasets, *seen.related_datasets)
    if case.target.name in known:
        raise InputError(f"{case.source} was trained on {case.target.name}: choose another source")
    tile = Tile(case.start, case.shape)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / case.target.name
        place.mkdir()
        options, labels = case.target.prepare(data, place)
        with make_project(place / "p.graft", options) as project:
            model = load_model(case.source, project, catalogue)
            (found,) = segment_tiles(project, model, [tile], device="cpu", cancel=cancel)
            affinities = predict_affinities(project, model, tile, device="cpu", cancel=cancel)
        truth = np.asarray(open_labels(labels).read_raw(tile)).astype(np.uint32)
    return _without_single_planes(found, truth, affinities, model.spec.ndim)


def _without_single_planes(
    labels: NDArray[np.uint32], truth: NDArray[np.uint32], affinities: AffinityMap, ndim: int
) -> CaseResult:
    n_before = labels.ndim - ndim
    shape = labels.shape[n_before:]
    offsets = [tuple(offset[n_before:]) for offset in affinities.offsets[n_before:]]
    values = affinities.values[n_before:].reshape(-1, *shape)
    return CaseResult(labels.reshape(shape), truth.reshape(shape).copy(), AffinityMap(values, offsets))


_NUCLEI: tuple[str, str, Structure] = ("images.tif", "labels_instances.tif", "nuclei")
_SERIES: tuple[str, str, Structure] = ("image_*.tif", "labels_instances_*.tif", "nuclei")
_NEUROPIL = LabelledSet("mouse_neuropil_sbem", "image.tif", "labels_instances.tif", "neurites", (10, 10))
_FLYEM = tuple(
    LabelledSet(
        "fly_flyem_fibsem_small", f"image_0{n}.tif", f"labels_instances_0{n}.tif", "neurites", (10, 10, 10)
    )
    for n in (0, 1)
)

CASES = (
    ProofreadingCase(_NEUROPIL, "mouse-ca1-fibsem", (0, 0), (700, 700)),
    ProofreadingCase(FLUO_520, "nuclei-u2os", (14, 0, 0), (1, 520, 696)),
    ProofreadingCase(LabelledSet("dsb2018_fly_embryo", *_NUCLEI), "nuclei-u2os", (5, 0, 0), (1, 603, 1272)),
    ProofreadingCase(
        LabelledSet("nuclei_nih3t3_uneven", *_SERIES), "nuclei-fluorescence", (3, 0, 0), (1, 768, 1024)
    ),
    ProofreadingCase(
        LabelledSet("nuclei_u2os_coelho", *_SERIES), "nuclei-fluorescence", (9, 0, 0), (1, 768, 1024)
    ),
    ProofreadingCase(_FLYEM[0], "fly-medulla-fibsem-3d", (0, 0, 0), (50, 100, 200), may_be_related=True),
    ProofreadingCase(_FLYEM[1], "fly-medulla-fibsem-3d", (0, 0, 0), (50, 100, 200), may_be_related=True),
)
"""On none of these sets were the probabilities of the reasons set (`napari_graft.proofreading.reasons`)."""
