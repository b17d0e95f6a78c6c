"""Numbered files pair by number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.core.pairing import FileSeries, natural_key, pair_files


def series(pattern: str, *names: str) -> FileSeries:
    return FileSeries(pattern, names)


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1), st.integers(1, 9), st.randoms())
def test_files_pair_by_number_whatever_the_padding_and_the_order(
    numbers: list[int], width: int, random: object
) -> None:
    images = [f"image_{n}.tif" for n in numbers]
    labels = [f"labels_{n:0{width}d}.tif" for n in numbers]
    random.shuffle(labels)  # type: ignore[attr-defined]
    pairs = pair_files(series("image_*.tif", *images), series("labels_*.tif", *labels))
    assert pairs == [(f"image_{n}.tif", f"labels_{n:0{width}d}.tif") for n in sorted(numbers)]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (series("*.tif", "cellB.tif", "cellA.tif"), series("*_mask.tif", "cellA_mask.tif", "cellB_mask.tif")),
        (series("a/*.tif", "a/t000.tif", "a/t001.tif"), series("b/*.tif", "b/mask000.tif", "b/mask001.tif")),
        (series("i[0-9][0-9].tif", "i02.tif", "i11.tif"), series("l*.tif", "l2.tif", "l11.tif")),
        (series("p1_*.tif", "p1_9.tif", "p1_10.tif"), series("*_p1.tif", "9_p1.tif", "10_p1.tif")),
        (
            series("**/raw.tif", "x2/raw.tif", "x10/raw.tif"),
            series("**/seg.tif", "x2/seg.tif", "x10/seg.tif"),
        ),
        (series("*/c0_z3.tif", "1/c0_z3.tif", "2/c0_z3.tif"), series("*/m.tif", "2/m.tif", "1/m.tif")),
    ],
    ids=["same text", "one number", "several wildcards", "number first", "folders", "folders in any order"],
)
def test_names_that_differ_in_their_words_pair(images: FileSeries, labels: FileSeries) -> None:
    pairs = pair_files(images, labels)
    assert len(pairs) == 2
    for image, label in pairs:
        same = [key for key in ("A", "B", "000", "001", "11", "9", "10") if key in image]
        assert all(key in label for key in same)
    assert [image for image, _ in pairs] == sorted(images.names, key=natural_key)


def test_the_files_of_labels_are_no_images() -> None:
    names = ("a1.tif", "a1_mask.tif", "a2.tif", "a2_mask.tif")
    pairs = pair_files(series("*.tif", *names), series("*_mask.tif", "a1_mask.tif", "a2_mask.tif"))
    assert pairs == [("a1.tif", "a1_mask.tif"), ("a2.tif", "a2_mask.tif")]


def test_what_has_no_partner_is_named() -> None:
    images = series("image_*.tif", *(f"image_{i}.tif" for i in range(1, 13)))
    labels = series("labels_*.tif", *(f"labels_{i}.tif" for i in (1, 2, 3, 99)))
    with pytest.raises(InputError, match=r"12 images and 4 label .*'image_4.tif', 'image_5.tif'.*7 more"):
        pair_files(images, labels)
    with pytest.raises(InputError, match=r"'labels_99.tif' has no partner"):
        pair_files(series("image_*.tif", *(f"image_{i}.tif" for i in (1, 2, 3))), labels)


def test_one_number_for_two_files_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"'i1.tif', 'i01.tif' bear the same number|'i01.tif', 'i1.tif' bear"
    ):
        pair_files(series("i*.tif", "i1.tif", "i01.tif"), series("l*.tif", "l1.tif", "l2.tif"))


def test_two_numbers_in_another_order_are_not_guessed() -> None:
    images = series("*.tif", "p1_t3.tif", "p3_t1.tif")
    labels = series("m/*.tif", "m/t1_p3.tif", "m/t3_p1.tif")
    with pytest.raises(InputError, match="nothing in their names tells"):
        pair_files(images, labels)


def test_one_of_each_is_a_pair_whatever_the_names() -> None:
    assert pair_files(series("*.tif", "x.tif"), series("t*.png", "truth.png")) == [("x.tif", "truth.png")]


def test_no_match_names_the_pattern() -> None:
    with pytest.raises(InputError, match=r"no file matches 'l\*\.tif'"):
        pair_files(series("i*.tif", "i1.tif"), series("l*.tif"))
