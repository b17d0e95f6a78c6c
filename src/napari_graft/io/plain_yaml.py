"""YAML that may come from anyone: plain values alone, each key once, and no more than is written there."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from napari_graft.core.errors import InputError

MAX_BYTES = 2**20
_MAX_DEPTH = 64
_MAX_NODES = 100_000
_CORE = "tag:yaml.org,2002:"


def check_yaml(text: bytes, title: str) -> None:
    """Refuse YAML that says more than its own words, before anything is made of it.

    Raises
    ------
    InputError
        If it is too large, no YAML, nested deep, gives a key twice, asks for objects by tags, or becomes
        immense where it refers to parts of itself (by aliases); `title` names it.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{title} has {len(text)} bytes where {MAX_BYTES} are allowed: not read")
    try:
        _check_events(text, title)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None and _written_out(root, {}, title) > _MAX_NODES:
            raise InputError(
                f"{title} refers to parts of itself (YAML aliases) until it has more than {_MAX_NODES} "
                "entries: not read"
            )
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{title} is not YAML: {_first_line(error)}") from None


def parse_yaml(text: bytes, title: str) -> object:
    """Return the value that a YAML text says.

    Raises
    ------
    InputError
        As for `check_yaml`, or if a date or a number in it is none.
    """
    check_yaml(text, title)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, AttributeError) as error:
        # Its readers of dates, numbers and sets fail in many ways on what only looks like one.
        raise InputError(f"{title} is not YAML: {_first_line(error)}") from None


def _check_events(text: bytes, title: str) -> None:
    """Walk through a text without building anything of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise InputError(f"{title} is nested more than {_MAX_DEPTH} deep: not read")
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in (
            "!",
            *(f"{_CORE}{name}" for name in ("str", "int", "float", "bool")),
        ):
            raise InputError(
                f"{title} asks for an object by the YAML tag {str(tag)[:60]!r}: write plain values instead"
            )


def _written_out(node: yaml.Node, known: dict[int, int], title: str) -> int:
    """Return the number of entries below a node; `known` holds those that were counted, by identity."""
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what a node that holds itself would come to
        if isinstance(node, yaml.MappingNode):
            _refuse_twice([key.value for key, _ in node.value], title)
        parts: list[Any] = node.value if isinstance(node, yaml.CollectionNode) else []
        flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_written_out(part, known, title) for part in flat)
    return known[id(node)]


def _refuse_twice(keys: list[Any], title: str) -> None:
    seen: set[Hashable] = set()
    for key in keys:
        if not isinstance(key, str):
            raise InputError(f"{title} has a list or a mapping for a key: give it a word")
        if key in seen and key != "<<":
            raise InputError(f"{title} gives {key[:60]!r} twice: leave one of them out")
        seen.add(key)


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" (line {mark.line + 1})"
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return " ".join(str(problem).split())[:200] + where
