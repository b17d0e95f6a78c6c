"""Networks of others, made here: small programs of TorchScript, and packages of bioimage.io around them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bioimageio.spec import save_bioimageio_package
from bioimageio.spec.model import v0_5
from torch import nn
from torch.nn import functional


class Bright(nn.Module):
    """Answer with logits: bright is foreground, and the ring between bright and dark is boundary."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        smooth = functional.avg_pool2d(functional.pad(x, [1, 1, 1, 1], mode="replicate"), 3, stride=1)
        lit = torch.sigmoid(6 * smooth)
        wide = functional.max_pool2d(lit, 3, stride=1, padding=1)
        narrow = -functional.max_pool2d(-lit, 3, stride=1, padding=1)
        return torch.cat([6 * smooth, 6 * (wide - narrow) - 3], 1)


class Constant(nn.Module):
    """Answer with one value in some channels, whatever it is shown."""

    def __init__(self, value: float, n_channels: int = 2, scale: int = 1) -> None:
        super().__init__()
        self.value, self.n_channels, self.scale = value, n_channels, scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = [x.shape[0], self.n_channels, x.shape[2] // self.scale, x.shape[3] // self.scale]
        return torch.full(size, self.value)


class OnlySquares(nn.Module):
    """Answer as `Bright`, and break where the image is no square of one size."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.bright = Bright()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == self.side, "another size"
        assert x.shape[3] == self.side, "another size"
        return self.bright(x)


ANY_ANSWER = np.random.default_rng(0).random((1, 8, 32, 32), np.float32)


def program_of(module: nn.Module) -> bytes:
    """Return the TorchScript file of a module."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module.eval()), buffer)
    return buffer.getvalue()


def make_package(
    out: Path,
    module: nn.Module,
    shown: np.ndarray,
    answer: np.ndarray,
    *,
    preprocessing: Sequence[Any] = (),
    postprocessing: Sequence[Any] = (),
    channels: Sequence[str] = ("foreground", "boundary"),
    size: Any = None,
    **more: Any,
) -> Path:
    """Write a bioimage.io package with one input and one output of two axes."""
    folder = out.with_suffix("")
    folder.mkdir(parents=True)
    (folder / "network.pt").write_bytes(program_of(module))
    (folder / "README.md").write_text("# A network\n\n# Validation\n\nNone.\n")
    np.save(folder / "input.npy", shown)
    np.save(folder / "output.npy", answer)
    space = {
        "y": size or v0_5.ParameterizedSize(min=16, step=8),
        "x": size or v0_5.ParameterizedSize(min=16, step=8),
    }
    fields: dict[str, Any] = {
        "name": "Bright nuclei",
        "description": "Segments what is bright",
        "authors": [v0_5.Author(name="A Person")],
        "cite": [v0_5.CiteEntry(text="Person 2020", doi="10.1000/xyz123")],
        "license": "CC-BY-4.0",
        "documentation": v0_5.FileDescr(source=folder / "README.md"),
        "inputs": [
            v0_5.InputTensorDescr(
                id="raw",
                axes=[
                    v0_5.BatchAxis(),
                    v0_5.ChannelAxis(channel_names=[f"c{i}" for i in range(shown.shape[1])]),
                    *(v0_5.SpaceInputAxis(id=name, size=length) for name, length in space.items()),
                ],
                data=v0_5.IntervalOrRatioDataDescr(type=str(shown.dtype)),
                test_tensor=v0_5.FileDescr(source=folder / "input.npy"),
                preprocessing=list(preprocessing),
            )
        ],
        "outputs": [
            v0_5.OutputTensorDescr(
                id="maps",
                axes=[
                    v0_5.BatchAxis(),
                    v0_5.ChannelAxis(channel_names=list(channels)),
                    *(
                        v0_5.SpaceOutputAxis(
                            id=name, size=size or v0_5.SizeReference(tensor_id="raw", axis_id=name)
                        )
                        for name in space
                    ),
                ],
                test_tensor=v0_5.FileDescr(source=folder / "output.npy"),
                postprocessing=list(postprocessing),
            )
        ],
        "weights": v0_5.WeightsDescr(
            torchscript=v0_5.TorchscriptWeightsDescr(source=folder / "network.pt", pytorch_version="2.8.0")
        ),
    }
    save_bioimageio_package(v0_5.ModelDescr(**fields | more), output_path=out)
    return out


def grey_image(shape: tuple[int, int] = (96, 128), seed: int = 0) -> np.ndarray:
    """Return bright cells on dark ground as 8-bit pixels (1, 1, y, x)."""
    from tiny_loop import make_sample

    image = make_sample(shape, seed).image.astype(np.float32)
    image = 20 + 200 * (image - image.min()) / np.ptp(image)
    return image.astype(np.uint8)[None, None]


@pytest.fixture(scope="session")
def bright_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a package whose channels say what they mean, with zero mean before and a sigmoid after it."""
    shown = grey_image().astype(np.float32)
    normalised = torch.from_numpy((shown - shown.mean()) / (shown.std() + 1e-6))
    answer = Bright()(normalised).sigmoid().numpy()
    return make_package(
        tmp_path_factory.mktemp("bright") / "bright.zip",
        Bright(),
        shown,
        answer,
        preprocessing=[v0_5.ZeroMeanUnitVarianceDescr()],
        postprocessing=[v0_5.SigmoidDescr()],
    )


@pytest.fixture(scope="session")
def edges_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a package that normalises by fixed numbers and whose channels have names that say nothing."""
    shown = grey_image().astype(np.float32)
    normalised = torch.from_numpy((shown - 110) / 60)
    answer = Bright()(normalised).numpy()
    fixed = v0_5.FixedZeroMeanUnitVarianceDescr(kwargs=v0_5.FixedZeroMeanUnitVarianceKwargs(mean=110, std=60))
    return make_package(
        tmp_path_factory.mktemp("edges") / "edges.zip",
        Bright(),
        shown,
        answer,
        preprocessing=[fixed],
        channels=("channel0", "channel1"),
    )


def rezip(package: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a package again after a change of its files."""
    with zipfile.ZipFile(package) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out
