"""3-D sources against the 2-D ones of the same images: `pytest -m bench -s` with this file shows scores."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.measure import label

from napari_graft.inference.predictor import Predictor
from napari_graft.metrics import evaluate
from napari_graft.nets.device import choose_device
from napari_graft.recipes.dataset_split import load_dataset
from napari_graft.recipes.recipe import read_recipe
from napari_graft.recipes.scoring import few_samples
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import Model, model_of_source
from napari_graft.sources.catalogue import Catalogue

pytestmark = pytest.mark.bench

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize("name", ["fly-medulla-fibsem", "mouse-embryo-nuclei", "plant-ovule-cells"])
def test_both_find_objects_in_the_slices_of_the_held_out_volumes(name: str) -> None:
    """Each connected sample in a slice counts as an object, in the truth as in what is found."""
    if not DATA.is_dir():
        pytest.skip(f"needs the labelled images in {DATA}")
    volumes = few_samples(load_dataset(read_recipe(ROOT / "recipes" / f"{name}-3d.yaml"), DATA).test)
    found = {}
    for source in (name, f"{name}-3d"):
        model = model_of_source(Catalogue().get(source))
        scores = [
            evaluate(label(section), label(truth))
            for volume in volumes
            for section, truth in zip(segment(model, volume.image), volume.segments, strict=True)
            if truth.any()
        ]
        found[source] = fmean(one.vi for one in scores), fmean(one.ap50 for one in scores)
        print(f"\n{source}: VI {found[source][0]:.2f}, AP50 {found[source][1]:.2f}, {len(scores)} slices")
    for vi, ap50 in found.values():
        assert vi < 2
        assert ap50 > 0.2


def segment(model: Model, image: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Segment a volume, slice by slice where the network is 2-D."""
    predictor = Predictor(model.network, choose_device("auto"))
    if model.spec.ndim == 2:
        return np.stack([_decode(predictor, model, section) for section in image])
    return _decode(predictor, model, image)


def _decode(predictor: Predictor, model: Model, image: NDArray[np.float32]) -> NDArray[np.uint32]:
    prediction = predictor.predict_image(image)
    return decode(prediction.foreground, prediction.affinities, model.spec.offsets, model.decode)
