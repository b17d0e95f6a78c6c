from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from looks import SPOILT_FILES, Image, draw, make_pairs, write_pairs

from napari_graft.bridging.pairs import find_pairs, read_pairs, shuffle_pairs, split_pairs
from napari_graft.bridging.registration import align_pair, register
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken
from napari_graft.io import Volume


def read(volume: Volume) -> list[Image]:
    return [np.asarray(volume.data, np.float32) / float(np.asarray(volume.data).max())]


def test_pairs_are_found_by_name_whatever_their_bit_depth_and_ending(tmp_path: Path) -> None:
    target, source = write_pairs(tmp_path, n=2)
    (source / "field1.tif").rename(source / "field1.tiff")
    found = find_pairs(target, source)

    assert [pair.name for pair in found] == ["field0", "field1"]
    assert [pair.target.dtype for pair in found] == [np.uint16, np.uint16]
    assert [pair.source.dtype for pair in found] == [np.uint8, np.uint8]


@pytest.mark.parametrize(("spoil", "words"), SPOILT_FILES.values(), ids=SPOILT_FILES)
def test_what_is_wrong_with_pairs_is_one_error_that_names_it(
    spoil: Callable[[Path, Path], None], words: str, tmp_path: Path
) -> None:
    target, source = write_pairs(tmp_path)
    spoil(target, source)
    with pytest.raises(InputError, match=words):
        find_pairs(target, source)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    target, _ = write_pairs(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        find_pairs(target, tmp_path / "nowhere")


def test_images_that_lie_on_each_other_are_left_where_they_are() -> None:
    for pair in make_pairs(4, side=128):
        assert register(pair.target, pair.source).shift == (0, 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_small_shift_is_mended(sign: int) -> None:
    wide, _, _ = draw(3, 128, 20)
    first, second = wide[4:116, 4:116], sign * wide[1:113, 8:120]
    mine, its, shift = align_pair(first, second, "a")

    assert shift == (-3, 4)
    np.testing.assert_array_equal(mine, sign * its)


def test_a_large_shift_and_no_relation_are_refused() -> None:
    wide, _, _ = draw(3, 160, 30)
    with pytest.raises(InputError, match=r"'a' are shifted by 24, 20"):
        align_pair(wide[:120, :120], wide[24:144, 20:140], "a")
    with pytest.raises(InputError, match="'b' do not lie on each other"):
        align_pair(draw(3, 128)[0], draw(4, 128)[1], "b")


def test_read_pairs_stops_when_asked_to(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_pairs(find_pairs(*write_pairs(tmp_path)), read, read, token)


@pytest.mark.parametrize(("n", "n_held_out"), [(1, 1), (2, 1), (3, 1), (8, 2)])
def test_some_pairs_are_kept_apart_and_none_is_in_both(n: int, n_held_out: int) -> None:
    split = split_pairs(make_pairs(n))

    assert len(split.held_out) == n_held_out
    if n > 1:
        names = [pair.name for pair in (*split.training, *split.held_out)]
        assert sorted(names) == [f"field{i}" for i in range(n)]
    else:
        sizes = [pair.target.size for pair in (*split.training, *split.held_out)]
        assert sum(sizes) == 96 * 96


def test_shuffled_pairs_belong_together_no_more() -> None:
    for pair in shuffle_pairs(make_pairs(3), np.random.default_rng(0)):
        assert abs(np.corrcoef(pair.target.ravel(), pair.source.ravel())[0, 1]) < 0.3
