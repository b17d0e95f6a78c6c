"""The stains of a coloured image, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import hed2rgb

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.io.channels import STAINS, in_stain
from napari_graft.io.volume import Volume

AXES = Axes(("y", "x"))
WHOLE = Tile((0, 0), (32, 32))


def stained(kind: type[np.unsignedinteger] = np.uint8) -> NDArray[np.unsignedinteger]:
    """Return an image whose quarters hold hematoxylin, eosin, DAB and nothing."""
    amounts = np.zeros((32, 32, 3))
    amounts[:16, :16, 0] = amounts[:16, 16:, 1] = amounts[16:, :16, 2] = 0.4
    return np.rint(hed2rgb(amounts) * np.iinfo(kind).max).astype(kind)


@pytest.mark.parametrize("stain", STAINS)
def test_each_stain_is_bright_where_it_is_and_nowhere_else(stain: str) -> None:
    volume = in_stain(Volume(stained(), AXES, 2), stain)
    density = volume.read(WHOLE)
    quarters = [density[:16, :16], density[:16, 16:], density[16:, :16], density[16:, 16:]]
    own = STAINS.index(stain)

    assert volume.channel_axis is None
    assert density.dtype == np.float32
    np.testing.assert_allclose(quarters[own], 0.4, atol=0.02)
    assert all(quarter.max() < 0.02 for number, quarter in enumerate(quarters) if number != own)


def test_it_does_not_depend_on_bit_depth_or_on_where_the_channels_are() -> None:
    wide, first = stained(np.uint16), np.moveaxis(stained(), -1, 0)
    expected = in_stain(Volume(stained(), AXES, 2), "hematoxylin").read(WHOLE)

    for volume in (Volume(wide, AXES, 2), Volume(first, AXES, 0)):
        np.testing.assert_allclose(in_stain(volume, "hematoxylin").read(WHOLE), expected, atol=0.02)


def test_a_part_is_read_as_the_whole_is_and_a_grey_image_as_it_is() -> None:
    volume, part = in_stain(Volume(stained(), AXES, 2), "eosin"), Tile((4, 10), (20, 13))
    grey = Volume(stained()[..., 0], AXES)

    np.testing.assert_array_equal(volume.read(part), volume.read(WHOLE)[part.slices])
    assert in_stain(grey, "eosin") is grey
    coloured = Volume(stained(), AXES, 2)
    assert in_stain(coloured, None) is coloured
