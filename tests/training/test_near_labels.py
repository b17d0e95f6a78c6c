import numpy as np

from napari_graft.training.examples import MARGIN, Example, near_labels


def _painted(shape: tuple[int, ...]) -> Example:
    """Return an example that is trained on in one corner of its middle and held out beside it."""
    train, validation = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    middle = tuple(n // 2 for n in shape)
    train[middle] = 2
    validation[(*middle[:-1], middle[-1] + 3)] = 3
    return Example(np.random.default_rng(0).random(shape, np.float32), train, validation)


def test_a_3d_example_is_cut_to_what_is_near_the_labels_that_are_measured() -> None:
    example = _painted((31, 80, 90))

    cut = near_labels(example, "validation")

    assert cut.image.shape == tuple(2 * margin + 1 for margin in MARGIN)
    assert cut.validation[MARGIN] == 3
    assert np.count_nonzero(cut.train) == 1
    start = [n // 2 - margin for n, margin in zip((31, 80, 90), MARGIN, strict=True)]
    start[2] += 3
    assert np.array_equal(
        cut.image,
        example.image[tuple(slice(a, a + n) for a, n in zip(start, cut.image.shape, strict=True))],
    )
    assert near_labels(example, "both").image.shape == (*cut.image.shape[:2], cut.image.shape[2] + 3)


def test_labels_at_the_border_are_cut_no_farther_than_the_image_reaches() -> None:
    example = _painted((1, 20, 20))

    assert near_labels(example, "both").image.shape == (1, 20, 20)


def test_a_2d_example_and_one_without_labels_stay_whole() -> None:
    flat = _painted((80, 90))
    empty = Example(*(np.zeros((31, 80, 90), kind) for kind in (np.float32, np.int32, np.int32)))

    assert near_labels(flat, "train") is flat
    assert near_labels(empty, "train") is empty
