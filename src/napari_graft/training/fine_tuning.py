"""How a pretrained network is fine-tuned on few labels: the parts of the recipe, each off until it pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED
from napari_graft.training.auxiliary import Auxiliary, MeanTeacher, SourceDistance, sum_of
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example
from napari_graft.training.unlabelled import Images
from napari_graft.training.weight_averaging import SHARE_OF_RUN, Weights

FEWEST_STEPS, MOST_STEPS = 30, 5000


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Recipe by which a pretrained network is fine-tuned.

    Parameters
    ----------
    learning_rate
        Largest rate of the schedule, None for the usual one.
    frozen
        Beginnings of the names of weights that stay as they are, such as ``encoder``.
    source_pull
        Strength of the pull back to the weights of the start (`SourceDistance`), 0 for none.
    copy_paste
        Chance that a patch is given objects of another one, 0 to 1 (`napari_graft.training.copy_paste`).
    averaging
        Share of the run over which weights are averaged.
    teacher
        Weight of the agreement with the averaged network on unlabelled images (`MeanTeacher`), 0 for none.
    passes
        How often each labelled pixel is seen on average; the number of steps follows from it and from the
        labels, in place of that of the budget. None for the budget's.

    Raises
    ------
    InputError
        If a number makes no sense.
    """

    learning_rate: float | None = None
    frozen: tuple[str, ...] = ()
    source_pull: float = 0.0
    copy_paste: float = 0.0
    averaging: float = SHARE_OF_RUN
    teacher: float = 0.0
    passes: float | None = None

    def __post_init__(self) -> None:
        if any(one is not None and one <= 0 for one in (self.learning_rate, self.passes)):
            raise InputError("learning rate and passes must be positive: leave them out for the usual ones")
        if min(self.source_pull, self.teacher) < 0 or not 0 <= self.copy_paste <= 1:
            raise InputError("weights must not be negative, and the chance to paste lies between 0 and 1")

    def configure(self, config: TrainConfig, examples: Sequence[Example]) -> TrainConfig:
        """Return a configuration with these parts of it."""
        augmentation = replace(config.augmentation, copy_paste=self.copy_paste)
        steps = config.max_steps if self.passes is None else steps_for(examples, config, self.passes)
        return replace(
            config,
            learning_rate=self.learning_rate or config.learning_rate,
            frozen=self.frozen,
            averaging=self.averaging,
            augmentation=augmentation,
            max_steps=steps,
        )

    def auxiliary(self, start: Weights, unlabelled: Images, patch: tuple[int, ...]) -> Auxiliary | None:
        """Return what is added to the loss of every step, None for nothing.

        Parameters
        ----------
        start
            Weights of the pretrained network by name.
        unlabelled
            Images of the target for the teacher, on the grid of the network.
        patch
            Shape of a training patch.

        Raises
        ------
        InputError
            If a teacher is wanted and there is no image.
        """
        found: list[Auxiliary] = []
        if self.source_pull:
            found.append(SourceDistance(start, self.source_pull))
        if self.teacher:
            found.append(MeanTeacher(unlabelled, patch, self.teacher))
        return sum_of(found)


def steps_for(examples: Sequence[Example], config: TrainConfig, passes: float) -> int:
    """Return the number of steps after which each labelled pixel was seen so often, within limits.

    Parameters
    ----------
    examples
        Their pixels to train on count.
    config
        Says how many pixels a step sees.
    passes
        How often each is to be seen, on average.
    """
    n_labelled = sum(int(np.count_nonzero(one.train != UNLABELLED)) for one in examples)
    per_step = config.batch_size * float(np.prod(config.patch))
    return int(np.clip(round(passes * n_labelled / per_step), FEWEST_STEPS, MOST_STEPS))
