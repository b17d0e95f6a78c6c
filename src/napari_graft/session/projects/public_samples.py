"""Bring a public image from its repository, once, and read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels, open_volume
from napari_graft.io.fetch import download
from napari_graft.samples.public import PublicSample
from napari_graft.sources.catalogue import user_home

MASK_THRESHOLD = 127


@dataclass(frozen=True, slots=True, eq=False)
class PublicImage:
    """A public image and the objects that people drew in it.

    Parameters
    ----------
    image
        (*spatial) or, with colours, (*spatial, 3 or 4), as stored in its file.
    axes
        Names of the spatial axes, and the pixel size where it is known.
    segments
        (*spatial) uint32, 0 background, 1… objects; None where nobody drew any.
    """

    image: NDArray[Any]
    axes: Axes
    segments: NDArray[np.uint32] | None


def samples_folder() -> Path:
    """Return where fetched images are kept."""
    return user_home() / "samples"


def fetch_sample(sample: PublicSample, folder: Path, *, report: Report, cancel: CancelToken) -> PublicImage:
    """Bring what is not in `folder` yet, and read it whole: these images are small.

    Files are kept in a subfolder that bears the name of the data set, so that a source which has seen the
    set can be told.

    Raises
    ------
    InputError
        If a file cannot be reached, or is another than expected.
    StorageError
        If it cannot be written.
    Cancelled
        When asked to stop; the next attempt goes on where this one stopped.
    """
    paths = []
    n_before = 0
    for file in sample.files:
        tell = _after(n_before, sample, report)
        path = download(file.url, folder / sample.data_set, sha256=file.sha256, report=tell, cancel=cancel)
        paths.append(path)
        n_before += file.n_bytes
    volume = open_volume(paths[0], pixel_size=sample.pixel_size)
    segments = None if sample.labels is None else _objects(open_labels(paths[1]), has_mask=sample.has_mask)
    return PublicImage(_whole(volume), volume.axes, segments)


def _after(n_before: int, sample: PublicSample, report: Report) -> Report:
    """Count the bytes of the files before, so that the progress is that of all of them."""

    def tell(progress: Progress) -> None:
        report(Progress(n_before + progress.done, sample.n_bytes, f"downloading {sample.title}"))

    return tell


def _whole(volume: Volume) -> NDArray[Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


def _objects(labels: Volume, *, has_mask: bool) -> NDArray[np.uint32]:
    pixels = _whole(labels)
    if has_mask:
        from scipy import ndimage

        pixels, _ = ndimage.label(pixels > MASK_THRESHOLD)
    return pixels.astype(np.uint32)
