"""Which of several segmentations the user preferred so far, in words."""

from __future__ import annotations

from collections.abc import Iterable

from napari_graft.project.votes import Vote


def preference_words(votes: Iterable[Vote], reference: str) -> str:
    """Say how often a source or run was preferred of the times it was compared; empty where it never was.

    >>> from napari_graft.core.tile import Tile
    >>> tile = Tile((0, 0), (8, 8))
    >>> votes = [Vote("run 0002", ("fly",), tile, "Ada"), Vote("fly", ("run 0002",), tile, "Ada")]
    >>> preference_words(votes, "run 0002")
    'preferred 1 of 2 times'
    """
    took_part = [vote for vote in votes if reference in (vote.winner, *vote.others)]
    if not took_part:
        return ""
    n_won = sum(vote.winner == reference for vote in took_part)
    return f"preferred {n_won} of {len(took_part)} {'time' if len(took_part) == 1 else 'times'}"
