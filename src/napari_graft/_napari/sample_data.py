"""Sample images as layers, and the objects in them, hidden until somebody wants to compare."""

from __future__ import annotations

from typing import Any

from napari_graft._napari.layers import mark
from napari_graft._napari.placement import LayerData, placement
from napari_graft.samples.appearance import GeneratedImage
from napari_graft.samples.presets import cells_sample, neuropil_sample
from napari_graft.samples.public import PublicSample
from napari_graft.session.projects.public_samples import PublicImage


def neuropil_layers() -> list[LayerData]:
    """Generate an EM-like image of neuropil and its neurites."""
    return _generated("Generated neuropil", neuropil_sample())


def cells_layers() -> list[LayerData]:
    """Generate an image of cells and their truth."""
    return _generated("Generated cells", cells_sample())


def public_layers(sample: PublicSample, content: PublicImage) -> list[LayerData]:
    """Return the layers of a public image, which carry its terms."""
    noted = {
        "sample": sample.key,
        "structure": sample.structure,
        "licence": sample.licence,
        "citation": sample.citation,
    }
    place = placement(content.axes)
    has_colours = content.image.ndim > content.axes.ndim
    image: dict[str, Any] = {"name": sample.title, "rgb": has_colours, "metadata": mark("image", **noted)}
    layers: list[LayerData] = [(content.image, image | place, "image")]
    if content.segments is not None:
        layers.append((content.segments, _truth(sample.title, noted) | place, "labels"))
    return layers


def _generated(name: str, sample: GeneratedImage) -> list[LayerData]:
    return [
        (sample.image, {"name": name}, "image"),
        (sample.segments, _truth(name, {}), "labels"),
    ]


def _truth(name: str, noted: dict[str, str]) -> dict[str, Any]:
    return {"name": f"{name} · truth", "visible": False, "metadata": mark("truth", **noted)}
