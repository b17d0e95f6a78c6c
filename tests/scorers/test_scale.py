"""The diameter of objects: found at the scale at which a source finds consistent ones as wide as its own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_graft.scorers.scale import COARSE, FACTORS, Scout, SegmentPairs, find_diameter, n_trials

OWN = 24.0


def _disks(width: float, n: int = 36, jitter: float = 0.0) -> NDArray[np.uint32]:
    """Return n disks of a width on a grid, each in a cell of its own; close together where they are alike."""
    rng = np.random.default_rng(0)
    cell = int(width * (2 if jitter else 1.1)) + 4
    side = int(np.ceil(np.sqrt(n)))
    labels = np.zeros((cell * side, cell * side), np.uint32)
    y, x = np.mgrid[:cell, :cell] + 0.5 - cell / 2
    for index in range(n):
        radius = width / 2 * np.exp(rng.normal(0, jitter))
        at = tuple(slice(i * cell, (i + 1) * cell) for i in divmod(index, side))
        labels[at][y**2 + x**2 <= radius**2] = index + 1
    return labels


@pytest.mark.parametrize("true", [6.0, 11.0, 24.0, 60.0, 150.0])
def test_a_source_that_finds_all_at_any_scale_tells_the_true_diameter(true: float) -> None:
    def look(factor: float) -> SegmentPairs:
        found = _disks(true * factor)
        yield found, found

    found = find_diameter([Scout(OWN, look, look)])
    assert found is not None
    assert found.pixels == pytest.approx(true, rel=0.1)


def test_pieces_at_a_scale_that_is_too_large_are_not_taken_for_objects() -> None:
    # above the true scale objects fall into pieces as wide as those that the source knows
    def look(factor: float) -> SegmentPairs:
        if factor <= 0.4:
            found = _disks(80 * factor)
            yield found, found
        else:
            yield _disks(OWN, jitter=0.7), np.roll(_disks(OWN, jitter=0.7), 12, 1)

    found = find_diameter([Scout(OWN, look, look)])
    assert found is not None
    assert found.pixels == pytest.approx(80, rel=0.1)


@pytest.mark.parametrize("n_objects", [0, 1, 4])
def test_too_few_objects_tell_nothing(n_objects: int) -> None:
    def look(factor: float) -> SegmentPairs:
        found = _disks(OWN, n_objects) if n_objects else np.zeros((50, 50), np.uint32)
        yield found, found

    assert find_diameter([Scout(OWN, look, look)]) is None


def test_an_image_too_small_for_any_tile_tells_nothing() -> None:
    assert find_diameter([Scout(OWN, _nothing, _nothing)]) is None


def test_all_glance_at_scales_from_an_eighth_to_four_and_the_best_look_around() -> None:
    tried: list[tuple[str, float]] = []

    def scout(name: str, true: float) -> Scout:
        def look(factor: float) -> SegmentPairs:
            tried.append((f"{name} looks", factor))
            found = _disks(true * factor)
            yield found, found

        def glance(factor: float) -> SegmentPairs:
            tried.append((name, factor))
            found = _disks(true * factor)
            yield found, found

        return Scout(OWN, glance, look)

    find_diameter([scout("a", 24.0), scout("b", 48.0)])
    assert [factor for name, factor in tried if name == "a"] == list(COARSE)
    assert (min(COARSE), max(COARSE)) == (0.125, 4.0)
    assert [factor for name, factor in tried if name == "a looks"] == [2**-0.5, 1.0, 2**0.5]
    assert [factor for name, factor in tried if name == "b looks"] == [2**-1.5, 0.5, 2**-0.5]
    assert len(tried) == n_trials(2, 2)


def test_the_source_that_knows_such_objects_is_believed() -> None:
    def right(factor: float) -> SegmentPairs:
        found = _disks(70 * factor)
        yield found, found

    def wrong(factor: float) -> SegmentPairs:
        yield _disks(OWN, jitter=0.5), np.roll(_disks(OWN, jitter=0.5), 12, 1)

    found = find_diameter(
        [Scout(OWN, wrong, wrong), Scout(OWN, right, right), Scout(OWN, _nothing, _nothing)]
    )
    assert found is not None
    assert found.pixels == pytest.approx(70, rel=0.1)


def test_only_the_better_view_of_a_source_looks_closer() -> None:
    looked: list[str] = []

    def scout(name: str, source: str, width: float) -> Scout:
        def look(factor: float) -> SegmentPairs:
            looked.append(name)
            yield from glance(factor)

        def glance(factor: float) -> SegmentPairs:
            found = _disks(width * factor)
            yield found, found

        return Scout(OWN, glance, look, source)

    find_diameter([scout("a", "one", 24.0), scout("b", "one", 24.0), scout("c", "other", 48.0)])
    assert len(set(looked) & {"a", "b"}) == 1
    assert "c" in looked


def test_what_is_found_in_noise_alone_is_not_believed_at_a_glance() -> None:
    def anywhere(factor: float) -> SegmentPairs:
        yield _disks(OWN, jitter=0.1), np.roll(_disks(OWN, jitter=0.1), 12, 1)
        yield _disks(OWN, jitter=0.1), None

    def right(factor: float) -> SegmentPairs:
        found = _disks(70 * factor, n=16)
        yield found, found
        yield found, None

    scouts = [Scout(OWN, anywhere, _nothing)] * 2 + [Scout(OWN, right, right)]
    found = find_diameter(scouts)
    assert found is not None
    assert found.pixels == pytest.approx(70, rel=0.1)


def test_scales_stand_in_order() -> None:
    assert list(FACTORS) == sorted(FACTORS)


def _nothing(factor: float) -> SegmentPairs:
    return iter(())


def _cells_with_nuclei(factor: float, n_cells: int = 36) -> SegmentPairs:
    """Yield what a source finds that takes cells 130 pixels wide and nuclei of 18 alike for its objects."""
    found = _disks(130 * factor, n_cells) if factor < 0.5 else _disks(18 * factor, 12)
    yield found, found


def test_of_objects_in_objects_the_inner_ones_are_taken_where_these_are_wanted() -> None:
    scouts = [Scout(OWN, _cells_with_nuclei, _cells_with_nuclei) for _ in range(3)]
    outer, inner = find_diameter(scouts), find_diameter(scouts, innermost=True)
    assert outer is not None
    assert inner is not None
    assert outer.pixels == pytest.approx(130, rel=0.1)
    assert outer.wider is None
    assert inner.pixels == pytest.approx(18, rel=0.2)
    assert inner.wider == pytest.approx(130, rel=0.1)


def test_debris_that_few_sources_see_is_not_taken_for_the_inner_objects() -> None:
    def sees_cells_only(factor: float) -> SegmentPairs:
        found = _disks(130 * factor) if factor < 0.5 else np.zeros((50, 50), np.uint32)
        yield found, found

    scouts = [
        Scout(OWN, _cells_with_nuclei, _cells_with_nuclei),
        *(Scout(OWN, sees_cells_only, sees_cells_only) for _ in range(2)),
    ]
    found = find_diameter(scouts, innermost=True)
    assert found is not None
    assert found.pixels == pytest.approx(130, rel=0.1)
    assert found.wider is None
