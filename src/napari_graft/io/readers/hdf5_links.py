"""Datasets of an HDF5 file, also those behind links, and links that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    import h5py

MIN_NDIM = 2
_MOST = 10_000
"""Names that are looked at: a file of more is a store of something else."""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link that leads nowhere.

    Parameters
    ----------
    name
        Path of the link in the file.
    target
        The place that it leads to.
    file
        The other file that it leads to, None where the place is in the same file.
    """

    name: str
    target: str
    file: str | None = None

    def __str__(self) -> str:
        if self.file is None:
            return f"/{self.name} is a link to {self.target}, which leads nowhere"
        return (
            f"/{self.name} is a link to {self.target} of the file {self.file}, which is missing or lacks it"
        )


def is_image(node: object) -> TypeGuard[h5py.Dataset]:
    """Say whether what a name stands for has pixels: a dataset of two or more axes."""
    import h5py

    return isinstance(node, h5py.Dataset) and node.shape is not None and node.ndim >= MIN_NDIM


def list_images(file: h5py.File) -> tuple[dict[str, h5py.Dataset], list[DeadLink]]:
    """Return the datasets of two or more axes by path, without slash at the start, and the dead links."""
    images, dead = {}, []
    for name, node in _walk(file):
        if isinstance(node, DeadLink):
            dead.append(node)
        elif is_image(node):
            images[name] = node
    return images, dead


def node_at(file: h5py.File, name: str) -> object:
    """Return what a path leads to: a group, a dataset, a `DeadLink` on the way, None where nothing is."""
    import h5py

    node: object = file
    parts = [part for part in name.split("/") if part]
    for i, part in enumerate(parts):
        if not isinstance(node, h5py.Group) or node.get(part, getlink=True) is None:
            return None
        node = _follow(node, part, "/".join(parts[: i + 1]))
        if isinstance(node, DeadLink):
            return node
    return node


def _walk(file: h5py.File) -> Iterator[tuple[str, object]]:
    """Yield what all paths lead to, but groups; a group is entered once, by whatever links it is reached."""
    import h5py

    seen, groups, n = {_identity(file)}, [("", file)], 0
    while groups:
        prefix, group = groups.pop(0)
        for key in group:
            n += 1
            if n > _MOST:
                return
            name = f"{prefix}{key}"
            node = _follow(group, key, name)
            if not isinstance(node, h5py.Group):
                yield name, node
            elif _identity(node) not in seen:
                seen.add(_identity(node))
                groups.append((f"{name}/", node))


def _identity(group: h5py.Group) -> tuple[str, int]:
    import h5py

    return str(group.file.filename), int(h5py.h5o.get_info(group.id).addr)


def _follow(group: h5py.Group, key: str, name: str) -> object:
    """Return what is behind a name, a `DeadLink` where that is nothing."""
    import h5py

    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        dead = DeadLink(name, link.path, link.filename)
        if not (Path(group.file.filename).parent / link.filename).is_file():  # a pipe would be waited for
            return dead
    elif isinstance(link, h5py.SoftLink):
        dead = DeadLink(name, link.path)
    else:
        return group[key]
    try:
        return group[key]
    except (KeyError, OSError, RuntimeError):
        return dead
