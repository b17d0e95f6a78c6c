from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference import predictor as predictor_module
from napari_graft.inference.features import encode_tile
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io.volume import Volume
from napari_graft.nets import build_network
from napari_graft.nets.device import mixed_precision
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.network_spec import ModelSpec

CPU = torch.device("cpu")
SMALL = ModelSpec(widths=(8, 16))
SMALL_3D = ModelSpec(ndim=3, widths=(8, 16))


def make_image(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("spec", "shape"), [(SMALL, (61, 84)), (SMALL_3D, (5, 30, 41))])
def test_a_small_image_is_answered_as_the_network_answers(spec: ModelSpec, shape: tuple[int, ...]) -> None:
    image = make_image(shape)
    probabilities = Predictor(build_network(spec), CPU).predict_array(image)
    pads = [(0, -n % s) for n, s in zip(shape, spec.total_stride, strict=True)]
    padded = torch.from_numpy(np.pad(image, pads, mode="edge"))[None, None]
    with torch.inference_mode(), mixed_precision(CPU):
        logits = build_network(spec).eval()(padded)[0].float().numpy()
    expected = 1 / (1 + np.exp(-logits[(slice(None), *map(slice, shape))]))
    assert probabilities.shape == (spec.n_outputs, *shape)
    assert probabilities.dtype == np.float32
    assert probabilities.flags.c_contiguous
    # another memory layout adds up in another order, in bfloat16 where the processor has it
    np.testing.assert_allclose(probabilities, expected, atol=0.02)


class PointwisePredictor(Predictor):
    """Answer each pixel by itself, so that windows agree where they overlap."""

    def _forward(self, window: np.ndarray) -> np.ndarray:
        scale = np.linspace(0.1, 1, self.spec.n_outputs, dtype=np.float32)
        return scale.reshape(-1, *[1] * window.ndim) * window


@pytest.mark.parametrize(("spec", "shape"), [(SMALL, (61, 84)), (SMALL_3D, (5, 30, 41))])
def test_one_look_is_the_prediction_and_what_the_encoder_sees(
    spec: ModelSpec, shape: tuple[int, ...]
) -> None:
    image, network = make_image(shape), build_network(spec).eval()
    predictor = Predictor(network, CPU)
    probabilities, activation = predictor.predict_with_features(image)

    np.testing.assert_allclose(probabilities, predictor.predict_array(image), atol=1e-6)
    seen = encode_tile(network, image, CPU)
    # In another memory layout and, where the processor has it, in half the length of numbers.
    np.testing.assert_allclose(activation, seen, atol=0.03 * np.abs(seen).max())


def test_windows_that_agree_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(predictor_module.WINDOW, 2, (64, 64))
    monkeypatch.setitem(predictor_module.OVERLAP, 2, (16, 16))
    image = make_image((130, 201))
    probabilities = PointwisePredictor(build_network(SMALL), CPU).predict_array(image)
    np.testing.assert_allclose(probabilities[-1], image, rtol=1e-5)


def test_seams_between_windows_are_no_steeper_than_the_whole_answer_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor = Predictor(build_network(ModelSpec()), CPU)
    pixels = generate_neuropil((1, 320, 320), np.random.default_rng(0)).image[0]
    image = pixels.astype(np.float32) / 127.5 - 1
    whole = predictor.predict_array(image)
    monkeypatch.setitem(predictor_module.WINDOW, 2, (208, 208))
    monkeypatch.setitem(predictor_module.OVERLAP, 2, (96, 96))
    blended = predictor.predict_array(image)
    assert np.abs(blended - whole).mean() < 0.05
    steps, expected = (np.abs(np.diff(answer, axis=2)).mean(axis=(0, 1)) for answer in (blended, whole))
    is_seam = np.isin(np.arange(319), [111, 207])  # the second window begins, the first one ends
    ratios = steps / expected
    assert ratios[is_seam].mean() < 1.1 * ratios[~is_seam].mean()


def test_threads_may_share_a_predictor() -> None:
    predictor = Predictor(build_network(SMALL), CPU)
    images = [make_image((64, 64), seed) for seed in range(8)]
    alone = [predictor.predict_array(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(predictor.predict_array, images))
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_tile_is_read_with_the_grey_range_and_pixel_size_of_the_model() -> None:
    spec = ModelSpec(widths=(8, 16), pixel_size=(10.0, 10.0))
    image = np.random.default_rng(0).integers(0, 255, (3, 80, 96)).astype(np.uint8)
    view = ModelView(Volume(image, Axes(("z", "y", "x"), (30.0, 5.0, 20.0))), IntensityRange(0, 255), spec)
    prediction = Predictor(build_network(spec), CPU).predict(view, Tile((1, 8, 0), (1, 64, 32)))
    assert prediction.foreground.shape == (32, 64)
    assert prediction.affinities.shape == (len(spec.offsets), 32, 64)


def test_without_memory_on_the_gpu_the_cpu_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    predictor = Predictor(build_network(SMALL), CPU, messages.append)
    expected = predictor.predict_array(make_image((32, 32)))
    forward = Predictor._forward

    def forward_without_memory(self: Predictor, window: np.ndarray) -> np.ndarray:
        if self.device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, window)

    monkeypatch.setattr(Predictor, "_forward", forward_without_memory)
    monkeypatch.setattr(predictor, "_device", torch.device("cuda"))
    for _ in range(2):
        np.testing.assert_array_equal(predictor.predict_array(make_image((32, 32))), expected)
    assert predictor.device == CPU
    assert messages == ["not enough GPU memory: going on with the CPU"]


def test_prediction_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(predictor_module.WINDOW, 2, (32, 32))
    monkeypatch.setitem(predictor_module.OVERLAP, 2, (8, 8))
    token = CancelToken()
    seen: list[tuple[int, ...]] = []

    class StoppedAfterTwo(PointwisePredictor):
        def _forward(self, window: np.ndarray) -> np.ndarray:
            seen.append(window.shape)
            if len(seen) == 2:
                token.cancel()
            return super()._forward(window)

    with pytest.raises(Cancelled):
        StoppedAfterTwo(build_network(SMALL), CPU).predict_array(make_image((100, 100)), token)
    assert len(seen) == 2


def test_the_network_that_was_handed_over_stays_as_it_is() -> None:
    network = build_network(SMALL).train()
    predictor = Predictor(network, CPU)
    predictor.predict_array(make_image((32, 32)))
    assert network.training
    assert not predictor.network.training
    weight = next(network.parameters())
    assert weight.is_contiguous()
    assert not next(predictor.network.parameters()).is_contiguous()
    assert torch.equal(weight, next(predictor.network.parameters()))
