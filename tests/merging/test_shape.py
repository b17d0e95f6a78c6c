from __future__ import annotations

import pytest

from napari_graft.core.errors import InputError
from napari_graft.merging.recipe import require_one_shape
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.network_spec import ModelSpec

SPEC = ModelSpec(widths=(8, 16))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (ModelSpec(widths=(8, 24)), ["widths", "(8, 16)", "(8, 24)"]),
        (ModelSpec(ndim=3, widths=(8, 16)), ["ndim", "2", "3"]),
        (ModelSpec(widths=(8, 16), norm="instance"), ["norm", "instance"]),
        (ModelSpec(widths=(8, 16), strides=((2, 2), (4, 4))), ["strides"]),
        (ModelSpec(widths=(8, 16), offsets=((-1, 0), (0, -1))), ["offsets"]),
    ],
)
def test_networks_of_other_shapes_are_refused_by_what_differs(other, named):
    with pytest.raises(InputError) as refused:
        require_one_shape({"a": SPEC, "b": SPEC, "c": other})
    assert all(words in str(refused.value) for words in ["'a'", "'c'", "choose", *named])


def test_one_network_alone_is_nothing_to_merge():
    with pytest.raises(InputError, match="two sources or more"):
        require_one_shape({"a": SPEC})


def test_a_finished_network_is_refused_wherever_it_stands():
    finished = ForeignSpec(architecture="torchscript", outputs=("foreground", "boundary"))
    for specs in ({"a": SPEC, "other": finished}, {"other": finished, "a": SPEC}):
        with pytest.raises(InputError, match="'other' was imported as a finished network"):
            require_one_shape(specs)
