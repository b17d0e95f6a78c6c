import threading

import numpy as np
import pytest

from napari_graft.core.axes import Axes, nanometres_per
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.labels import to_annotation, to_segments
from napari_graft.core.progress import CancelToken
from napari_graft.core.registry import Registry


def test_pixel_sizes_change_unit() -> None:
    axes = Axes(("z", "y", "x"), (0.05, 0.004, 0.004), "um")

    assert axes.pixel_size_in("nm") == pytest.approx((50, 4, 4))
    assert Axes(("y", "x")).pixel_size_in("nm") is None


@pytest.mark.parametrize("size", [(0.0, 4.0), (-4.0, 4.0), (float("nan"), 4.0), (float("inf"), 4.0), (4.0,)])
def test_pixel_sizes_that_cannot_be_are_refused_by_their_value(size: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="pixel size"):
        Axes(("y", "x"), size)


@pytest.mark.parametrize("unit", ["nm", "um", "µm", "micrometer", "Angstrom"])
def test_units_of_length_are_known(unit: str) -> None:
    assert nanometres_per(unit) > 0


def test_other_units_and_axes_are_refused() -> None:
    with pytest.raises(InputError, match="furlong"):
        nanometres_per("furlong")
    with pytest.raises(InputError, match="xyz"):
        Axes(("x", "y", "z"))


def test_segments_survive_being_an_annotation() -> None:
    segments = np.array([[0, 1], [7, 2]], np.uint16)

    annotation = to_annotation(segments)

    assert annotation.min() == 1
    np.testing.assert_array_equal(to_segments(annotation), segments)
    np.testing.assert_array_equal(to_segments(np.array([0, 1, 2])), [0, 0, 1])


def test_a_token_carries_the_wish_to_stop_between_threads() -> None:
    token = CancelToken()
    token.raise_if_cancelled()

    thread = threading.Thread(target=token.cancel)
    thread.start()
    thread.join()

    assert token.is_cancelled
    with pytest.raises(Cancelled):
        token.raise_if_cancelled()


def test_a_registry_names_its_parts_and_refuses_a_second_of_one_name() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("one")(1)

    assert registry["one"] == 1
    assert list(registry) == ["one"]
    assert "two" not in registry
    with pytest.raises(InputError, match=r"no number is called 'two'.*one"):
        registry["two"]
    with pytest.raises(ValueError, match="registered already"):
        registry.register("one")(2)
