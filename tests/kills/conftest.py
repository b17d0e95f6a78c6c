from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).parent),
    *(str(Path(__file__).parents[1] / n) for n in ("session", "bridging")),
]

from tiny_loop import _only_tiny_sources, image, labels, sources  # noqa: E402, F401 - fixtures, after the path
