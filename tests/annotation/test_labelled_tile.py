from __future__ import annotations

import numpy as np
import pytest

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.float32, np.bool_])
def test_labels_of_another_type_are_refused(dtype: type) -> None:
    with pytest.raises(InputError, match="uint32"):
        LabelledTile(Tile((0, 0), (4, 4)), np.ones((4, 4), dtype))


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(4, 5\) do not fit"):
        LabelledTile(Tile((0, 0), (4, 4)), np.ones((4, 5), np.uint32))


def test_a_complete_tile_has_no_unlabelled_pixel() -> None:
    labels = np.ones((4, 4), np.uint32)
    labels[1, 1:3] = 0

    with pytest.raises(InputError, match="2 unlabelled pixels"):
        LabelledTile(Tile((0, 0), (4, 4)), labels)
    assert not LabelledTile(Tile((0, 0), (4, 4)), labels, complete=False).complete


def test_a_negative_round_is_refused() -> None:
    with pytest.raises(InputError, match="round -1"):
        LabelledTile(Tile((0, 0), (4, 4)), np.ones((4, 4), np.uint32), round=-1)
