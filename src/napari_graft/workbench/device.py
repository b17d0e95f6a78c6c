"""Where trainings run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """Describe what a worker process computes on.

    Parameters
    ----------
    name
        Name of the GPU, or ``"CPU"``.
    is_gpu
        Whether it is a GPU.
    n_cores
        Cores of the processor that the worker uses.
    memory_mb
        Memory of the GPU, in MiB, None for a CPU.
    """

    name: str
    is_gpu: bool
    n_cores: int
    memory_mb: float | None = None
