from __future__ import annotations

import pytest

from napari_graft.core.axes import Axes
from napari_graft.workbench.data.layer_description import USUAL_NM, pixel_size_hint


def axes(*size: float, unit: str = "nm") -> Axes:
    return Axes(("z", "y", "x")[-len(size) :], size, unit)


@pytest.mark.parametrize(
    ("found", "structure", "word"),
    [
        (axes(8, 8), "neurites", ""),
        (axes(0.008, 0.008, unit="um"), "neurites", ""),
        (axes(0.008, 0.008), "neurites", "fine"),
        (axes(8, 8, unit="um"), "neurites", "coarse"),
        (axes(4000, 4, 4), "neurites", "unit"),
        (axes(50, 4, 8), "neurites", "square"),
        (axes(8, 8), None, ""),
        (Axes(("y", "x")), "nuclei", "Not known"),
    ],
)
def test_what_looks_odd_is_told(found: Axes, structure: str | None, word: str) -> None:
    hint = pixel_size_hint(found, structure)

    assert word in hint
    assert bool(hint) == bool(word)


@pytest.mark.parametrize("structure", USUAL_NM)
def test_no_usual_pixel_size_looks_odd(structure: str) -> None:
    for _, size in USUAL_NM[structure]:
        assert pixel_size_hint(axes(size, size), structure) == ""


def test_what_is_doubted_where_it_was_read_is_told_before_all_else() -> None:
    found = pixel_size_hint(Axes(("y", "x")), "nuclei", "the TIFF says 300 dots per inch")
    assert found == "Not known: the TIFF says 300 dots per inch. What is right?"
