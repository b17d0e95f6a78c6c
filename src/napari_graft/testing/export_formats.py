"""What every export format keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken
from napari_graft.io import Volume
from napari_graft.session.exporting.task import ExportFormat, ExportTask


class ExportFormatContract:
    """Tests of an `ExportFormat` of objects: set `format`."""

    format: ExportFormat

    def write(self, labels: NDArray[np.integer], out: Path, cancel: CancelToken | None = None) -> int | None:
        """Write labels of 4 nm pixels as the format does."""
        found = Volume(labels, Axes(("z", "y", "x"), (4.0, 4.0, 4.0)))
        return self.format.write(ExportTask(found, cancel=cancel or CancelToken()), out)

    def test_its_endings_begin_with_a_dot(self) -> None:
        assert self.format.endings
        assert all(ending.startswith(".") for ending in self.format.endings)

    def test_it_writes_what_it_is_told_and_tells_how_many_objects_that_are(self, tmp_path: Path) -> None:
        labels = np.zeros((4, 12, 12), np.uint32)
        labels[0:2, 0:5, 0:5], labels[1:4, 6:12, 6:12] = 5, 70_000
        out = tmp_path / f"written{self.format.endings[0]}"

        assert self.write(labels, out) == 2
        assert [one.name for one in tmp_path.iterdir()] == [out.name]

    def test_no_object_is_no_error(self, tmp_path: Path) -> None:
        assert self.write(np.zeros((4, 12, 12), np.uint8), tmp_path / f"a{self.format.endings[0]}") == 0

    def test_what_it_writes_is_known_again_and_another_file_is_not(self, tmp_path: Path) -> None:
        if self.format.kind is None:
            return  # zarr folders are known by a mark of their own
        out, foreign = tmp_path / f"a{self.format.endings[0]}", tmp_path / f"b{self.format.endings[0]}"
        self.write(np.ones((4, 12, 12), np.uint8), out)
        foreign.write_text("of somebody else")
        kind = self.format.kind(ExportTask())

        assert kind.is_ours(out)
        assert not kind.is_ours(foreign)

    def test_it_stops_when_asked_to(self, tmp_path: Path) -> None:
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            self.write(np.ones((4, 12, 12), np.uint8), tmp_path / f"a{self.format.endings[0]}", token)
