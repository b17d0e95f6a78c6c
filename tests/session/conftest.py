from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tiny_loop import (  # noqa: F401 - fixtures
    _only_tiny_sources,
    eager_worker,
    image,
    labels,
    quick_training,
    sources,
)
