"""Find out what a worker process computes on."""

from __future__ import annotations

from typing import ClassVar

from napari_graft.jobs.base import Answer, Job, Request, Work


class Device(Answer):
    """What a worker process computes on.

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


class DeviceRequest(Request[Device]):
    """What is asked of a worker: what it computes on.

    Parameters
    ----------
    device
        ``auto``, ``cpu`` or ``cuda``.
    """

    kind: ClassVar[str] = "device"

    device: str = "auto"


def _find_device(request: DeviceRequest, work: Work) -> Device:
    import torch

    from napari_graft.nets.device import choose_device

    device, n_cores = choose_device(request.device), torch.get_num_threads()
    if device.type == "cpu":
        return Device(name="CPU", is_gpu=False, n_cores=n_cores)
    found = torch.cuda.get_device_properties(device)
    return Device(name=found.name, is_gpu=True, n_cores=n_cores, memory_mb=found.total_memory / 2**20)


JOB = Job(
    DeviceRequest, Device, _find_device, title="Looking for a graphics card", access="none", lane="short"
)
