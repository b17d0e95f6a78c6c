"""The command line: thin commands over the session; no napari and no Qt."""

from napari_graft.cli.app import main

__all__ = ["main"]
