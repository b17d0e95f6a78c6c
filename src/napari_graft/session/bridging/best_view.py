"""The best view of an image for a source that is bridged: its negative, a stain, half or twice its size."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.bridging.methods.without_learning import in_view
from napari_graft.bridging.views import copy_of
from napari_graft.io.channels import STAINS
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.best_view import most_consistent_scale, nearest_view
from napari_graft.session.bridging.assess import Assessor
from napari_graft.sources.network_spec import ModelSpec

ZOOMS = (1.0, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class ViewedSource:
    """A source in the best view of an image, before anything is learned.

    Parameters
    ----------
    network
        The source, which is shown the chosen stain and scale.
    inverted
        Whether it suits the negative of that better; a translator finds the sign by itself.
    as_it_is
        Specification of the source before.
    """

    network: ResidualUNet
    inverted: bool
    as_it_is: ModelSpec

    @property
    def words(self) -> str:
        """The view in words, empty where it is the image as it is."""
        spec, before = self.network.spec, self.as_it_is
        words = ["dark and bright swapped"] if self.inverted else []
        if spec.stain != before.stain:
            words.append(f"its {spec.stain} alone")
        if spec.zoom != before.zoom:
            words.append("at half its size" if spec.zoom < before.zoom else "at twice its size")
        return ", ".join(words)


def best_view(
    source: ResidualUNet, assessor: Assessor, *, is_coloured: bool, is_scale_known: bool
) -> ViewedSource:
    """Return a source in the view that suits it best, by the rule of the ranking; see `nearest_view`.

    Then it is tried at half and twice the size, unless the widths of the objects of image and source are
    known, which say the scale; see `most_consistent_scale`.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    stains = (source.spec.stain, *(STAINS if is_coloured else ()))
    views = [(stain, is_negative) for stain in dict.fromkeys(stains) for is_negative in (False, True)]
    networks = [in_view(_shown(source, stain=stain), is_inverted=negative) for stain, negative in views]
    found = nearest_view(networks, assessor.z, assessor.consistency)
    if not is_scale_known:
        scales = [_shown(found, zoom=found.spec.zoom * zoom) for zoom in ZOOMS]
        found = most_consistent_scale(scales, assessor.consistency)
    inverted = found.spec.inverted != source.spec.inverted
    return ViewedSource(in_view(found, is_inverted=inverted), inverted, source.spec)


def _shown(network: ResidualUNet, **changes: object) -> ResidualUNet:
    """Return a copy of a network that is shown an image otherwise."""
    copy = copy_of(network)
    copy.spec = network.spec.model_copy(update=changes)
    return copy
