"""The command line: thin commands over the session; no napari and no Qt."""

from __future__ import annotations

__all__ = ["main"]

TYPE_CHECKING = False  # as of `typing`, which takes long to load
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the program; see `run` in `app` for its exit codes."""
    from napari_graft.cli.ending import end_when_asked_to

    # Before anything is imported that takes long: Ctrl+C while Python loads libraries is no traceback.
    end_when_asked_to()
    from napari_graft.cli.app import run_and_exit

    run_and_exit(arguments)
