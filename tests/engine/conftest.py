from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "session")]

from tiny_loop import (  # noqa: E402, F401 - fixtures, after the path
    _only_tiny_sources,
    eager_worker,
    image,
    labels,
    quick_training,
    sources,
)
