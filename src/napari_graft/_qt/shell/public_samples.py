"""File ▸ Open Sample, for the public images: fetched in the background, shown when they are there.

napari lets a sample be an address that a reader opens, and lets a reader answer that there is nothing to add
just now. So the menu returns at once, and the layers follow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari import current_viewer
from napari.layers import Layer
from napari.utils.notifications import show_error, show_info

from napari_graft._napari.sample_data import public_layers
from napari_graft._qt.shell.event_loop import Bridge
from napari_graft._qt.shell.job_strip import show_in_activity
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.samples.public import PublicSample, public_sample
from napari_graft.session.projects.public_samples import PublicImage, fetch_sample, samples_folder
from napari_graft.workbench.jobs import JobRunner, RunningJob

if TYPE_CHECKING:
    from napari import Viewer


ADDRESS = "napari-graft://samples/"
NOTHING_YET: list[tuple[None]] = [(None,)]

_under_way: set[str] = set()
"""Keys of the images that are being fetched: two downloads would write to one file."""


def get_reader(path: str | list[str]) -> Callable[[str], list[tuple[None]]] | None:
    """Return the function that asks for a public image, None for what is not the address of one."""
    return read_sample if isinstance(path, str) and path.startswith(ADDRESS) else None


def read_sample(address: str) -> list[tuple[None]]:
    """Begin to fetch a public image into the current viewer, and say that there are no layers yet.

    Raises
    ------
    InputError
        If there is no such image, or no window.
    """
    sample = public_sample(address.removeprefix(ADDRESS))
    viewer = current_viewer()
    if viewer is None:
        raise InputError(f"the sample {sample.key!r} is added to a window of napari: open one first")
    fetch_into(viewer, sample, samples_folder())
    return NOTHING_YET


def fetch_into(viewer: Viewer, sample: PublicSample, folder: Path) -> RunningJob[PublicImage] | None:
    """Fetch a public image in the background and add its layers; None where it is being fetched already.

    The activity dock shows how far it is and lets the user stop it; closing the window stops it as well.
    """
    if sample.key in _under_way:
        show_info(f"{sample.title} is on its way already.")
        return None
    _under_way.add(sample.key)
    jobs = JobRunner(Bridge().deliver)

    def task(report: Report, cancel: CancelToken) -> PublicImage:
        return fetch_sample(sample, folder, report=report, cancel=cancel)

    def add(content: PublicImage) -> None:
        for layer in public_layers(sample, content):
            viewer.add_layer(Layer.create(*layer))

    def leave() -> None:
        _under_way.discard(sample.key)
        jobs.close()

    def end(job: RunningJob[object]) -> None:
        leave()
        if job.state.status == "failed":
            show_error(f"{sample.title} could not be opened: {job.state.error}")

    jobs.started.connect(show_in_activity)
    jobs.ended.connect(end)
    viewer.window._qt_window.destroyed.connect(leave)  # napari offers no public way to its window
    return jobs.start(f"Fetching {sample.title}", task, lane="files", on_done=add)
