from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from tiny_loop import _only_tiny_sources, quick_training, sources  # noqa: F401 - fixtures
