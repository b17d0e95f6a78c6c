"""Named collections of interchangeable parts, such as strategies and scorers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from napari_graft.core.errors import InputError

T = TypeVar("T")


class Registry(Generic[T]):
    """Keep parts of one kind by name, in the order in which they were registered."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._items: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that stores a part under `name`.

        Raises
        ------
        ValueError
            If the name is taken: a second part would silently replace the first.
        """

        def store(item: T) -> T:
            if name in self._items:
                raise ValueError(f"a {self._kind} named {name!r} is registered already")
            self._items[name] = item
            return item

        return store

    def __getitem__(self, name: str) -> T:
        try:
            return self._items[name]
        except KeyError:
            raise InputError(
                f"no {self._kind} is called {name!r}: choose one of {', '.join(self._items)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return name in self._items
