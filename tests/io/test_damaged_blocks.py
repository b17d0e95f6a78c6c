"""Which blocks of a result are found to be damaged: all of a small one, a sample of a large one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io import integrity as module
from napari_graft.io import open_label_sink
from napari_graft.io.integrity import damaged_blocks

SHAPE, BLOCK = (32, 256), (32, 32)
BOXES = list(TileGrid(SHAPE, BLOCK))
N_BYTES = 32 * 32 * 4


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Write eight blocks in a row."""
    path = tmp_path / "found.zarr"
    sink = open_label_sink(path, SHAPE, Axes(("y", "x")), block=BLOCK)
    labels = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.uint32)
    for box in BOXES:
        sink.write(box, labels[box.slices])
    return sink.finish()


def _spoil(result: Path, number: int) -> None:
    chunk = result / "0" / "c" / "0" / str(number)
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)


def _found(result: Path) -> list[Tile]:
    return damaged_blocks(result, ignore_progress, CancelToken())


def test_every_damaged_block_of_a_small_result_is_found(result: Path) -> None:
    assert _found(result) == []
    for number in (1, 6):
        _spoil(result, number)
    (result / "0" / "c" / "0" / "3").unlink()
    assert _found(result) == [BOXES[1], BOXES[3], BOXES[6]]


def test_of_a_large_result_a_sample_is_read_and_every_missing_block_is_found(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3 * N_BYTES)  # every third of the eight: 0, 3, 6
    for number in (1, 3, 6):
        _spoil(result, number)
    (result / "0" / "c" / "0" / "7").unlink()
    told: list[Progress] = []
    assert damaged_blocks(result, told.append, CancelToken()) == [BOXES[3], BOXES[6], BOXES[7]]
    assert [state.done for state in told] == list(range(8))
    assert {state.total for state in told} == {8}


def test_looking_stops_when_asked_to(result: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        damaged_blocks(result, lambda state: token.cancel() if state.done == 2 else None, token)
