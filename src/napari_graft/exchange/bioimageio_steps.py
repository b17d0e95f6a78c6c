"""The steps before and after a network of a bioimage.io package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.sources.foreign_spec import Clip, ScaleLinear, Step, ZeroMean

Activation = Literal["probability", "logit", "softmax"]
_NEGLIGIBLE = 0.01
_HARMLESS = {"clip", "ensure_dtype"}


def read_preprocessing(steps: Sequence[Any]) -> tuple[tuple[float, float] | None, tuple[Step, ...]]:
    """Return the grey range that the steps expect, None for that of the test input, and the steps after it.

    `scale_range` is taken over the whole volume, as we read images anyway, and not over each window: blank
    windows stay blank, and no seams show. It makes its input 0 to 1 whatever linear steps came before.

    Raises
    ------
    InputError
        If a step is unknown.
    """
    intensity: tuple[float, float] | None = None
    found: list[Step] = []
    for step in steps:
        kwargs = step.kwargs
        if step.id == "ensure_dtype":
            if found and not str(kwargs.dtype).startswith("float"):
                raise InputError(f"the package rounds its input to {kwargs.dtype}, which is not known here")
        elif step.id == "scale_range":
            intensity, found = (0.0, 1.0), []
        elif step.id == "zero_mean_unit_variance":
            found.append(ZeroMean(eps=kwargs.eps))
        elif step.id == "fixed_zero_mean_unit_variance":
            means, deviations = np.atleast_1d(kwargs.mean), np.atleast_1d(kwargs.std)
            found.append(ScaleLinear(gain=_numbers(1 / deviations), offset=_numbers(-means / deviations)))
        elif step.id == "scale_linear":
            found.append(ScaleLinear(gain=_numbers(kwargs.gain), offset=_numbers(kwargs.offset)))
        elif step.id == "clip" and kwargs.min_percentile is None and kwargs.max_percentile is None:
            found.append(Clip(low=kwargs.min, high=kwargs.max))
        else:
            raise InputError(f"the package prepares its input by {step.id!r}, which is not known here")
    return intensity, tuple(found)


def read_activation(outputs: Sequence[Any], tests: Sequence[NDArray[np.generic] | None]) -> Activation:
    """Return what the network itself answers with, from the steps after it and from its test outputs.

    Raises
    ------
    InputError
        If a step is unknown, or if the outputs differ.
    """
    found = {_activation(tensor, test) for tensor, test in zip(outputs, tests, strict=True)}
    if len(found) > 1:
        raise InputError(f"the outputs of the package are of different kinds ({', '.join(sorted(found))})")
    return found.pop()


def _activation(tensor: Any, test: NDArray[np.generic] | None) -> Activation:
    names = [step.id for step in tensor.postprocessing]
    if "sigmoid" in names or "softmax" in names:
        others = set(names) - _HARMLESS - {"sigmoid", "softmax", "binarize"}
        answer: Activation = "logit" if "sigmoid" in names else "softmax"
    else:
        others = set(names) - _HARMLESS - {"binarize"}
        answer = "probability"
        thresholds = [step.kwargs.threshold for step in tensor.postprocessing if step.id == "binarize"]
        if thresholds:
            answer = "probability" if np.all(np.asarray(thresholds[0]) > 0) else "logit"
        elif test is not None and not _is_probability(test):
            answer = "logit"
    if others:
        raise InputError(
            f"the package finishes its output by {', '.join(sorted(others))}, which is not known here"
        )
    return answer


def _is_probability(values: NDArray[np.generic]) -> bool:
    numbers = values.astype(np.float64)
    return bool(numbers.min() >= -_NEGLIGIBLE and numbers.max() <= 1 + _NEGLIGIBLE)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in np.atleast_1d(values))
