"""The benchmark ``throughput``: how fast images are segmented, beside the bare network and others."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_graft.blockwise.plan import BlockPlan, plan_blocks
from napari_graft.blockwise.segment import segment_volume
from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.process import run_parallel
from napari_graft.core.progress import CancelToken
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic
from napari_graft.io.volume import Volume
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import NO_INPUTS, Outputs
from napari_graft.nets.build import load_network
from napari_graft.nets.device import choose_device, count_workers, mixed_precision, share_threads
from napari_graft.samples.presets import neuropil_sample
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.catalogue import ANCESTOR, Catalogue

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ThroughputCase:
    """Test case of the throughput benchmark: one network and one image.

    Parameters
    ----------
    predictor, view
        The network and a slice of four blocks.
    plan
        The blocks; each is one window.
    windows
        What the network sees of each block, (1, 1, *spatial) on the device.
    parts
        Seconds for network and decoding of the runs of the pipeline so far, added up over the workers.
    """

    predictor: Predictor
    view: ModelView
    plan: BlockPlan
    windows: list[torch.Tensor]
    parts: list[tuple[float, float]] = field(default_factory=list)

    @property
    def number_type(self) -> str:
        """Type of number that the network computes with; how much decoding weighs beside it hangs on that."""
        return str(self._forward(self.windows[0]).dtype).removeprefix("torch.")

    def bare(self) -> None:
        """Run the network on one window after the other, with all of torch's threads."""
        for window in self.windows:
            self._forward(window)
        self._wait()

    def bare_side_by_side(self) -> None:
        """Run the network on several windows at once, as the pipeline does."""
        self._side_by_side(lambda number: self._forward(self.windows[number]))
        self._wait()

    def network_part(self) -> None:
        """Read, normalise, predict and blend all blocks."""
        self._side_by_side(lambda number: self.predictor.predict(self.view, self.plan.grown(number)))

    def pipeline(self) -> None:
        """Segment the slice into a file."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "objects.zarr"
            result = segment_volume(self.predictor, self.view, DecodeSettings(), out)
        self.parts.append((result.seconds_network, result.seconds_decoding))

    def monai(self) -> None:
        """Let MONAI blend the windows of the same size with the same overlap."""
        import torch

        try:
            from monai.inferers.utils import sliding_window_inference
        except ImportError:
            raise InputError(
                "this benchmark compares with MONAI, which is not installed: pip install monai"
            ) from None

        sides = self.plan.grown(0).shape
        # half a pixel less, because MONAI rounds the step down and would then add a row of windows
        overlap = [(2 * halo - 0.5) / n for n, halo in zip(sides, self.plan.halo, strict=True)]
        image = self.view.read(self.plan.region)
        batch = torch.from_numpy(image)[None, None].to(self.predictor.device)
        with torch.inference_mode():
            sliding_window_inference(batch, sides, 1, self._forward, overlap)
        self._wait()

    def _side_by_side(self, work: Callable[[int], object]) -> None:
        n_workers = count_workers(len(self.plan))
        with share_threads(n_workers):
            for _ in run_parallel(
                range(len(self.plan)), lambda number, cancel: work(number), n_workers, CancelToken()
            ):
                pass

    def _forward(self, window: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode(), mixed_precision(self.predictor.device):
            logits: torch.Tensor = self.predictor.network(window)
            return logits

    def _wait(self) -> None:
        import torch

        if self.predictor.device.type == "cuda":
            torch.cuda.synchronize()


Turn = dict[str, tuple[float, float]]
"""By contestant the wall-clock and the processor seconds."""

PIXELS = {False: 2048, True: 1536}
REPEATS = {False: 7, True: 3}


def run_throughput(
    out: Path, *, quick: bool = False, device: str = "auto", outputs: Outputs = NO_INPUTS
) -> dict[str, Any]:
    """Measure how fast an image is segmented, print a table and write it to ``OUT/throughput.json``.

    All contestants see the same windows with the same network and take turns, so that whatever else the
    machine does hits all of them; ratios are medians over the turns.

    Parameters
    ----------
    quick
        A smaller image and fewer turns.
    outputs
        What may be written where.

    Returns
    -------
    dict
        ``contestants``: by name the wall-clock and the processor seconds of each turn, megapixels per second,
        and the speed as a part of the bare network's, the faster of its two ways, by either clock.
        ``network_to_monai``: speed of the network part as a part of MONAI's.
        ``decoding_to_network``: time for decoding divided by that for reading and predicting.
    """
    case = _make_case(PIXELS[quick], device)
    turns = [_take_turns(case) for _ in range(REPEATS[quick] + 1)][1:]  # the first one warms up
    figures = _sum_up(case, turns)
    _print_table(figures)
    with atomic.storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    outputs.write(out / "throughput.json", json.dumps(marked(figures), indent=2) + "\n", JSON)
    return figures


def _make_case(n_pixels: int, device: str) -> ThroughputCase:
    import torch

    tile = neuropil_sample().image[0]
    reach = -(-n_pixels // min(tile.shape))
    image = np.tile(np.block([[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]]), (reach, reach))
    image = np.ascontiguousarray(image[:n_pixels, :n_pixels])
    source = Catalogue().get(ANCESTOR)
    chosen = choose_device(device)
    predictor = Predictor(load_network(source.card.spec, source.load_weights()), chosen)
    view = ModelView(Volume(image, Axes(("y", "x"))), IntensityRange(0, 255), source.card.spec)
    plan = plan_blocks(view, None, None)
    tiles = (plan.grown(number) for number in range(len(plan)))
    windows = [torch.from_numpy(view.read(tile))[None, None].to(chosen) for tile in tiles]
    return ThroughputCase(predictor, view, plan, windows)


def _take_turns(case: ThroughputCase) -> Turn:
    contestants: dict[str, Callable[[], None]] = {
        "bare": case.bare,
        "bare_side_by_side": case.bare_side_by_side,
        "network_part": case.network_part,
        "pipeline": case.pipeline,
        "monai": case.monai,
    }
    seconds = {}
    for name, run in contestants.items():
        started = perf_counter(), process_time()
        run()
        seconds[name] = perf_counter() - started[0], process_time() - started[1]
    return seconds


def _sum_up(case: ThroughputCase, turns: list[Turn]) -> dict[str, Any]:
    import torch

    n_pixels = case.plan.region.n_pixels
    parts = case.parts[-len(turns) :]
    return {
        "n_pixels": n_pixels,
        "windows": [list(window.shape[2:]) for window in case.windows],
        "contestants": {name: _describe(name, turns, n_pixels) for name in turns[0]},
        "network_to_monai": median(turn["monai"][0] / turn["network_part"][0] for turn in turns),
        "decoding_to_network": median(decoding / network for network, decoding in parts),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "device": str(case.predictor.device),
        "number_type": case.number_type,
        "processor": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in ("torch", "monai", "numpy", "bioimage-cpp")},
    }


def _describe(name: str, turns: list[Turn], n_pixels: int) -> dict[str, Any]:
    wall, cpu = ([turn[name][clock] for turn in turns] for clock in (0, 1))
    bare = [
        [min(turn["bare"][clock], turn["bare_side_by_side"][clock]) for turn in turns] for clock in (0, 1)
    ]
    return {
        "seconds": wall,
        "cpu_seconds": cpu,
        "megapixels_per_second": n_pixels / 1e6 / median(wall),
        "of_bare": median(a / b for a, b in zip(bare[0], wall, strict=True)),
        "of_bare_cpu": median(a / b for a, b in zip(bare[1], cpu, strict=True)),
    }


def _print_table(figures: dict[str, Any]) -> None:
    side = round(figures["n_pixels"] ** 0.5)
    print(f"{side} × {side} pixels in {len(figures['windows'])} windows of {figures['windows'][0]}, ", end="")
    print(f"{figures['threads']} threads, {figures['device']}, {figures['number_type']}")
    print(f"{'':20}{'Mpx/s':>10}{'of bare':>10}{'by CPU time':>14}")
    for name, row in figures["contestants"].items():
        speeds = f"{row['megapixels_per_second']:10.2f}{row['of_bare']:10.2f}{row['of_bare_cpu']:14.2f}"
        print(f"{name.replace('_', ' '):20}{speeds}")
    print(f"network part as fast as MONAI's sliding window × {figures['network_to_monai']:.2f}")
    print(f"decoding takes {figures['decoding_to_network']:.2f} × the time of reading and predicting")
