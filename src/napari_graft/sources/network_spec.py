"""What every network has in common, whoever made it: its axes, its pixel size and what its answer means."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_OFFSETS = 64
Reach = Annotated[int, Field(ge=-4096, le=4096)]
"""Pixels from one end of an affinity to the other."""
_SMALLEST_PIXEL, _LARGEST_PIXEL = 1e-3, 1e9
"""Nanometres, from less than an atom to a metre."""


class NetworkSpec(BaseModel):
    """Specification of a network: its input and its outputs, foreground, then affinities at some offsets.

    Parameters
    ----------
    architecture
        Says who builds the network; see `napari_graft.nets.kinds`.
    ndim
        Number of spatial axes of the input.
    offsets
        Affinity offsets in pixels at `pixel_size`. The affinity of pixel p for offset o says whether p and p
        + o belong to the same object. The first `ndim` are the steps of -1 along each axis, which attract;
        the others repel.
    pixel_size
        Nanometres per pixel along each axis that the network was trained at, None where unknown.
    object_diameter
        Usual diameter in pixels, within a plane, of the objects that the network was trained on; None where
        nobody measured it. An image whose objects have another is brought to it.
    contrast_window
        Standard deviation in pixels of the Gaussian window whose mean and spread of grey are taken off the
        image before the network sees it; None where two percentiles of the whole image are.
    inverted
        Whether the network is shown the negative of an image, dark and bright swapped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_trainable: ClassVar[bool] = False
    """Whether training can go on from its weights."""

    format_version: Literal[1] = 1
    architecture: str
    ndim: Literal[2, 3] = 2
    offsets: Annotated[tuple[tuple[Reach, ...], ...], Field(max_length=MAX_OFFSETS)] = ()
    pixel_size: tuple[float, ...] | None = None
    object_diameter: Annotated[float, Field(ge=2, le=4096, allow_inf_nan=False)] | None = None
    contrast_window: Annotated[float, Field(ge=2, le=1024, allow_inf_nan=False)] | None = None
    inverted: bool = False

    @model_validator(mode="after")
    def _check_offsets(self) -> NetworkSpec:
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
    def _check_pixel_size(self) -> NetworkSpec:
        if self.pixel_size is None:
            return self
        if len(self.pixel_size) != self.ndim or not all(0 < s < float("inf") for s in self.pixel_size):
            raise ValueError(f"pixel size {self.pixel_size} must be {self.ndim} positive lengths in nm")
        if not all(_SMALLEST_PIXEL <= s <= _LARGEST_PIXEL for s in self.pixel_size):
            raise ValueError(
                f"pixel size {self.pixel_size} is no size of a pixel in nm: it must lie between "
                f"{_SMALLEST_PIXEL:g} and {_LARGEST_PIXEL:g}"
            )
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
    @abstractmethod
    def total_stride(self) -> tuple[int, ...]:
        """Numbers of pixels of which the lengths of an input are multiples, along each axis."""

    def largest_window(self, usual: tuple[int, ...]) -> tuple[int, ...]:
        """Return the largest window to show the network at once, where `usual` is what a network can take."""
        return usual

    @property
    def offsets_nm(self) -> tuple[tuple[float, ...], ...] | None:
        """Offsets in nanometres, the affinities' physical scale; None where the pixel size is unknown."""
        pixel_size = self.pixel_size
        if pixel_size is None:
            return None
        return tuple(tuple(o * s for o, s in zip(offset, pixel_size, strict=True)) for offset in self.offsets)
