"""What is recorded of a pretraining: what a source was prepared on, its two curves, and its terms."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_OBJECTIVE = "masked"
OBJECTIVE_NAMES = (DEFAULT_OBJECTIVE, "moco", "dense")
"""Those of this program, for who cannot wait until all libraries are loaded."""
DEFAULT_REPLAY = ("generated", "distillation")
DEFAULT_SECONDS = 180.0


_CONFIG = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)


class PretrainMoment(BaseModel):
    """Losses of one cycle; None where there was no such step.

    Parameters
    ----------
    step, seconds
        Since the pretraining began.
    self_supervised, replay
        Means over the steps of the cycle.
    check
        Replay loss on patches that are the same each time, by which it is decided when to stop.
    """

    model_config = _CONFIG

    step: int
    seconds: float
    self_supervised: float | None = None
    replay: float | None = None
    check: float | None = None


class PretrainingRecord(BaseModel):
    """Record of a pretraining.

    Parameters
    ----------
    objective, replay
        Names of the self-supervised objective and of the replay streams.
    images
        The images that it was prepared on, by their paths.
    n_places
        Number of places that were read of them.
    n_labelled
        Annotated tiles that were replayed.
    best_step
        Step whose weights were kept.
    history
        The two curves.
    terms
        Of the source, which hold for the prepared one too: title, license, research_only, citation and
        data_origin.
    """

    model_config = _CONFIG

    objective: str
    replay: tuple[str, ...]
    images: tuple[str, ...] = ()
    n_places: int = Field(default=0, ge=0)
    n_labelled: int = Field(default=0, ge=0)
    best_step: int = Field(default=0, ge=0)
    history: tuple[PretrainMoment, ...] = ()
    terms: dict[str, str | bool] = Field(default_factory=dict)

    @property
    def curves(self) -> dict[str, tuple[float, ...]]:
        """The two curves by what they are of, without cycles in which nothing was measured.

        That of the replay is of patches that are the same each time.
        """
        values = {
            "without labels": [one.self_supervised for one in self.history],
            "replay": [one.check for one in self.history],
        }
        return {name: tuple(one for one in all_ if one is not None) for name, all_ in values.items()}

    def asks_the_same_as(self, other: PretrainingRecord) -> bool:
        """Say whether both are of the same objective, streams and images."""
        asked = ("objective", "replay", "images", "n_labelled")
        return all(getattr(self, name) == getattr(other, name) for name in asked)
