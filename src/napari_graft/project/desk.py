"""The window state of a project: where a person was, to go on there."""

from __future__ import annotations

from pydantic import ConfigDict, Field, model_validator

from napari_graft.core.labels import FIRST_OBJECT
from napari_graft.core.tile import Tile
from napari_graft.sources.document import Document


class WindowState(Document):
    """Window state of a project; all of it can be lost without harm.

    A field of a later version is passed over, so that an earlier version still finds the others.

    Parameters
    ----------
    tab
        Name of the tab.
    start, shape
        The tile that was shown, None where there was none.
    layer
        Name of the image layer, empty where it is not known.
    label
        The label that was painted with, in the annotation convention.
    brush
        Diameter of the brush, in pixels of the image.
    sparse
        Whether strokes were painted rather than whole tiles.
    visible
        Whether layers were shown, by their role, with the kind or the run where there are several.
    budget, minutes
        How many tiles were to be painted in all, and how long a training was to take; None where not known.
    tile_side
        Side of the tiles to suggest, in pixels; None where not known.
    """

    model_config = ConfigDict(extra="ignore")

    tab: str = "data"
    start: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    layer: str = ""
    label: int = Field(default=FIRST_OBJECT, ge=0, lt=2**32)
    brush: float = Field(default=10.0, gt=0, lt=float("inf"))
    sparse: bool = False
    visible: dict[str, bool] = Field(default_factory=dict)
    budget: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0, lt=float("inf"))
    tile_side: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> WindowState:
        if (self.start is None) != (self.shape is None):
            raise ValueError("a tile has a start and a shape")
        if self.start is not None and self.shape is not None:
            Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile | None:
        """The tile that was shown."""
        return None if self.start is None or self.shape is None else Tile(self.start, self.shape)
