from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_graft.nets.build import build_network
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.weight_averaging import SHARES, mix_weights

SPEC = ModelSpec(widths=(8, 16))


def test_the_way_goes_from_the_start_to_the_trained_weights_in_a_straight_line() -> None:
    start, trained = (build_network(SPEC, seed=seed).stored_weights() for seed in (0, 1))

    points = [mix_weights(start, trained, share) for share in SHARES]

    for name in trained:
        np.testing.assert_array_equal(points[0][name], start[name])
        np.testing.assert_array_equal(points[-1][name], trained[name])
        np.testing.assert_allclose(points[2][name], (start[name] + trained[name]) / 2, atol=1e-7)
        steps = np.diff([point[name] for point in points], axis=0)
        np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-6)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_point_on_the_way_is_a_network_between_both(share: float) -> None:
    start, trained = (build_network(SPEC, seed=seed).stored_weights() for seed in (0, 1))
    # Only the last bias differs, in which the output is linear.
    trained = start | {"head.bias": trained["head.bias"] + 1}
    image = torch.zeros(1, 1, 32, 32)

    ends = [build_network(SPEC, weights)(image).detach() for weights in (start, trained)]
    between = build_network(SPEC, mix_weights(start, trained, share))(image).detach()

    torch.testing.assert_close(between, (1 - share) * ends[0] + share * ends[1], atol=1e-5, rtol=1e-5)
    assert mix_weights(start, trained, share)["head.bias"].dtype == np.float32
