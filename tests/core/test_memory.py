from __future__ import annotations

import sys

import numpy as np
import pytest

from napari_graft.core.process import resident_megabytes


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell")
def test_memory_that_is_taken_is_counted() -> None:
    before = resident_megabytes()
    held = np.ones(64 * 2**20, np.uint8)
    after = resident_megabytes()

    assert before is not None
    assert after is not None
    assert held.all()
    assert 48 < after - before < 96
