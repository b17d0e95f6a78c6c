"""What to tell of pixels that hold no data."""

from __future__ import annotations


def note_of_no_data(value: float | None) -> tuple[str, ...]:
    """Return what becomes of pixels of the value that stands for no data, nothing where none does.

    >>> note_of_no_data(-9999)[0][:50]
    'the file says that -9999 stands for no data: such '
    """
    if value is None:
        return ()
    return (
        f"the file says that {value:.9g} stands for no data: such pixels count neither for the grey "
        "range nor for local contrast. Objects may still be found where they lie: crop them away, or leave "
        "such objects out of account",
    )
