"""All faults by name, in the order in which they come about: specimen, optics, detector, file."""

from __future__ import annotations

from napari_graft.core.registry import Registry
from napari_graft.imaging.faults.bad_pixels import dead_and_hot_pixels
from napari_graft.imaging.faults.blur import blur
from napari_graft.imaging.faults.charging import charging
from napari_graft.imaging.faults.compression import compression
from napari_graft.imaging.faults.curtaining import curtaining
from napari_graft.imaging.faults.debris import bright_debris
from napari_graft.imaging.faults.defocus import defocus
from napari_graft.imaging.faults.exposure import exposure
from napari_graft.imaging.faults.fault import Fault
from napari_graft.imaging.faults.gamma import gamma
from napari_graft.imaging.faults.illumination import uneven_illumination
from napari_graft.imaging.faults.polarity import polarity
from napari_graft.imaging.faults.read_noise import read_noise
from napari_graft.imaging.faults.saturation import saturation
from napari_graft.imaging.faults.shot_noise import shot_noise
from napari_graft.imaging.faults.stripes import stripes
from napari_graft.imaging.faults.vignetting import vignetting

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
