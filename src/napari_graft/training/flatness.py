"""When a training no longer gets better on the held-out part."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.training.config import Moment

FEWEST_VALIDATIONS = 9
"""From so many looks at the held-out part on, their last third says something."""
FEWEST_STEPS = 100
"""Before so many steps a training has hardly begun, however slow the machine is."""


def is_flat(history: Sequence[Moment]) -> bool:
    """Say whether the loss on the held-out part has not improved over the last third of the looks at it.

    >>> losses = [0.9, 0.5, 0.4, 0.3, 0.3, 0.3, 0.31, 0.3, 0.32]
    >>> is_flat([Moment(20 * i, 0.0, None, loss) for i, loss in enumerate(losses)])
    True
    >>> is_flat([Moment(20 * i, 0.0, None, loss) for i, loss in enumerate([*losses[:-1], 0.29])])
    False
    """
    losses = [moment.held_out for moment in history if moment.held_out is not None]
    if len(losses) < FEWEST_VALIDATIONS or history[-1].step < FEWEST_STEPS:
        return False
    n_last = len(losses) // 3
    return min(losses[-n_last:]) >= min(losses[:-n_last])
