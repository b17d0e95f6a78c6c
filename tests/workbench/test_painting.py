from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume
from napari_graft.io.weights import save_tensors
from napari_graft.workbench.annotate.open_tile import LONGEST_PAUSE, PaintingClock
from napari_graft.workbench.annotate.tile_list import SIDE, AnnotatingState, make_thumbnail
from napari_graft.workbench.annotate.tile_painting import GuessCache

TILES = (Tile((0, 0), (8, 8)), Tile((0, 8), (8, 8)))


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_clock_counts_pauses_only_so_far() -> None:
    time = Time()
    clock = PaintingClock(time)
    for at in (2.0, 5.0, 5.0 + 10 * LONGEST_PAUSE, 6.0 + 10 * LONGEST_PAUSE):
        time.now = at
        clock.touch()
    assert clock.seconds == 5.0 + LONGEST_PAUSE + 1.0

    clock.start()
    time.now += 3
    clock.touch()
    assert clock.seconds == 3.0


def write_batch(path: Path) -> None:
    path.parent.mkdir(parents=True)
    tensors = {f"segments/0/{i}": np.full((8, 8), i + 1, np.uint32) for i in range(2)}
    unsure = {f"uncertainty/0/{i}": np.full((8, 8), i / 2, np.float32) for i in range(2)}
    save_tensors(path, tensors | unsure, {})


@pytest.mark.parametrize("model", ["run 0001", "phase-t98g", "/some/where/source.graft-source"])
def test_preview_of_several_tiles_is_split_into_one_guess_for_each(tmp_path: Path, model: str) -> None:
    cache = GuessCache(tmp_path)
    assert cache.missing(model, TILES) == TILES
    batch = cache.batch_path(model)
    write_batch(batch)
    cache.take(batch, model, TILES)

    assert not batch.exists()
    assert cache.missing(model, TILES) == ()
    guess = cache.find(model, TILES[1])
    assert (guess.segments == 2).all()
    assert (guess.uncertainty == 0.5).all()
    assert cache.find("another", TILES[0]) is None


def test_damaged_guess_is_removed_so_that_it_is_made_anew(tmp_path: Path) -> None:
    cache = GuessCache(tmp_path)
    batch = cache.batch_path("model")
    write_batch(batch)
    cache.take(batch, "model", TILES)
    (damaged,) = tmp_path.rglob("0-8_8x8*")
    damaged.write_bytes(b"nonsense")

    assert cache.find("model", TILES[1]) is None
    assert cache.missing("model", TILES) == TILES[1:]
    with pytest.raises(InputError):
        cache.take(batch, "model", TILES)


def test_thumbnail_is_small_and_uses_all_greys(tmp_path: Path) -> None:
    import tifffile

    ramp = np.tile(np.linspace(1000, 1200, 200).astype(np.uint16), (3, 150, 1))
    tifffile.imwrite(tmp_path / "ramp.tif", ramp)
    volume = open_volume(str(tmp_path / "ramp.tif"), axes="zyx")

    picture = make_thumbnail(volume, Tile((1, 0, 0), (1, 150, 200)))

    assert max(picture.shape) <= SIDE
    assert picture.shape[1] > picture.shape[0]
    assert (picture.min(), picture.max()) == (0, 255)
    assert (np.diff(picture.astype(int), axis=1) >= 0).all()


def test_budget_says_how_many_tiles_to_suggest() -> None:
    state = AnnotatingState()
    state.budget = 6
    assert state.n_to_suggest == 4
    state.queue = state.queue.with_tile(TILES[0], state="done").with_tile(TILES[1], state="unsure")
    state.queue = state.queue.with_tile(Tile((8, 0), (8, 8)), state="skipped")
    assert state.n_to_suggest == 4
    state.budget = 3
    assert state.n_to_suggest == 1
