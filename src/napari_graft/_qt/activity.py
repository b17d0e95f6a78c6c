"""Show jobs in napari's activity dock as well."""

from __future__ import annotations

from napari.utils import cancelable_progress

from napari_graft.workbench.jobs import RunningJob

_STEPS = 100


class _JobBar(cancelable_progress):
    """A bar whose button stops the job."""

    def __init__(self, job: RunningJob[object]) -> None:
        self._job = job
        super().__init__(total=_STEPS, desc=job.state.title)

    def cancel(self) -> None:
        super().cancel()
        self._job.cancel()


def show_in_activity(job: RunningJob[object]) -> None:
    """Show a job in the activity dock, where it can be stopped, until it ends."""
    bar = _JobBar(job)

    def advance(fraction: float | None) -> None:
        # Each update lets napari go through all that waits for the window, in the midst of what goes on here.
        if fraction is not None and (n_new := round(_STEPS * fraction) - bar.n):
            bar.update(n_new)

    def close() -> None:
        bar.close()

    job.state.events.fraction.connect(advance)
    job.ended.connect(close)
