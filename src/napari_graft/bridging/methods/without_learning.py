"""What can be done without learning: nothing, the best view, histogram matching, norm statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_graft.bridging.method import BridgeContext, Bridged
from napari_graft.bridging.pairs import Image, Pair
from napari_graft.bridging.views import GreyView, copy_of, with_translator
from napari_graft.nets.network import pad_to_stride
from napari_graft.nets.residual_unet import ChannelNorm, ResidualUNet
from napari_graft.sources.network_spec import TranslatorSpec

_N_KNOTS = 32
_MOST_PIXELS = 400_000
Curve = NDArray[np.float64]
_LEAST_SPREAD = 1e-3
_MOST_IMAGES, _SIDE = 16, 256


class AsItIs:
    """The source as it is, shown the image as it is."""

    needs_suitable_pairs = False

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return a copy of the source. See `BridgeMethod`."""
        network = copy_of(source)
        if context.data.as_it_is is not None:
            network.spec = context.data.as_it_is
        return Bridged(network, None)


class BestView:
    """The source shown the image in the view that suits it best: its negative, a stain, another scale."""

    needs_suitable_pairs = False

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the source in its best view. See `BridgeMethod`."""
        return Bridged(in_view(source, is_inverted=context.data.inverted), None)


def in_view(source: ResidualUNet, *, is_inverted: bool) -> ResidualUNet:
    """Return a copy of a source that is shown an image or its negative."""
    network = copy_of(source)
    if is_inverted:
        network.spec = source.spec.model_copy(update={"inverted": not source.spec.inverted})
    return network


class HistogramMatching:
    """The grey values of the target take the distribution of the source's modality, by scikit-image.

    What `match_histograms` does to each grey value is put into the translator of the network, as a line that
    bends at so many knots: a sum of rectifiers, which is what a translator of width 1 pixel is.
    """

    needs_suitable_pairs = False

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the source behind that curve. See `BridgeMethod`."""
        sign = -1.0 if context.data.inverted else 1.0
        knots, values = matching_curve(context.data.target, context.data.pairs, sign)
        shape = TranslatorSpec(kernels=(1, 1), width=len(knots))
        network = with_translator(source, GreyView(0.0, float(values[0])), shape)
        assert network.translator is not None
        set_curve(network.translator.residual, knots, values)
        return Bridged(network, None)


def matching_curve(target: Sequence[Image], pairs: Sequence[Pair], sign: float = 1.0) -> tuple[Curve, Curve]:
    """Return where a curve bends and what it is there, each float64 (n,), the first rising strictly.

    Parameters
    ----------
    sign
        -1 where what is bright becomes dark.
    """
    from skimage.exposure import match_histograms

    grey, wanted = (_thinned(images) for images in ([*target], [pair.source for pair in pairs]))
    order = np.sort(sign * grey)
    matched = match_histograms(order, np.sort(wanted))
    places = np.unique(np.linspace(0, len(order) - 1, _N_KNOTS).astype(int))
    knots, values = sign * order[places], matched[places]
    if sign < 0:
        knots, values = knots[::-1], values[::-1]
    is_first = np.concatenate([[True], np.diff(knots) > 1e-4])
    return knots[is_first], values[is_first]


def _thinned(images: Sequence[Image]) -> Curve:
    pixels = np.concatenate([image.ravel() for image in images]).astype(np.float64)
    return pixels[:: max(1, pixels.size // _MOST_PIXELS)]


def set_curve(layers: nn.ModuleList, knots: Curve, values: Curve) -> None:
    """Let two convolutions of one pixel be ``Σ_k (slope_k - slope_{k-1}) relu(x - knot_k)``."""
    slopes = np.append(np.diff(values) / np.diff(knots), 0.0)
    bends = np.diff(slopes, prepend=0.0)
    n = len(knots)
    wanted = {"0.weight": np.ones(n), "0.bias": -knots, "1.weight": bends, "1.bias": np.zeros(1)}
    shapes = {name: value.shape for name, value in layers.state_dict().items()}
    layers.load_state_dict(
        {
            name: torch.from_numpy(value.astype(np.float32)).reshape(shapes[name])
            for name, value in wanted.items()
        }
    )


class NormStatistics:
    """Scale and shift of every norm layer, so that its channels vary on the target as on the source's images.

    What AdaBN (Li et al. 2018) does for batch norm. These networks normalise each image by itself and keep no
    statistics: mean and spread after each norm, on the pairs in the source's modality, stand for them.
    """

    needs_suitable_pairs = False

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the source with other scales and shifts. See `BridgeMethod`."""
        data, device = context.data, context.device
        network = in_view(source, is_inverted=data.inverted).to(device).eval()
        wanted = _norm_statistics(copy_of(source).to(device).eval(), [p.source for p in data.pairs])
        sign = np.float32(-1 if data.inverted else 1)
        _run_with(network, [sign * image for image in data.target], _matching_hook(wanted))
        return Bridged(network.cpu(), None)


def _norms(network: ResidualUNet) -> dict[str, nn.Module]:
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.GroupNorm | ChannelNorm)
    }


_Statistics = dict[str, tuple[torch.Tensor, torch.Tensor]]


def _norm_statistics(network: ResidualUNet, images: Sequence[Image]) -> _Statistics:
    found: _Statistics = {}

    def hook(name: str, module: nn.Module, answer: torch.Tensor) -> torch.Tensor:
        found[name] = _moments(answer)
        return answer

    _run_with(network, images, hook)
    return found


def _moments(answer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    axes = (0, *range(2, answer.ndim))
    return answer.mean(axes), answer.std(axes).clamp(min=_LEAST_SPREAD)


_Hook = Callable[[str, nn.Module, torch.Tensor], torch.Tensor]


def _matching_hook(wanted: _Statistics) -> _Hook:
    def hook(name: str, module: nn.Module, answer: torch.Tensor) -> torch.Tensor:
        # The norm is changed before the next layer is asked, which thus sees what it will see.
        mean, spread = _moments(answer)
        to_mean, to_spread = wanted[name]
        factor = to_spread / spread
        assert isinstance(module.weight, torch.Tensor)
        assert isinstance(module.bias, torch.Tensor)
        module.weight.mul_(factor)
        module.bias.sub_(mean).mul_(factor).add_(to_mean)
        shape = (1, -1, *(1,) * (answer.ndim - 2))
        return (answer - mean.view(shape)) * factor.view(shape) + to_mean.view(shape)

    return hook


@torch.no_grad()
def _run_with(network: ResidualUNet, images: Sequence[Image], hook: _Hook) -> None:
    """Show a network images at once, cut to one shape, and let a hook see and change what norms answer."""
    handles = [
        module.register_forward_hook(lambda module, _, answer, name=name: hook(name, module, answer))
        for name, module in _norms(network).items()
    ]
    shape = tuple(min(_SIDE, *lengths) for lengths in zip(*(image.shape for image in images), strict=True))
    cut = [image[tuple(map(slice, shape))] for image in images[:_MOST_IMAGES]]
    batch = torch.from_numpy(np.stack(cut)[:, None]).to(next(network.parameters()).device)
    try:
        network(pad_to_stride(batch, network.spec.total_stride))
    finally:
        for handle in handles:
            handle.remove()
