"""Specification of a network: what all have in common, and the shape of ours, from which it is built."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Annotated, Any, ClassVar, Literal

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
        Says who builds the network; see `napari_graft.nets.build`.
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
    stain
        Stain whose density the network is shown of a coloured image, None for its brightness; a grey image is
        shown as it is.
    zoom
        By how much an image is enlarged within a plane before the network is shown it, beside what pixel
        sizes and diameters ask for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

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
    stain: Literal["hematoxylin", "eosin", "dab"] | None = None
    zoom: Annotated[float, Field(ge=0.125, le=8, allow_inf_nan=False)] = 1.0

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


MAX_WEIGHTS = 2**28
"""Numbers that a network may consist of: 1 GiB in single precision, as much as a file of weights may have."""
MAX_STRIDE = 1024
"""Largest down-sampling from end to end along one axis: an image is extended to a multiple of it."""
_MAX_LEVELS = 12
_MAX_BLOCK = 2**20
"""Pixels to a cell of the deepest level."""

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


Factor = Annotated[int, Field(le=2**20)]


MAX_TRANSLATOR_WEIGHTS = 5000
"""A translator that has fewer can change the colour of an image, and has no room to invent structure."""


class TranslatorSpec(BaseModel):
    """Shape of a translator, the small network that shows an image of one modality as one of another.

    Parameters
    ----------
    kernels
        Odd widths of its convolutions within a plane, in order.
    width
        Channels between them.
    dilations
        Steps between the pixels that each convolution looks at, 1 for neighbours; empty for 1 everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kernels: Annotated[tuple[Annotated[int, Field(ge=1, le=9)], ...], Field(min_length=2, max_length=6)] = (
        5,
        3,
        1,
    )
    width: Annotated[int, Field(ge=1, le=64)] = 16
    dilations: Annotated[tuple[Annotated[int, Field(ge=1, le=16)], ...], Field(max_length=6)] = ()

    @model_validator(mode="after")
    def _check_size(self) -> TranslatorSpec:
        if self.dilations and len(self.dilations) != len(self.kernels):
            raise ValueError(f"dilations {self.dilations} must be one for each of the kernels {self.kernels}")
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError(f"kernels {self.kernels} must be odd")
        if self.n_weights > MAX_TRANSLATOR_WEIGHTS:
            raise ValueError(
                f"kernels {self.kernels} of {self.width} channels make {self.n_weights} weights where "
                f"{MAX_TRANSLATOR_WEIGHTS} are allowed: choose smaller ones"
            )
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """Dilation of each convolution."""
        return self.dilations or (1,) * len(self.kernels)

    @property
    def channels(self) -> tuple[int, ...]:
        """Number of channels before, between and after its convolutions."""
        return (1, *(self.width,) * (len(self.kernels) - 1), 1)

    @property
    def n_weights(self) -> int:
        """Number of its weights, with gain and offset."""
        steps = zip(self.channels, self.channels[1:], self.kernels, strict=False)
        return 2 + sum(n_in * n_out * kernel**2 + n_out for n_in, n_out, kernel in steps)


class ModelSpec(NetworkSpec):
    """Specification of a network of the one family, from which it can be built again anywhere.

    Parameters
    ----------
    ndim, pixel_size, object_diameter, contrast_window, inverted, stain, zoom
        See `NetworkSpec`.
    widths
        Channels of each level, the finest first.
    strides
        Down-sampling factor of each level along each axis; that of level 0 folds pixels of the input into
        channels. By default those of `DEFAULT_STRIDES` for as many levels as `widths` has.
    norm
        Kind of normalisation; none keeps statistics of a batch. Of ``channel`` alone the answer at a pixel
        does not depend on the size of the window that is shown.
    offsets
        See `NetworkSpec`. By default those of `DEFAULT_OFFSETS`.
    translator
        Of a source that was bridged to another modality: what shows its encoder the image. None without.
    """

    is_trainable: ClassVar[bool] = True

    architecture: Literal["residual-unet"] = "residual-unet"
    widths: Annotated[tuple[Factor, ...], Field(max_length=_MAX_LEVELS)] = (32, 64, 128, 192)
    strides: Annotated[tuple[tuple[Factor, ...], ...], Field(max_length=_MAX_LEVELS)] = ()
    norm: Literal["group", "instance", "channel"] = "group"
    translator: TranslatorSpec | None = None

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
    def _check_weight(self) -> ModelSpec:
        total = self.total_stride
        if max(total) > MAX_STRIDE or prod(total) > _MAX_BLOCK:
            raise ValueError(
                f"strides {self.strides} come to {total} where {MAX_STRIDE} along an axis and {_MAX_BLOCK} "
                "pixels in all are allowed: choose smaller ones"
            )
        if self.n_weights > MAX_WEIGHTS:
            raise ValueError(
                f"widths {self.widths} and strides {self.strides} make a network of {self.n_weights} numbers "
                f"where {MAX_WEIGHTS} are allowed: choose smaller ones"
            )
        return self

    @property
    def n_weights(self) -> int:
        """Number of weights of its convolutions, which is known before any of them is made."""
        kernel, n_folded = 3**self.ndim, prod(self.strides[0])
        inputs = (n_folded, *self.widths[:-1])
        encoder = sum((n + w) * w * kernel + n * w for n, w in zip(inputs, self.widths, strict=True))
        decoder = sum(2 * w * w * kernel for w in self.widths[:-1])
        reducers = sum(n * w for n, w in zip(self.widths, self.widths[1:], strict=False))
        return encoder + decoder + reducers + self.widths[0] * self.n_outputs * n_folded

    @property
    def total_stride(self) -> tuple[int, ...]:
        """Down-sampling factor of the deepest level along each axis; inputs are padded to its multiples."""
        return tuple(prod(factors) for factors in zip(*self.strides, strict=True))


def in_plane(spec: NetworkSpec) -> NetworkSpec:
    """Return a 2-D specification that sees the slices of what a network sees, at the same pixel size."""
    if spec.ndim == 2:
        return spec
    return ModelSpec(
        pixel_size=None if spec.pixel_size is None else spec.pixel_size[-2:],
        object_diameter=spec.object_diameter,
        contrast_window=spec.contrast_window,
        inverted=spec.inverted,
        stain=spec.stain,
        zoom=spec.zoom,
    )
