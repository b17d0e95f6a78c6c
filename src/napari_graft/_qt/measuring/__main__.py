"""Run the benchmark ``responsiveness``: ``python -m napari_graft._qt.measuring OUT [--quick]``."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_graft._qt.measuring.responsiveness import run_responsiveness

run_responsiveness(Path(sys.argv[1]), quick="--quick" in sys.argv)
