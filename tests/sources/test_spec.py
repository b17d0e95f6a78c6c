from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_graft.sources.network_spec import ModelSpec, in_plane


def test_defaults_fit_both_dimensions() -> None:
    plane, stack = ModelSpec(), ModelSpec(ndim=3)

    assert plane.total_stride == (16, 16)
    assert stack.total_stride == (4, 16, 16)
    assert plane.n_outputs == 11
    assert plane.n_attractive == 2
    assert stack.n_attractive == 3
    assert stack.offsets[:3] == ((-1, 0, 0), (0, -1, 0), (0, 0, -1))
    assert max(-o[0] for o in stack.offsets) < max(-o[1] for o in stack.offsets)


@given(st.sampled_from([2, 3]), st.lists(st.integers(1, 64), min_size=1, max_size=7))
def test_default_strides_follow_the_number_of_levels(ndim: int, widths: list[int]) -> None:
    spec = ModelSpec.model_validate({"ndim": ndim, "widths": widths})

    assert len(spec.strides) == len(widths)
    assert spec.total_stride[-1] == 2 ** len(widths)


@given(st.sampled_from([2, 3]), st.sampled_from(["group", "instance"]))
def test_a_spec_survives_json(ndim: int, norm: str) -> None:
    spec = ModelSpec.model_validate({"ndim": ndim, "norm": norm, "pixel_size": (4.0,) * ndim})

    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    "values",
    [
        {"ndim": 4},
        {"ndim": None},
        {"widths": ()},
        {"widths": (0, 4)},
        {"widths": 7},
        {"widths": (8,), "strides": ((2, 2), (2, 2))},
        {"strides": ((2, 2, 2),) * 4},
        {"strides": ((0, 2),) * 4},
        {"offsets": ()},
        {"offsets": ((1, 0), (0, -1))},
        {"offsets": ((0, -1), (-1, 0))},
        {"offsets": ((-1, 0), (0, -1), (0, 0))},
        {"offsets": ((-1, 0), (0, -1), (-3,))},
        {"offsets": ((-1, 0), (0, -1), (-1, 0))},
        {"pixel_size": (4.0,)},
        {"pixel_size": (4.0, -1.0)},
        {"pixel_size": (4.0, float("nan"))},
        {"pixel_size": (4.0, float("inf"))},
        {"norm": "batch"},
        {"architecture": "transformer"},
        {"format_version": 2},
        {"unknown": 1},
    ],
)
def test_an_impossible_spec_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelSpec.model_validate(values)


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        ModelSpec().ndim = 3


def test_the_slices_of_what_a_3d_network_sees_have_its_pixel_size_in_y_and_x() -> None:
    deep, flat = ModelSpec(ndim=3, pixel_size=(40, 10, 8)), ModelSpec(pixel_size=(4, 4))

    assert in_plane(deep) == ModelSpec(pixel_size=(10, 8))
    assert in_plane(ModelSpec(ndim=3)) == ModelSpec()
    assert in_plane(flat) is flat
