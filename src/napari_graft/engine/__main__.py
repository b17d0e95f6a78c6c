"""Run the working side: ``python -m napari_graft.engine``."""

from napari_graft.core.process import wait_without_spinning

wait_without_spinning()

from napari_graft.engine.worker import main  # noqa: E402 - it imports torch, which must find the above done

main()
