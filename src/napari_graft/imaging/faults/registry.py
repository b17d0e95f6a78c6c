"""All faults by name, in the order in which they come about, and how they are added to an image.

The order is specimen, optics, detector, processing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_graft.core.axes import Axes
from napari_graft.core.registry import Registry
from napari_graft.imaging.faults.detector import (
    dead_and_hot_pixels,
    exposure,
    read_noise,
    saturation,
    shot_noise,
    stripes,
)
from napari_graft.imaging.faults.fault import STRONG, Fault, Image
from napari_graft.imaging.faults.optics import blur, defocus, uneven_illumination, vignetting
from napari_graft.imaging.faults.processing import compression, gamma, polarity
from napari_graft.imaging.faults.specimen import bright_debris, charging, curtaining
from napari_graft.imaging.intensity import LARGEST_NORMALISED, estimate_intensity_range
from napari_graft.io.volume import Volume

FAULTS: Registry[Fault] = Registry("fault")
FAULTS.register("bright-debris")(Fault("bright debris", bright_debris))
FAULTS.register("curtaining")(Fault("curtaining", curtaining))
FAULTS.register("charging")(Fault("charging", charging))
FAULTS.register("uneven-illumination")(Fault("uneven illumination", uneven_illumination))
FAULTS.register("vignetting")(Fault("vignetting", vignetting))
FAULTS.register("blur")(Fault("blur", blur))
FAULTS.register("defocus")(Fault("defocus", defocus))
FAULTS.register("exposure")(Fault("exposure", exposure))
FAULTS.register("shot-noise")(Fault("shot noise", shot_noise))
FAULTS.register("read-noise")(Fault("read noise", read_noise))
FAULTS.register("stripes")(Fault("stripes", stripes))
FAULTS.register("bad-pixels")(Fault("dead and hot pixels", dead_and_hot_pixels))
FAULTS.register("saturation")(Fault("saturation", saturation))
FAULTS.register("gamma")(Fault("gamma", gamma))
FAULTS.register("polarity")(Fault("polarity", polarity))
FAULTS.register("compression")(Fault("compression", compression))


_MOST = 3
_LEAST_STRENGTH = 0.1


def add_random_faults(image: Image, rng: np.random.Generator) -> Image:
    """Return an image with one to three faults of random kinds and strengths.

    Parameters
    ----------
    image
        Grey from 0 to 1, float32 (..., y, x).
    """
    names = list(FAULTS)
    chosen = rng.choice(len(names), rng.integers(1, _MOST + 1), replace=False)
    for index in sorted(chosen):  # a detector sees what the optics have done to it
        image = FAULTS[names[index]](image, rng.uniform(_LEAST_STRENGTH, STRONG), rng)
    return image


def record_anew(image: Image, change: Callable[[Image], Image]) -> Image:
    """Return an image as it would be read had the microscope had a fault: its grey range is measured anew.

    Parameters
    ----------
    image
        Normalised, -1.5 to 1.5, float32 (y, x) or (z, y, x): see `IntensityRange`. These ends count as black
        and white, so that what is usual lies between a sixth and five sixths of the grey of a detector.
    change
        The fault: given grey from 0 to 1, returns it changed.
    """
    spoilt = change((image + np.float32(LARGEST_NORMALISED)) / np.float32(2 * LARGEST_NORMALISED))
    if spoilt.min() == spoilt.max():  # a blank plane has no range, and nothing to learn
        return image
    volume = Volume(spoilt, Axes(("z", "y", "x")[-image.ndim :]))
    return estimate_intensity_range(volume, np.random.default_rng(0)).normalise(spoilt)
