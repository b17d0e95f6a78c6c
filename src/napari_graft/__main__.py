"""Run the command line as ``python -m napari_graft``."""

from napari_graft.cli import main

main()
