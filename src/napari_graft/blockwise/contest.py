"""The contestants of the benchmark ``throughput``: ways to run one network over one image."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_graft.blockwise.parallel import count_workers, run_parallel, share_threads
from napari_graft.blockwise.plan import BlockPlan
from napari_graft.blockwise.segment import segment_volume
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.nets.device import mixed_precision
from napari_graft.segmentation.settings import DecodeSettings

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
