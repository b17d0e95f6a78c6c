"""Run the benchmark ``responsiveness``.

``python -m napari_graft._qt.measuring OUT [--quick] [--overwrite]``
"""

from __future__ import annotations

import sys
from pathlib import Path

from napari_graft._qt.measuring.responsiveness import run_responsiveness
from napari_graft.io.writers.outputs import Outputs

outputs = Outputs(may_overwrite="--overwrite" in sys.argv)
run_responsiveness(Path(sys.argv[1]), quick="--quick" in sys.argv, outputs=outputs)
