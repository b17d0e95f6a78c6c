"""The input and the output of a network as bioimage.io describes tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_graft.core.errors import InputError
from napari_graft.sources.foreign_spec import Clip, ForeignSpec, ScaleLinear, Step, ZeroMean

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, OutputTensorDescr

PERCENTILES = (0.5, 99.5)
"""Of the image, that become the ends of the intensity range: as for images of ours."""


def describe_input(spec: ForeignSpec, test_tensor: Path) -> InputTensorDescr:
    """Return what a network is shown, the steps before it included."""
    from bioimageio.spec.model import v0_5

    axes: list[Any] = [v0_5.BatchAxis(), _channels([f"grey{i or ''}" for i in range(spec.n_input_channels)])]
    for i, name in enumerate(_names(spec)):
        smallest, step = spec.smallest[i], spec.step[i]
        size = v0_5.ParameterizedSize(min=smallest, step=step) if step else smallest
        unit, scale = _unit(spec, i)
        axes.append(v0_5.SpaceInputAxis(id=v0_5.AxisId(name), size=size, unit=unit, scale=scale))
    return v0_5.InputTensorDescr(
        id=v0_5.TensorId("image"),
        axes=axes,
        test_tensor=v0_5.FileDescr(source=test_tensor),
        preprocessing=_preprocessing(spec),
    )


def describe_output(spec: ForeignSpec, test_tensor: Path) -> OutputTensorDescr:
    """Return what a network answers, each channel by the name of its meaning."""
    from bioimageio.spec.model import v0_5

    axes: list[Any] = [v0_5.BatchAxis(), _channels(_channel_names(spec))]
    for i, name in enumerate(_names(spec)):
        axis_id = v0_5.AxisId(name)
        same = v0_5.SizeReference(tensor_id=v0_5.TensorId("image"), axis_id=axis_id)
        size = same if spec.step[i] else spec.smallest[i]
        unit, scale = _unit(spec, i)
        axes.append(v0_5.SpaceOutputAxis(id=axis_id, size=size, unit=unit, scale=scale))
    finish: dict[str, list[Any]] = {"logit": [v0_5.SigmoidDescr()], "softmax": [v0_5.SoftmaxDescr()]}
    return v0_5.OutputTensorDescr(
        id=v0_5.TensorId("maps"),
        axes=axes,
        test_tensor=v0_5.FileDescr(source=test_tensor),
        postprocessing=finish.get(spec.activation, []),
    )


def _names(spec: ForeignSpec) -> str:
    return "zyx"[-spec.ndim :]


def _unit(spec: ForeignSpec, axis: int) -> tuple[Any, float]:
    return (None, 1.0) if spec.pixel_size is None else ("nanometer", spec.pixel_size[axis])


def _channels(names: list[str]) -> Any:
    from bioimageio.spec.model import v0_5

    return v0_5.ChannelAxis(channel_names=names)


def _channel_names(spec: ForeignSpec) -> list[str]:
    """Return the meaning of each channel; an affinity's has its offset in it."""
    offsets = iter(spec.offsets)
    return [
        "affinity_" + "_".join(str(o).replace("-", "m") for o in next(offsets))
        if meaning == "affinity"
        else f"unused_{i}"
        if meaning == "unused"
        else str(meaning)
        for i, meaning in enumerate(spec.outputs)
    ]


def _preprocessing(spec: ForeignSpec) -> list[Any]:
    from bioimageio.spec.model import v0_5

    means = [i for i, step in enumerate(spec.normalisation) if isinstance(step, ZeroMean)]
    axes = [v0_5.AxisId(name) for name in ("channel", *_names(spec))]
    if means:
        # bioimageio.core takes the mean of the image as it came, whatever steps are before. Without them both
        # agree, and nothing changes unless values were cut off.
        if any(isinstance(step, Clip) for step in spec.normalisation[: means[-1]]):
            raise InputError("a network that cuts values off before it takes their mean cannot be written so")
        return [_step(step, axes) for step in spec.normalisation[means[-1] :]]
    low, high = spec.intensity
    kwargs = v0_5.ScaleRangeKwargs(axes=axes, min_percentile=PERCENTILES[0], max_percentile=PERCENTILES[1])
    steps: list[Any] = [v0_5.ScaleRangeDescr(kwargs=kwargs)]
    if (low, high) != (0.0, 1.0):
        steps.append(v0_5.ScaleLinearDescr(kwargs=v0_5.ScaleLinearKwargs(gain=high - low, offset=low)))
    return steps + [_step(step, axes) for step in spec.normalisation]


def _step(step: Step, axes: list[Any]) -> Any:
    from bioimageio.spec.model import v0_5

    if isinstance(step, Clip):
        return v0_5.ClipDescr(kwargs=v0_5.ClipKwargs(min=step.low, max=step.high))
    if isinstance(step, ScaleLinear):
        gain, offset = list(step.gain), list(step.offset)
        if len(gain) == len(offset) == 1:
            return v0_5.ScaleLinearDescr(kwargs=v0_5.ScaleLinearKwargs(gain=gain[0], offset=offset[0]))
        channel = v0_5.AxisId("channel")
        along = v0_5.ScaleLinearAlongAxisKwargs(axis=channel, gain=gain, offset=offset)
        return v0_5.ScaleLinearDescr(kwargs=along)
    return v0_5.ZeroMeanUnitVarianceDescr(kwargs=v0_5.ZeroMeanUnitVarianceKwargs(axes=axes, eps=step.eps))
