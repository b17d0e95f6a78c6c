"""The shape of a network: all that is needed to build it before its weights are loaded."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

DEFAULT_STRIDES: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((2, 2), (2, 2), (2, 2), (2, 2)),
    3: ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2)),
}

# z reaches less far than y and x: stacks are mostly coarser along z, and few sections of an object overlap.
DEFAULT_OFFSETS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: (
        (-1, 0), (0, -1), (-3, 0), (0, -3), (-9, 0), (0, -9), (-27, 0), (0, -27), (-9, -9), (-9, 9),
    ),
    3: (
        (-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, -3, 0), (0, 0, -3), (-4, 0, 0), (0, -9, 0),
        (0, 0, -9), (0, -27, 0), (0, 0, -27), (0, -9, -9), (0, -9, 9),
    ),
}  # fmt: skip


class ModelSpec(BaseModel):
    """Describe a network of the one family, so that it can be built again anywhere.

    Parameters
    ----------
    ndim
        Number of spatial axes of the input.
    widths
        Channels of each level, the finest first.
    strides
        Down-sampling factor of each level along each axis; that of level 0 folds pixels of the input into
        channels. By default those of `DEFAULT_STRIDES` for as many levels as `widths` has.
    norm
        Kind of normalisation; neither keeps statistics of a batch.
    offsets
        Affinity offsets in pixels at `pixel_size`. The affinity of pixel p for offset o says whether p and p
        + o belong to the same object. The first `ndim` are the steps of -1 along each axis, which attract;
        the others repel. By default those of `DEFAULT_OFFSETS`.
    pixel_size
        Nanometres per pixel along each axis that the network was trained at, None where unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    architecture: Literal["residual-unet"] = "residual-unet"
    ndim: Literal[2, 3] = 2
    widths: tuple[int, ...] = (32, 64, 128, 192)
    strides: tuple[tuple[int, ...], ...] = ()
    norm: Literal["group", "instance"] = "group"
    offsets: tuple[tuple[int, ...], ...] = ()
    pixel_size: tuple[float, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        ndim, widths = values.get("ndim", 2), values.get("widths", cls.model_fields["widths"].default)
        if ndim not in (2, 3) or not isinstance(widths, list | tuple):
            return values
        n_levels = len(widths)
        strides = (DEFAULT_STRIDES[ndim] + DEFAULT_STRIDES[ndim][-1:] * n_levels)[:n_levels]
        return {"strides": strides, "offsets": DEFAULT_OFFSETS[ndim]} | values

    @model_validator(mode="after")
    def _check_levels(self) -> ModelSpec:
        if not self.widths or min(self.widths) < 1:
            raise ValueError(f"widths {self.widths} must be at least 1 at each of one or more levels")
        if len(self.strides) != len(self.widths):
            raise ValueError(
                f"{len(self.strides)} strides for {len(self.widths)} widths: give one stride for each"
            )
        for stride in self.strides:
            if len(stride) != self.ndim or min(stride) < 1:
                raise ValueError(f"stride {stride} must have {self.ndim} positive factors")
        return self

    @model_validator(mode="after")
    def _check_offsets(self) -> ModelSpec:
        steps = tuple(tuple(-int(i == axis) for i in range(self.ndim)) for axis in range(self.ndim))
        if self.offsets[: self.ndim] != steps:
            raise ValueError(f"the first {self.ndim} offsets must be the nearest neighbours {steps}")
        for offset in self.offsets:
            if len(offset) != self.ndim or not any(offset):
                raise ValueError(f"offset {offset} must have {self.ndim} steps, not all zero")
        if len(set(self.offsets)) != len(self.offsets):
            raise ValueError("an affinity offset is given twice: give each once")
        return self

    @model_validator(mode="after")
    def _check_pixel_size(self) -> ModelSpec:
        if self.pixel_size is None:
            return self
        if len(self.pixel_size) != self.ndim or not all(0 < s < float("inf") for s in self.pixel_size):
            raise ValueError(f"pixel size {self.pixel_size} must be {self.ndim} positive lengths in nm")
        return self

    @property
    def n_attractive(self) -> int:
        """Number of affinities, the first ones, that attract: the nearest neighbours."""
        return self.ndim

    @property
    def n_outputs(self) -> int:
        """Number of output channels: the foreground, then one for each offset."""
        return 1 + len(self.offsets)

    @property
    def total_stride(self) -> tuple[int, ...]:
        """Down-sampling factor of the deepest level along each axis; inputs are padded to its multiples."""
        return tuple(prod(factors) for factors in zip(*self.strides, strict=True))

    @property
    def offsets_nm(self) -> tuple[tuple[float, ...], ...] | None:
        """Offsets in nanometres, the affinities' physical scale; None where the pixel size is unknown."""
        pixel_size = self.pixel_size
        if pixel_size is None:
            return None
        return tuple(tuple(o * s for o, s in zip(offset, pixel_size, strict=True)) for offset in self.offsets)
