from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.project.image_file import BLOCK_BYTES, N_BLOCKS, ImageSignature


@pytest.mark.parametrize("n_bytes", [0, 1, BLOCK_BYTES * N_BLOCKS, BLOCK_BYTES * N_BLOCKS + 1, 3_000_000])
def test_a_copy_has_the_same_signature_and_another_file_has_not(tmp_path: Path, n_bytes: int) -> None:
    data = np.random.default_rng(0).bytes(n_bytes)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_bytes(data)
    assert ImageSignature.of(tmp_path / "a") == ImageSignature.of(tmp_path / "b")

    (tmp_path / "b").write_bytes(data + b"x")
    assert ImageSignature.of(tmp_path / "a") != ImageSignature.of(tmp_path / "b")


@pytest.mark.parametrize("position", [0, -1, BLOCK_BYTES - 1])
def test_a_change_at_either_end_of_a_large_file_is_noticed(tmp_path: Path, position: int) -> None:
    data = bytearray(3_000_000)
    (tmp_path / "a").write_bytes(data)
    before = ImageSignature.of(tmp_path / "a")
    data[position] = 1
    (tmp_path / "a").write_bytes(data)

    assert ImageSignature.of(tmp_path / "a") != before


def test_a_zarr_folder_is_known_by_its_metadata(tmp_path: Path) -> None:
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text('{"zarr_format": 3}')
    before = ImageSignature.of(folder)
    (folder / "chunk").write_bytes(b"pixels")
    assert ImageSignature.of(folder) == before

    (folder / "zarr.json").write_text('{"zarr_format": 3, "shape": [1]}')
    assert ImageSignature.of(folder) != before
