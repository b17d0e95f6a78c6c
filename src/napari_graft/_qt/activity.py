"""Show jobs in napari's activity dock as well."""

from __future__ import annotations

from napari.utils import progress

from napari_graft.workbench.jobs import Job

_STEPS = 100


def show_in_activity(job: Job[object]) -> None:
    """Show a job in the activity dock until it ends."""
    bar = progress(total=_STEPS, desc=job.state.title)

    def advance(fraction: float | None) -> None:
        if fraction is not None:
            bar.update(round(_STEPS * fraction) - bar.n)

    def close() -> None:
        bar.close()

    job.state.events.fraction.connect(advance)
    job.ended.connect(close)
