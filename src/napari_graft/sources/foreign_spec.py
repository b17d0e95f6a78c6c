"""A network that another program made: how to ask it, and what its answer means."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from napari_graft.sources.network_spec import ModelSpec, NetworkSpec

Meaning = Literal["foreground", "boundary", "background", "distance", "affinity", "unused"]
MEANINGS: tuple[Meaning, ...] = ("foreground", "boundary", "background", "distance", "affinity", "unused")
_MAX_CHANNELS = 128
_MAX_STEPS = 32
_MAX_PIXELS = 2**26
"""That a network may ask for at once, its input channels counted: 256 MiB."""
Finite = Annotated[float, Field(allow_inf_nan=False)]

# Where a network tells no affinities they are drawn from its boundaries: far enough to reach across one, and
# no farther, as a line that leaves a bent object and enters it again would part it.
DERIVED_OFFSETS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((-1, 0), (0, -1), (-4, 0), (0, -4), (-8, 0), (0, -8), (-6, -6), (-6, 6)),
    3: ((-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, -4, 0), (0, 0, -4), (0, -8, 0), (0, 0, -8)),
}


class ScaleLinear(BaseModel):
    """Multiplication by `gain` and addition of `offset`: one number, or one for each input channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["scale-linear"] = "scale-linear"
    gain: tuple[Finite, ...] = (1.0,)
    offset: tuple[Finite, ...] = (0.0,)


class Clip(BaseModel):
    """Clipping of values to `low` and `high`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["clip"] = "clip"
    low: Finite | None = None
    high: Finite | None = None


class ZeroMean(BaseModel):
    """Subtraction of the mean of one input, and division by its deviation plus `eps`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["zero-mean"] = "zero-mean"
    eps: Annotated[float, Field(gt=0, le=0.1)] = 1e-6


Step = Annotated[ScaleLinear | Clip | ZeroMean, Field(discriminator="step")]


class ForeignSpec(NetworkSpec):
    """Specification of a finished network of any architecture.

    Parameters
    ----------
    ndim, offsets, pixel_size
        See `NetworkSpec`. Without offsets, and where no output is an affinity, those of `DERIVED_OFFSETS`.
    outputs
        What each channel of the answer means. ``boundary`` is high on the borders of objects, ``distance``
        is that to the border of the object, 0 outside, ``affinity`` stands once for each offset, in order.
    activation
        What the channels hold: probabilities; logits of which each is one of its own; or the logits of
        classes of which one is true (``softmax``). Distances are never changed by it.
    distance_reach
        Distance, in the unit of the output, from which on a pixel lies certainly inside its object.
    n_input_channels
        The grey image is shown in each of them.
    smallest, step
        The lengths that the input may have along each axis: ``smallest + k step``; step 0 allows no other.
    intensity
        The grey values that the dark and the bright end of the image become, before `normalisation`.
    normalisation
        Steps before the network, in order.
    """

    architecture: Literal["torchscript"]
    outputs: Annotated[tuple[Meaning, ...], Field(max_length=_MAX_CHANNELS)]
    activation: Literal["probability", "logit", "softmax"] = "probability"
    distance_reach: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    n_input_channels: Annotated[int, Field(ge=1, le=16)] = 1
    smallest: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = ()
    step: tuple[Annotated[int, Field(ge=0, le=4096)], ...] = ()
    intensity: tuple[Finite, Finite] = (0.0, 1.0)
    normalisation: Annotated[tuple[Step, ...], Field(max_length=_MAX_STEPS)] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("ndim", 2) not in (2, 3):
            return values
        ndim = values.get("ndim", 2)
        return {"offsets": DERIVED_OFFSETS[ndim], "smallest": (16,) * ndim, "step": (16,) * ndim} | values

    @model_validator(mode="after")
    def _check_outputs(self) -> ForeignSpec:
        if not {"foreground", "boundary", "background", "distance"}.intersection(self.outputs):
            raise ValueError("one of the outputs must be foreground, boundary, background or distance")
        for meaning in ("foreground", "boundary", "background", "distance"):
            if self.outputs.count(meaning) > 1:
                raise ValueError(f"{self.outputs.count(meaning)} outputs are {meaning}: name one and leave "
                                 "the others 'unused'")  # fmt: skip
        n_affinities = self.outputs.count("affinity")
        if n_affinities and n_affinities != len(self.offsets):
            raise ValueError(f"{n_affinities} outputs are affinities where {len(self.offsets)} offsets are "
                             "given: give one offset for each")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _check_input(self) -> ForeignSpec:
        if len(self.smallest) != self.ndim or len(self.step) != self.ndim:
            raise ValueError(f"smallest {self.smallest} and step {self.step} must have {self.ndim} lengths")
        if max(prod(self.smallest), prod(self.total_stride)) * self.n_input_channels > _MAX_PIXELS:
            raise ValueError(
                f"smallest {self.smallest} and step {self.step} ask for more than {_MAX_PIXELS} pixels"
            )
        if self.intensity[0] >= self.intensity[1]:
            raise ValueError(f"intensity {self.intensity} must rise")
        for step in self.normalisation:
            if isinstance(step, ScaleLinear) and not {len(step.gain), len(step.offset)} <= {
                1,
                self.n_input_channels,
            }:
                raise ValueError(f"gain and offset must be 1 or {self.n_input_channels} numbers")
        return self

    @property
    def has_affinities(self) -> bool:
        """Whether the network itself tells affinities."""
        return "affinity" in self.outputs

    @property
    def total_stride(self) -> tuple[int, ...]:
        """Numbers of pixels of which the lengths of an input are multiples, along each axis."""
        return tuple(step or whole for step, whole in zip(self.step, self.smallest, strict=True))

    def largest_window(self, usual: tuple[int, ...]) -> tuple[int, ...]:
        """Return `usual`, but the one length that the network takes along an axis where it takes only one."""
        lengths = zip(self.smallest, self.step, usual, strict=True)
        return tuple(max(whole, longest) if step else whole for whole, step, longest in lengths)


def _architecture(spec: Any) -> str | None:
    # Cards may leave the architecture out where it is ours.
    named = spec.get("architecture", "residual-unet") if isinstance(spec, dict) else spec.architecture
    return named if isinstance(named, str) else None


AnySpec = Annotated[
    Annotated[ModelSpec, Tag("residual-unet")] | Annotated[ForeignSpec, Tag("torchscript")],
    Discriminator(_architecture),
]
"""The specification of a network of ours, or of one that another program made."""
