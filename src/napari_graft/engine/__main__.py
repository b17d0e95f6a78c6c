"""Run the working side: ``python -m napari_graft.engine``."""

from napari_graft.engine.worker import main

main()
