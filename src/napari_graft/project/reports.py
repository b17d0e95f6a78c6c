"""What a training or a merge came to, as `train --json` and `merge --json` print it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_graft.merging.recipe import MergeRecipe


class TrainReport(BaseModel):
    """What a training did, by the keys of ``train --json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    run: str
    source: str
    n_tiles: int
    steps: int
    seconds: float
    device: str
    stopped_by: str
    validation: dict[str, float]
    kept: bool
    resumed: bool
    note: str = ""
    share: float | None = None
    choice: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``train --json``."""
        return self.model_dump()


class MergeReport(BaseModel):
    """What a merge did, and what its model is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    training: TrainReport
    recipe: MergeRecipe

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``merge --json``: those of a training, and what it is made of."""
        recipe = self.recipe
        return self.training.as_dict() | {
            "method": recipe.method,
            "sources": list(recipe.references),
            "shares": dict(zip(recipe.references, recipe.shares, strict=True)),
            "layers": [layer.model_dump(mode="json") for layer in recipe.layers],
        }
