"""Network architectures, built from a `ModelSpec`."""

from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet

__all__ = ["ResidualUNet", "build_network"]
