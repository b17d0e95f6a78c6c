"""A real viewer opens our samples and draws them: the screen, OpenGL and the manifest all work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from napari import Viewer
from napari.layers import Image, Labels

MakeViewer = Callable[..., Viewer]


@pytest.mark.parametrize("key", ["neuropil", "cells"])
def test_viewer_opens_a_sample_as_an_image_and_its_true_segments(make_napari_viewer: MakeViewer, key: str):
    viewer = make_napari_viewer()

    viewer.open_sample("napari-graft", key)

    image, truth = viewer.layers
    assert isinstance(image, Image)
    assert isinstance(truth, Labels)
    assert image.data.dtype == np.uint8
    assert truth.data.dtype == np.uint32
    assert truth.data.shape == image.data.shape
    assert truth.data.max() > 1


def test_canvas_draws_the_sample(make_napari_viewer: MakeViewer):
    viewer = make_napari_viewer(show=True)
    viewer.open_sample("napari-graft", "cells")

    drawn = viewer.screenshot(canvas_only=True, flash=False)

    assert np.unique(drawn[..., :3]).size > 20
