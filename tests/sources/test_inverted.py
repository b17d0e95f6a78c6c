"""The view of a source that sees the negative of an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.exchange.torchscript_file import spec_of_traced
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.view import ModelView
from napari_graft.io.volume import Volume
from napari_graft.merging.recipe import require_one_shape
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec, in_plane
from napari_graft.sources.source import id_without_view, invert_source

GREY = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.float32)
WHOLE = Tile((0, 0), GREY.shape)


@pytest.mark.parametrize("window", [None, 8.0])
def test_inverted_view_is_the_negative_of_the_other(window: float | None) -> None:
    volume, grey = Volume(GREY, Axes(("y", "x"))), IntensityRange(0, 255)
    plain, negative = (
        ModelView(volume, grey, ModelSpec(contrast_window=window, inverted=inverted)).read(WHOLE)
        for inverted in (False, True)
    )
    np.testing.assert_allclose(negative, -plain, atol=1e-5)
    assert np.abs(plain).max() > 0.5


def test_a_zoom_comes_on_top_of_what_sizes_and_diameters_ask_for() -> None:
    volume, grey = Volume(GREY, Axes(("y", "x"))), IntensityRange(0, 255)
    spec = ModelSpec(object_diameter=20.0, zoom=0.5)

    assert ModelView(volume, grey, ModelSpec(zoom=2.0)).read(WHOLE).shape == (80, 96)
    assert ModelView(volume, grey, spec, object_diameter=10.0).read(WHOLE).shape == (40, 48)
    assert spec_of_traced(ModelSpec(zoom=2.0, stain="dab")).zoom == 2.0
    assert spec_of_traced(ModelSpec(zoom=2.0, stain="dab")).stain == "dab"


def test_reference_names_source_and_view() -> None:
    source = Catalogue().get("nuclei-fluorescence")
    view = Catalogue().get("nuclei-fluorescence@inverted")
    assert view.card.spec.inverted
    assert view.id == "nuclei-fluorescence@inverted" == invert_source(source).id
    assert id_without_view(view.id) == source.id
    assert view.card.weights_sha256 == source.card.weights_sha256
    assert view.load_fingerprint() is not None
    assert invert_source(view).card.spec == source.card.spec


def test_view_of_no_source_is_refused_by_the_name_of_the_source() -> None:
    with pytest.raises(InputError, match=r"no source is called 'nuclei-flurescence'.*nuclei-fluorescence"):
        Catalogue().get("nuclei-flurescence@inverted")


def test_folder_whose_name_ends_like_a_view_is_found_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no source"):
        (tmp_path / "mine@inverted").mkdir()
        Catalogue().get(tmp_path / "mine@inverted")


def test_views_that_differ_are_not_merged() -> None:
    with pytest.raises(InputError, match="differ in inverted"):
        require_one_shape({"a": ModelSpec(), "b": ModelSpec(inverted=True)})
    with pytest.raises(InputError, match="differ in stain"):
        require_one_shape({"a": ModelSpec(), "b": ModelSpec(stain="dab")})
    with pytest.raises(InputError, match="differ in zoom"):
        require_one_shape({"a": ModelSpec(), "b": ModelSpec(zoom=2.0)})


def test_slices_of_a_volume_are_seen_in_the_same_view() -> None:
    assert in_plane(ModelSpec(ndim=3, inverted=True)).inverted
