"""What a bioimage.io description says of a network, as the specification of a foreign one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio.package import Package
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.io.untrusted import parse_npy
from napari_graft.sources.foreign_spec import Clip, ForeignSpec, Meaning, ScaleLinear, Step, ZeroMean

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, ModelDescr, OutputTensorDescr


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


CONFIG = "napari_graft"
"""Where our exporter puts the specification, under ``config`` of the description."""

_NANOMETRES = {
    "angstrom": 0.1, "nanometer": 1.0, "micrometer": 1e3, "millimeter": 1e6, "centimeter": 1e7, "meter": 1e9,
    "picometer": 1e-3,
}  # fmt: skip
_WORDS: dict[Meaning, tuple[str, ...]] = {
    "affinity": ("affinit",),
    "background": ("background", "bg"),
    "boundary": ("boundar", "border", "edge", "contour", "membrane", "outline"),
    "distance": ("distance", "dist"),
    "foreground": ("foreground", "fg", "interior", "mask", "nuclei", "nucleus", "cell", "mito", "object",
                   "probabilit", "prediction", "axon", "inside"),
}  # fmt: skip
_BY_NUMBER: dict[int, tuple[Meaning, ...]] = {1: ("foreground",), 2: ("foreground", "boundary")}
_OF_SEGMENTATION = ("segment", "boundar", "membrane", "foreground", "mask")
_OF_PREDICTIONS = ("enhancer",)
"""Networks that are shown what another program found, and no image."""
_OF_BOUNDARIES = ("boundar", "membrane")


def foreign_spec_of(model: ModelDescr, package: Package, options: ImportOptions) -> ForeignSpec:
    """Return how to ask a network and what its channels mean, as its description says.

    Raises
    ------
    InputError
        If it has several inputs, axes that an image lacks, steps that are not known here, or outputs whose
        meaning neither the description nor `options` tells.
    """
    own = (model.config.model_extra or {}).get(CONFIG)
    try:
        if isinstance(own, dict) and "spec" in own:
            return ForeignSpec.model_validate(own["spec"])
        return ForeignSpec.model_validate(_read(model, package, options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise InputError(f"the network in the package cannot be used: {first['msg']}") from None


def _read(model: ModelDescr, package: Package, options: ImportOptions) -> dict[str, Any]:
    if len(model.inputs) != 1:
        names = ", ".join(str(tensor.id) for tensor in model.inputs)
        raise InputError(
            f"the network takes {len(model.inputs)} inputs ({names}): only one image can be given"
        )
    shown = model.inputs[0]
    space = _space_axes(shown)
    for tensor in model.outputs:
        _refuse_other_sizes(tensor, shown)
    sizes = [_size(axis, space) for axis in space]
    intensity, normalisation = read_preprocessing(shown.preprocessing)
    outputs = options.outputs or _meanings(model)
    answers = _answers(model, package, outputs)
    return {
        "architecture": "torchscript",
        "ndim": len(space),
        "outputs": outputs,
        "activation": read_activation(model.outputs, answers),
        "n_input_channels": _n_channels(shown),
        "smallest": [smallest for smallest, _ in sizes],
        "step": [step for _, step in sizes],
        "intensity": intensity or _grey_range(shown, _test_tensor(shown, package)),
        "normalisation": normalisation,
        "pixel_size": _pixel_size(space),
    }


def _answers(
    model: ModelDescr, package: Package, outputs: tuple[Meaning, ...]
) -> list[NDArray[np.generic] | None]:
    """Return the test outputs, of each the channels that can be probabilities."""
    answers, first = [], 0
    for tensor in model.outputs:
        meanings = outputs[first : first + _n_channels(tensor)]
        first += _n_channels(tensor)
        test = _test_tensor(tensor, package)
        kept = [i for i, meaning in enumerate(meanings) if meaning not in ("distance", "unused")]
        answers.append(test[:, kept] if test is not None and kept and test.ndim > 1 else None)
    return answers


def _space_axes(tensor: InputTensorDescr | OutputTensorDescr) -> list[Any]:
    types = [axis.type for axis in tensor.axes]
    names = [str(axis.id) for axis in tensor.axes]
    if types[:2] != ["batch", "channel"] or names[2:] not in (["y", "x"], ["z", "y", "x"]):
        raise InputError(
            f"tensor {str(tensor.id)!r} has the axes {', '.join(names)}: only batch, channel, (z,) y, x "
            "can be used"
        )
    return list(tensor.axes[2:])


def _refuse_other_sizes(output: OutputTensorDescr, shown: InputTensorDescr) -> None:
    """Refuse an output that the description itself says to be no map of the pixels of the image."""
    there, here = _space_axes(output), _space_axes(shown)
    same = [str(axis.id) for axis in there] == [str(axis.id) for axis in here] and all(
        answer.scale == asked.scale and not getattr(answer.size, "offset", 0)
        for answer, asked in zip(there, here, strict=True)
    )
    lengths = [(a.size, b.size) for a, b in zip(there, here, strict=False)]
    if not same or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in lengths):
        raise InputError(
            f"output {str(output.id)!r} of the package has another size than the image: only maps of its "
            "pixels can be used"
        )


def _n_channels(tensor: InputTensorDescr | OutputTensorDescr) -> int:
    axis: Any = tensor.axes[1]
    return int(axis.size)


def _size(axis: Any, space: list[Any]) -> tuple[int, int]:
    """Return the smallest length and the step of an axis; step 0 means that no other length is taken."""
    size = axis.size
    if isinstance(size, int):
        return size, 0
    if hasattr(size, "step"):
        return int(size.min), int(size.step)
    referenced = [other for other in space if str(other.id) == str(getattr(size, "axis_id", ""))]
    if (
        referenced
        and not size.offset
        and referenced[0] is not axis
        and not hasattr(referenced[0].size, "axis_id")
    ):
        return _size(referenced[0], space)
    raise InputError(f"the length of axis {str(axis.id)!r} depends on others in a way that is not known here")


def _pixel_size(space: list[Any]) -> list[float] | None:
    lengths = [_NANOMETRES.get(str(axis.unit), 0.0) * float(axis.scale) for axis in space]
    return lengths if all(length > 0 for length in lengths) else None


def _test_tensor(
    tensor: InputTensorDescr | OutputTensorDescr, package: Package
) -> NDArray[np.generic] | None:
    if tensor.test_tensor is None:
        return None
    name = str(tensor.test_tensor.source)
    array = parse_npy(package.read(name, tensor.test_tensor.sha256), f"test tensor {name!r}")
    n_channels = _n_channels(tensor)
    if array.ndim != len(tensor.axes) or not array.size or array.shape[1] != n_channels:
        raise InputError(
            f"test tensor {name!r} has shape {array.shape} where the description says {len(tensor.axes)} "
            f"axes and {n_channels} channels: get the package again"
        )
    return array


def _grey_range(tensor: InputTensorDescr, test: NDArray[np.generic] | None) -> tuple[float, float]:
    """Return the grey values between which the network expects an image: those of its test input."""
    if test is not None:
        low, high = (float(value) for value in np.percentile(test.astype(np.float64), (0.5, 99.5)))
        if low < high:
            return low, high
    return (0.0, 255.0) if tensor.dtype == "uint8" else (0.0, 1.0)


def _meanings(model: ModelDescr) -> tuple[Meaning, ...]:
    names = [name for tensor in model.outputs for name in _channel_names(tensor)]
    found = [_meaning(name) for name in names]
    if all(meaning is None for meaning in found) and len(names) in _BY_NUMBER:
        return _unnamed(model, len(names))
    if None in found or "affinity" in found:
        raise InputError(
            f"the package does not say what the channels {', '.join(names)} mean: say it with --outputs, one "
            "of foreground, boundary, background, distance, unused for each, separated by commas"
        )
    return tuple(meaning for meaning in found if meaning is not None)


def _unnamed(model: ModelDescr, n_channels: int) -> tuple[Meaning, ...]:
    """Return what channels mean of which nothing but their number and the package's own words is known."""
    words = " ".join([model.name, str(model.description or ""), *map(str, model.tags)]).lower()
    if not any(word in words for word in _OF_SEGMENTATION) or any(word in words for word in _OF_PREDICTIONS):
        raise InputError(
            "the package does not say that it segments images, or what its channels mean: if it does, say it "
            "with --outputs, one of foreground, boundary, background, distance, unused for each channel"
        )
    if n_channels == 1 and any(word in words for word in _OF_BOUNDARIES):
        return ("boundary",)
    return _BY_NUMBER[n_channels]


def _channel_names(tensor: OutputTensorDescr) -> list[str]:
    axis: Any = tensor.axes[1]
    return [str(name) for name in axis.channel_names]


def _meaning(name: str) -> Meaning | None:
    # The order matters: a "background probability" is a background.
    for meaning, words in _WORDS.items():
        if any(word in name.lower() for word in words):
            return meaning
    return None
