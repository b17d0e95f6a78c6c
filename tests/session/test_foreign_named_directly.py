"""A network of a stranger that is named by its path runs in confinement first."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.session import models
from napari_graft.sources.source import Source
from napari_graft.sources.torchscript import TENSOR


class _LoadedError(Exception):
    pass


class _Spec:
    is_trainable = False


class _Card:
    spec, weights_sha256 = _Spec(), "a" * 64


class _Stranger:
    id, card = "theirs", _Card()

    def __init__(self, origin: str) -> None:
        self.origin, self.path = origin, Path("theirs.graftsource")

    def load_weights(self) -> dict[str, bytes]:
        return {TENSOR: b""}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what is tried, in a process that has tried nothing yet; nothing is loaded."""
    found: list[object] = []

    def load(*_: object) -> None:
        raise _LoadedError

    monkeypatch.setattr(models, "_tried", set())
    monkeypatch.setattr(models, "try_source", lambda source, cancel: found.append(source))
    monkeypatch.setattr(models, "load_network", load)
    return found


def load(stranger: object) -> None:
    assert isinstance(stranger, _Stranger)
    source: Source = stranger  # type: ignore[assignment]
    models.model_of_source(source)


def test_a_network_named_by_its_path_is_tried_once_before_it_is_loaded(tried: list[object]) -> None:
    stranger = _Stranger("file")
    for _ in range(2):
        with pytest.raises(_LoadedError):
            load(stranger)
    assert tried == [stranger]


def test_one_that_was_added_was_tried_then(tried: list[object]) -> None:
    with pytest.raises(_LoadedError):
        load(_Stranger("user"))
    assert tried == []


def test_one_that_is_refused_is_never_loaded(monkeypatch: pytest.MonkeyPatch, tried: list[object]) -> None:
    def refuse(*_: object) -> None:
        raise InputError("'theirs' cannot be used: it writes")

    monkeypatch.setattr(models, "try_source", refuse)
    for _ in range(2):
        with pytest.raises(InputError, match="it writes"):
            load(_Stranger("file"))
