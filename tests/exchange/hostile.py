"""TorchScript files as a stranger may make them: harmless in what they would do, not in how they hide it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import torch
from foreign import Bright, program_of
from torch import nn

Files = dict[str, bytes]

EMPTY_PICKLE = b"\x80\x02)."
ROOT = b"\x80\x02c__torch__\nA\n)\x81}(X\x08\x00\x00\x00training\x89ub."
BODY = "    return torch.relu(x)\n"


def files_of(data: bytes) -> Files:
    """Return the files of an archive by their names below its one folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def archive_of(files: Mapping[str, bytes], folder: str = "archive") -> bytes:
    """Return an archive of files, uncompressed as torch writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(f"{folder}/{name}", data)
    return buffer.getvalue()


def changed(change: Callable[[Files], None]) -> bytes:
    """Return the file of an honest network after a change of what is in it."""
    files = files_of(program_of(Bright()))
    change(files)
    return archive_of(files)


def program_with(
    body: str = BODY, *, members: str = "", more: str = "", root: bytes = ROOT, **other: str
) -> bytes:
    """Return a program of one class `A` with the given code; `other` are further files of code, by name."""
    code = (
        "class A(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
        f"{members}  def forward(self: __torch__.A,\n    x: Tensor) -> Tensor:\n{body}{more}"
    )
    files = {
        "data.pkl": root,
        "constants.pkl": EMPTY_PICKLE,
        "version": b"3\n",
        "byteorder": b"little",
        "code/__torch__.py": code.encode(),
    }
    return archive_of(files | {f"code/__torch__/{name}.py": text.encode() for name, text in other.items()})


class Block(nn.Module):
    """Two convolutions, of which one is normalised."""

    def __init__(self, n_in: int, n_out: int, norm: str) -> None:
        super().__init__()
        norms: dict[str, Callable[[int], nn.Module]] = {
            "batch": nn.BatchNorm2d,
            "instance": lambda n: nn.InstanceNorm2d(n, affine=True, track_running_stats=True),
            "group": lambda n: nn.GroupNorm(4, n),
        }
        self.first, self.second = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.shortcut = nn.Conv2d(n_in, n_out, 1)
        self.norm, self.act = norms[norm](n_out), nn.SiLU(inplace=True)
        self.dropout = nn.Dropout2d(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.second(self.dropout(self.act(self.norm(self.first(x))))) + self.shortcut(x))


class Attention(nn.Module):
    """Attention of every pixel to all others, by heads."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.n_heads = 2
        self.queries, self.out = (
            nn.Conv2d(n_channels, 3 * n_channels, 1),
            nn.Conv2d(n_channels, n_channels, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, h, w = x.shape
        q, k, v = self.queries(x).reshape(b, 3, self.n_heads, c // self.n_heads, h * w).unbind(1)
        weights = torch.softmax(q.transpose(-1, -2) @ k * (c // self.n_heads) ** -0.5, -1)
        return x + self.out((v @ weights.transpose(-1, -2)).reshape(b, c, h, w))


class UNet(nn.Module):
    """A residual U-Net as people write it, with a message that has quotes and a line end in it."""

    def __init__(self, norm: str, up: str, *, attends: bool) -> None:
        super().__init__()
        self.first, self.second = Block(1, 8, norm), Block(8, 16, norm)
        self.pool = nn.MaxPool2d(2)
        self.middle = nn.Sequential(Attention(16) if attends else nn.Identity(), nn.Conv2d(16, 16, 1))
        self.up = (
            nn.ConvTranspose2d(16, 8, 2, stride=2)
            if up == "transposed"
            else nn.Sequential(nn.Upsample(scale_factor=2.0, mode=up), nn.Conv2d(16, 8, 1), nn.LeakyReLU(0.1))
        )
        self.last, self.head = Block(16, 8, norm), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.first(x)
        up = self.up(self.middle(self.second(self.pool(skip))))
        dy, dx = skip.size(2) - up.size(2), skip.size(3) - up.size(3)
        up = nn.functional.pad(up, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        if up.shape[2] != skip.shape[2]:
            raise ValueError(f'a "size" that\'s\nodd: {up.shape[2]} \u00b5m')
        return torch.sigmoid(self.head(self.last(torch.cat([up, skip], 1))))
