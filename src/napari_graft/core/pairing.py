"""Numbered files: in the order of their numbers, and images with the labels of the same number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from napari_graft.core.errors import InputError

Key = tuple[int | str, ...]

_DIGITS = re.compile(r"(\d+)")
_WILDCARD = re.compile(r"\*\*/?|\*|\?|\[!?\]?[^\]]*\]")
_WILDCARDS = re.compile(rf"((?:{_WILDCARD.pattern})+)")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class FileSeries:
    """Files that a pattern names.

    Parameters
    ----------
    pattern
        As for a shell: ``*``, ``?``, ``[0-9]``, with ``/`` between folders.
    names
        The files that match, spelled as the pattern is.
    """

    pattern: str
    names: tuple[str, ...]


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts digits as numbers: ``image_2`` before ``image_10``.

    Examples
    --------
    >>> sorted(["b10", "b2", "a3"], key=natural_key)
    ['a3', 'b2', 'b10']
    """
    parts = _DIGITS.split(name)
    return tuple((0, int(part), part) if i % 2 else (1, 0, part) for i, part in enumerate(parts))


def pair_files(images: FileSeries, labels: FileSeries) -> list[tuple[str, str]]:
    """Return each image with its labels, in the order of the numbers in the image's name.

    Two files belong together where the patterns' wildcards stand for the same text, digits read as numbers
    (``image_1`` and ``labels_01``); where no two do, where the one number that varies within each series is
    the same. Images that the pattern of the labels names too are labels.

    Raises
    ------
    InputError
        If no file matches, one has no partner or several, or nothing tells which belong together.
    """
    found = set(labels.names)
    images = FileSeries(images.pattern, tuple(name for name in images.names if name not in found))
    for series in (images, labels):
        if not series.names:
            raise InputError(f"no file matches {series.pattern!r}: check the pattern")
    if len(images.names) == len(labels.names) == 1:
        return [(images.names[0], labels.names[0])]
    for keys_of in (_text_keys, _number_keys):
        image_keys, label_keys = keys_of(images), keys_of(labels)
        if set(image_keys.values()) & set(label_keys.values()):
            return _matched(image_keys, label_keys)
    raise InputError(
        f"{images.pattern!r} names {_some(images.names)} and {labels.pattern!r} {_some(labels.names)}: "
        "nothing in their names tells which belong together; number both alike"
    )


def _matched(images: dict[str, Key], labels: dict[str, Key]) -> list[tuple[str, str]]:
    for keys in (images, labels):
        counts = Counter(keys.values())
        same = [name for name, key in keys.items() if counts[key] > 1]
        if same:
            raise InputError(f"{_some(same)} bear the same number: give each image one file of its own")
    partner = {key: name for name, key in labels.items()}
    alone = [name for name, key in images.items() if key not in partner]
    wanted = set(images.values())
    alone += [name for name, key in labels.items() if key not in wanted]
    if alone:
        raise InputError(
            f"{len(images)} images and {len(labels)} label files do not pair up: {_some(alone)} "
            f"{'has' if len(alone) == 1 else 'have'} no partner; add the missing files, or take these out"
        )
    return [(name, partner[images[name]]) for name in sorted(images, key=natural_key)]


def _text_keys(series: FileSeries) -> dict[str, Key]:
    """Return the text of the wildcards for each file, digits as numbers."""
    parts = {
        name: [part for text in texts for part in (*_DIGITS.split(text), "/")]
        for name, texts in _wildcard_texts(series).items()
    }
    return {
        name: tuple(int(part) if part.isdecimal() else part for part in own if part)
        for name, own in parts.items()
    }


def _number_keys(series: FileSeries) -> dict[str, Key]:
    """Return the number that varies within the series for each file; nothing where it is not exactly one.

    With two of them, place and time for example, their order in the names of the other series may differ.
    """
    found = {
        name: [int(digits) for text in texts for digits in _DIGITS.findall(text)]
        for name, texts in _wildcard_texts(series).items()
    }
    if len({len(numbers) for numbers in found.values()}) != 1:
        return {}
    varying = [i for i, column in enumerate(zip(*found.values(), strict=True)) if len(set(column)) > 1]
    return {name: (numbers[varying[0]],) for name, numbers in found.items()} if len(varying) == 1 else {}


def _wildcard_texts(series: FileSeries) -> dict[str, tuple[str, ...]]:
    regex = _as_regex(series.pattern)
    matches = {name: regex.fullmatch(name) for name in series.names}
    return {name: match.groups() if match else (PurePosixPath(name).stem,) for name, match in matches.items()}


def _as_regex(pattern: str) -> re.Pattern[str]:
    """Return the pattern as a regular expression with a group for each run of wildcards."""
    parts = _WILDCARDS.split(pattern)
    return re.compile(
        "".join(_group(part) if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.S
    )


def _group(wildcards: str) -> str:
    return f"({''.join(_one(wildcard) for wildcard in _WILDCARD.findall(wildcards))})"


def _one(wildcard: str) -> str:
    if wildcard.startswith("**"):
        return ".*?"
    if wildcard in "*?":
        return "[^/]*" if wildcard == "*" else "[^/]"
    inside = wildcard[1:-1].replace("\\", r"\\")
    return f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"


def _some(names: Sequence[str]) -> str:
    """Return a few of the names in quotes, and how many more there are."""
    shown = ", ".join(repr(PurePosixPath(name).name) for name in sorted(names, key=natural_key)[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
