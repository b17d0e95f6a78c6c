"""What every source format keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_graft.exchange.formats import Format
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.sources.source import Source


class FormatContract:
    """Tests of a `Format`: set `format`, and let `source` be a fixture of a source of our own kind."""

    format: Format

    @pytest.fixture
    def source(self) -> Source:
        """Return a source to be written; override it."""
        raise NotImplementedError

    def test_its_endings_begin_with_a_dot(self) -> None:
        assert self.format.endings
        assert all(ending.startswith(".") for ending in self.format.endings)

    def test_what_it_writes_comes_back_with_the_same_weights(self, source: Source, tmp_path: Path) -> None:
        path, folder = tmp_path / f"written{self.format.endings[0]}", tmp_path / "again"
        folder.mkdir()
        self.format.write(source, path)

        assert self.format.recognises(path)
        again = self.format.import_source(path, folder, ImportOptions())
        before, after = source.load_weights(), again.load_weights()
        assert before.keys() == after.keys()
        for name, value in before.items():
            np.testing.assert_array_equal(value, after[name])
