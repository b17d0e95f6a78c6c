from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import find_boundaries

from napari_graft.metrics import evaluate
from napari_graft.nets.derived_maps import activate, foreground_and_affinities, highest_between
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.foreign_spec import ForeignSpec


@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 9))
def test_the_highest_on_a_line_is_that_of_its_pixels(dy: int, dx: int, seed: int) -> None:
    if dy == dx == 0:
        return
    values = np.random.default_rng(seed).random((7, 9)).astype(np.float32)

    found = highest_between(torch.from_numpy(values)[None], (dy, dx))[0].numpy()

    n = max(abs(dy), abs(dx))
    for y in range(7):
        for x in range(9):
            line = [(y + round(dy * i / n), x + round(dx * i / n)) for i in range(n + 1)]
            expected = max(values[min(max(a, 0), 6), min(max(b, 0), 8)] for a, b in line)
            assert found[y, x] == expected


def _maps(noise: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what an able network would answer to touching cells, a little blurred, and the truth."""
    rng = np.random.default_rng(1)
    truth = generate_cells((256, 256), rng, Appearance(radius=9.0)).segments
    distance = np.zeros(truth.shape, np.float32)
    for i in np.unique(truth)[1:]:
        distance += ndimage.distance_transform_edt(np.pad(truth == i, 1))[1:-1, 1:-1].astype(np.float32)
    maps = {"foreground": truth > 0, "boundary": find_boundaries(truth, mode="thick")}
    found = {"distance": distance}
    for name, mask in maps.items():
        grain = ndimage.gaussian_filter(rng.normal(0, 5 * noise, truth.shape), 1.5)
        found[name] = np.clip(ndimage.gaussian_filter(mask.astype(float), 1) + grain, 0, 1).astype(np.float32)
    found["background"] = 1 - found["foreground"]
    return found, truth


@pytest.mark.parametrize(
    ("outputs", "least"),
    [
        (("foreground", "boundary"), 0.95),
        (("background", "foreground", "boundary"), 0.95),
        (("foreground", "distance"), 0.95),
        (("distance",), 0.95),
        (("foreground",), 0.8),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_objects_are_found_from_what_other_networks_answer(
    outputs: tuple[str, ...], least: float, noise: float
) -> None:
    maps, truth = _maps(noise)
    spec = ForeignSpec.model_validate(
        {"architecture": "torchscript", "outputs": outputs, "distance_reach": 4.0}
    )
    channels = torch.from_numpy(np.stack([maps[name] for name in outputs]))[None]

    answer = foreground_and_affinities(channels, spec)[0].numpy()
    found = decode(answer[0], answer[1:], spec.offsets, DecodeSettings())

    assert evaluate(found, truth).ap50 >= least


def test_affinities_of_the_network_are_taken_as_they_are() -> None:
    spec = ForeignSpec.model_validate(
        {
            "architecture": "torchscript",
            "offsets": [[-1, 0], [0, -1], [-5, 0]],
            "outputs": ["affinity", "unused", "affinity", "boundary", "affinity"],
        }
    )
    maps = torch.rand(2, 5, 8, 8)

    answer = foreground_and_affinities(maps, spec)

    torch.testing.assert_close(answer[:, 1:], maps[:, [0, 2, 4]])
    torch.testing.assert_close(answer[:, 0], 1 - maps[:, 3])


def test_each_activation_makes_probabilities_and_leaves_distances() -> None:
    answer = torch.randn(1, 3, 4, 4)
    fields = {"architecture": "torchscript", "outputs": ["background", "foreground", "distance"]}

    kept, logits, classes = (
        activate(answer, ForeignSpec.model_validate(fields | {"activation": name}))
        for name in ("probability", "logit", "softmax")
    )

    torch.testing.assert_close(kept, answer)
    torch.testing.assert_close(logits[:, :2], answer[:, :2].sigmoid())
    torch.testing.assert_close(classes[:, :2], answer[:, :2].softmax(1))
    torch.testing.assert_close(logits[:, 2], answer[:, 2])
    torch.testing.assert_close(classes[:, 2], answer[:, 2])
