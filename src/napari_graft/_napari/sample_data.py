"""Generated images with truth, as napari's sample data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from napari_graft.samples.embedded import cells_sample, neuropil_sample
from napari_graft.samples.generated import GeneratedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    LayerData: TypeAlias = tuple[NDArray[Any], dict[str, Any], str]


def neuropil_layers() -> list[LayerData]:
    """Generate an EM-like image of neuropil and its neurites."""
    return _layers("Generated neuropil", neuropil_sample())


def cells_layers() -> list[LayerData]:
    """Generate an image of cells and their truth."""
    return _layers("Generated cells", cells_sample())


def _layers(name: str, sample: GeneratedImage) -> list[LayerData]:
    return [
        (sample.image, {"name": name}, "image"),
        (sample.segments, {"name": f"{name} · truth"}, "labels"),
    ]
