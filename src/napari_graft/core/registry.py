"""Named collections of interchangeable parts, such as strategies and scorers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from napari_graft.core.errors import InputError

T = TypeVar("T")


class Registry(Generic[T]):
    """Parts of one kind by name, in the order in which they were registered.

    Parameters
    ----------
    kind
        What they are, in words for the user.
    more
        Returns further parts, those of plugins; asked once, when a part is first looked up. Where a name is
        taken already, that part stays.
    """

    def __init__(self, kind: str, more: Callable[[], Mapping[str, object]] | None = None) -> None:
        self._kind = kind
        self._items: dict[str, T] = {}
        self._more = more

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
            return self._all[name]
        except KeyError:
            raise InputError(
                f"no {self._kind} is called {name!r}: choose one of {', '.join(self._all)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._all

    @property
    def _all(self) -> dict[str, T]:
        if self._more is not None:
            more, self._more = self._more, None
            for name, part in more().items():
                self._items.setdefault(name, part)  # type: ignore[arg-type]  # whoever wrote the plugin says so
        return self._items
