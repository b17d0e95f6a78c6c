"""An image as it lies in a viewer: pixels, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.io import Volume, open_volume
from napari_graft.io.channels import Channel
from napari_graft.io.pixel_sizes import NO_NOTE, SizeNote
from napari_graft.io.same_pixels import have_same_pixels
from napari_graft.io.volume import LazyArray


@dataclass(frozen=True, slots=True, eq=False)
class LayerImage:
    """Image of a layer, described without reading it.

    Parameters
    ----------
    name
        Name of the layer.
    data
        Pixels at full resolution, channels last where there are any.
    has_channels
        Whether the last axis holds red, green, blue (and alpha).
    pixel_size, unit
        Length of a pixel along each spatial axis, None where the layer does not say.
    path
        File that it was opened from, None where it was made in memory.
    layer
        What tells the layer from all others.
    project
        Folder of the project whose image it shows, None where it shows none.
    size_note
        Where the pixel size is from, and what is odd about it.
    channel
        Which channels of the file these are, as for `open_volume`.
    """

    name: str
    data: LazyArray
    has_channels: bool = False
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    path: str | None = None
    layer: str = ""
    project: str | None = None
    size_note: SizeNote = NO_NOTE
    channel: Channel | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each spatial axis."""
        return tuple(self.data.shape[:-1] if self.has_channels else self.data.shape)

    def axes(self) -> Axes:
        """Return the spatial axes.

        Raises
        ------
        InputError
            If there are other than two or three.
        """
        if len(self.shape) not in (2, 3):
            raise InputError(
                f"layer {self.name!r} has {len(self.shape)} axes, of shape {self.shape}: "
                "choose a 2-D image or a stack; of a time series, extract one time point first"
            )
        return Axes(SPATIAL_NAMES[-len(self.shape) :], self.pixel_size, self.unit)

    def volume(self) -> Volume:
        """Return the pixels as a volume, to be read box by box.

        Raises
        ------
        InputError
            If it has other than two or three spatial axes.
        """
        axes = self.axes()
        return Volume(self.data, axes, axes.ndim if self.has_channels else None, f"layer {self.name!r}")

    def is_in_file(self, *, report: Report | None = None, cancel: CancelToken | None = None) -> bool:
        """Say whether the file that it was opened from holds just these pixels, so that no copy is needed.

        A layer keeps the name of its file when its pixels are changed in napari, so all of them are compared.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        if self.path is None:
            return False
        try:
            return self.shows(open_volume(self.path, channel=self.channel), report=report, cancel=cancel)
        except InputError:  # what the copy needs may be in memory still
            return False

    def shows(
        self, stored: Volume, *, report: Report | None = None, cancel: CancelToken | None = None
    ) -> bool:
        """Say whether these are the pixels of a stored image.

        Raises
        ------
        InputError
            If pixels cannot be read.
        Cancelled
            When asked to stop.
        """
        return have_same_pixels(
            self.volume(), stored, report=report or ignore_progress, cancel=cancel or CancelToken()
        )
