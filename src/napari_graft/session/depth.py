"""Leave out 3-D sources where an image has not the depth that they need."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.core.progress import NOTE, Progress, Report
from napari_graft.inference.features import FEATURE_TILE
from napari_graft.inference.view import scale_factors
from napari_graft.io.volume import Volume
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source

LARGEST_STEP = 2.0
"""Slices of an image may be this many slices of a 3-D source apart: what lies between would be made up."""


def with_enough_depth(sources: Sequence[Source], volume: Volume, report: Report) -> list[Source]:
    """Return the sources that can look at an image, 2-D ones always; a note names the others and says why."""
    reasons = lacking_depth(sources, volume)
    for reason in dict.fromkeys(reasons.values()):
        others = ", ".join(source_id for source_id, one in reasons.items() if one == reason)
        report(Progress(0, None, f"{NOTE}left out, because they are 3-D and {reason}: {others}"))
    return [source for source in sources if source.id not in reasons]


def lacking_depth(sources: Sequence[Source], volume: Volume) -> dict[str, str]:
    """Return by the id of each source that cannot see an image in 3-D the reason, as `lacks_depth` has it."""
    reasons = {source.id: lacks_depth(source.card.spec, volume) for source in sources}
    return {source_id: reason for source_id, reason in reasons.items() if reason is not None}


def lacks_depth(spec: NetworkSpec, volume: Volume) -> str | None:
    """Return why a 3-D network cannot see an image in 3-D, None where it can or is 2-D.

    It needs as many slices, on its own grid, as the tiles have that its images are compared by. Where the
    slices of the image lie much farther apart than those that it was trained on, most of what it would see is
    interpolated: the distance of the images hardly shows that, and the result is poor.
    """
    if spec.ndim < 3:
        return None
    if volume.axes.ndim < 3:
        return "the image is 2-D"
    step, n_slices = scale_factors(volume.axes, spec)[0], volume.shape[0]
    if n_slices * step < FEATURE_TILE[3][0]:
        return f"the image has {n_slices} slices only"
    if step > LARGEST_STEP:
        return "the slices of the image are too far apart"
    return None
