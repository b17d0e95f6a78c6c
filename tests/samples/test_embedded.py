from __future__ import annotations

import numpy as np

from napari_graft.samples.presets import cells_sample, neuropil_sample


def test_the_neuropil_sample_is_a_stack_with_many_cells_in_every_slice() -> None:
    sample = neuropil_sample()
    assert sample.image.shape == sample.segments.shape == (12, 512, 512)
    assert sample.image.dtype == np.uint8
    assert all(len(np.unique(plane)) > 60 for plane in sample.segments)


def test_the_cells_sample_is_the_same_each_time() -> None:
    first, second = cells_sample(), cells_sample()
    assert first.image.shape == (512, 512)
    assert first.segments.max() > 20
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.segments, second.segments)
