"""Choose the device, the number type that is fast on it, and how many workers share its threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from napari_graft.core.errors import InputError

LARGEST_WORKERS = 4
"""Each worker holds a block, or a network, in memory."""


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If the device is unknown, or ``cuda`` is asked for and there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {name!r} is unknown: use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' was asked for but no GPU is usable here: use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _has_fast_bfloat16() -> bool:
    # oneDNN has matrix units for bfloat16 only where the processor has AMX; elsewhere it would be emulated.
    return hasattr(torch.cpu, "get_capabilities") and bool(torch.cpu.get_capabilities().get("amx_bf16"))


def mixed_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return a context in which convolutions run in bfloat16 where the device is faster with it."""
    enabled = device.type == "cuda" or _has_fast_bfloat16()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def count_workers(n_items: int) -> int:
    """Return how many workers suit torch's number of threads."""
    return max(1, min(torch.get_num_threads(), n_items, LARGEST_WORKERS))


@contextlib.contextmanager
def share_threads(n_workers: int) -> Iterator[None]:
    """Let each of the workers use its share of torch's threads.

    A worker for each core, with one thread for its network and for its decoding, keeps all cores busy
    whichever of the two takes longer. Two threads on one network wait for each other at every layer, and the
    more the busier the machine is.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // n_workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)
