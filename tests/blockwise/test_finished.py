"""Finished blocks on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.blockwise.block import BlockResult, FinishedBlocks


@pytest.mark.parametrize("what", ["labels", "uncertainty"])
def test_a_block_with_a_flipped_bit_counts_as_made_of_no_pixels_and_so_is_made_again(
    tmp_path: Path, what: str
) -> None:
    blocks = FinishedBlocks(tmp_path)
    labels = np.arange(64, dtype=np.uint32).reshape(8, 8)
    blocks.add(3, BlockResult(labels, 63, np.zeros((8, 8), np.float16), pixels="abc"))
    path = tmp_path / f"00000003.{what}.safetensors"
    good = path.read_bytes()
    assert blocks.pixels(3) == "abc"

    path.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])

    assert blocks.pixels(3) is None
