"""Words that must fit into a place."""

from __future__ import annotations


def shorten(words: str, longest: int) -> str:
    """Return words of at most `longest` characters, an ellipsis where some had to go.

    The end stays: titles of related sources often differ there.

    >>> shorten("Nuclei of mouse embryos, confocal, in 3-D", 24)
    'Nuclei of mouse e…in 3-D'
    """
    if len(words) <= longest:
        return words
    n_last = longest // 4
    return f"{words[: longest - n_last - 1]}…{words[len(words) - n_last :]}"
