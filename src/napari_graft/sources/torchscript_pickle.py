"""The pickles in a TorchScript file, followed instruction by instruction without making any object of them.

torch reads them with a reader of its own, which runs no Python; but it believes what they say of the sizes of
tensors. So what they say is computed here first, and held against the bytes that are there.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from napari_graft.core.errors import InputError

_ITEM_BYTES = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
    "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
    "ComplexFloatStorage": 8, "ComplexDoubleStorage": 16,
}  # fmt: skip
_REBUILD = "torch._utils _rebuild_tensor_v2"
_KNOWN = frozenset(
    {_REBUILD, "collections OrderedDict", "torch device"}
    | {f"torch {name}" for name in _ITEM_BYTES}
    | {
        f"torch.jit._pickle {name}"
        for name in (
            "build_intlist",
            "build_tensorlist",
            "build_doublelist",
            "build_boollist",
            "restore_type_tag",
        )
    }
)
_MAX_DIMENSIONS = 64
_MAX_DEPTH = 256
_MAX_PARTS = 4_000_000


@dataclass(frozen=True, slots=True)
class _Name:
    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    n_items: int


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    parts: list[object]


_MARK = _Name("a mark")


def check_pickle(data: bytes, classes: Collection[str], sizes: Mapping[str, int], title: str) -> None:
    """Refuse a pickle that holds other instructions, classes or tensors than torch writes.

    Parameters
    ----------
    data
        The pickle.
    classes
        Names of the classes that the program's code defines, as ``__torch__.UNet``.
    sizes
        Numbers of bytes of the tensors' entries in the archive, by their names.
    title
        What errors call it.

    Raises
    ------
    InputError
        If it does.
    """
    machine = _Machine(classes, sizes)
    try:
        n_read = 0
        for n_read, (instruction, argument, place) in enumerate(pickletools.genops(data), 1):
            machine.run(instruction.name, argument, n_read)
            if instruction.name == "STOP" and place != len(data) - 1:
                raise ValueError("bytes after its end")
        _check_nesting(machine.stack[-1])
    except (ValueError, IndexError, TypeError, KeyError, RecursionError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{title} is damaged or holds what a network does not need ({reason}): not opened"
        ) from None


class _Machine:
    """Stack machine of the pickle; numbers, words and tuples are kept as they are."""

    def __init__(self, classes: Collection[str], sizes: Mapping[str, int]) -> None:
        self.classes, self.sizes = classes, sizes
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}

    def run(self, name: str, argument: object, n_read: int) -> None:
        if name in ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"):
            self.stack.append(argument)
        elif name in ("BINPUT", "LONG_BINPUT"):
            # torch makes room for all places below this one.
            if not isinstance(argument, int) or argument > n_read:
                raise ValueError(f"place {argument} after {n_read} instructions")
            self.memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            assert isinstance(argument, int)
            self.stack.append(self.memo[argument])
        elif name == "GLOBAL":
            self.stack.append(self._named(str(argument)))
        elif name not in ("PROTO", "STOP"):
            self._build(name)

    def _build(self, name: str) -> None:
        if name not in _BUILDERS:
            raise ValueError(f"the instruction {name}")
        _BUILDERS[name](self)

    def _named(self, text: str) -> _Name:
        if text not in _KNOWN and text.replace(" ", ".") not in self.classes:
            raise ValueError(f"the name {text!r}")
        return _Name(text)

    def pop(self, n: int = 1) -> tuple[object, ...]:
        """Take the last n values."""
        taken = tuple(self.stack.pop() for _ in range(n))
        if _MARK in taken:
            raise ValueError("a mark where a value is due")
        return taken[::-1]

    def pop_to_mark(self) -> tuple[object, ...]:
        """Take all values down to the last mark, and the mark."""
        taken: list[object] = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return tuple(reversed(taken))

    def storage(self) -> None:
        """Make a storage of what the pickle says of it, if it is all in the archive."""
        (said,) = self.pop()
        if not isinstance(said, tuple) or len(said) != 5:
            raise ValueError(f"a tensor of {said!r}")
        word, kind, key, _, n_items = said
        if word != "storage" or not isinstance(kind, _Name) or not isinstance(n_items, int) or n_items < 0:
            raise ValueError(f"a tensor of {said!r}")
        n_bytes = n_items * _ITEM_BYTES[kind.text.removeprefix("torch ")]
        if not isinstance(key, str) or self.sizes.get(key, 0) < n_bytes:
            raise ValueError(f"tensor {key!r} has fewer than the {n_bytes} bytes that are said")
        self.stack.append(_Storage(n_items))

    def fill(self, parts: tuple[object, ...]) -> None:
        """Put values into the list, dictionary or object that is last."""
        target = self.stack[-1]
        if not isinstance(target, _Object):
            raise ValueError("values for what holds none")
        target.parts.extend(parts)

    def call(self) -> None:
        """Call what is named: tensors are looked at, all else is an object of no interest."""
        function, arguments = self.pop(2)
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of what has no name")
        if function.text == _REBUILD:
            _check_tensor(arguments)
        if function.text == "torch.jit._pickle restore_type_tag":
            _check_type(arguments, self.classes)
        self.stack.append(_Object(list(arguments)))


def _check_nesting(root: object) -> None:
    """Refuse what holds itself, is nested deep or is immense when written out: torch walks through it."""
    sizes: dict[int, tuple[int, int]] = {}  # by identity: how many parts, how deep
    open_ids: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting[-1]
        parts = _parts_of(value)
        new = [part for part in parts if _parts_of(part) and id(part) not in sizes]
        if id(value) not in open_ids:
            open_ids.add(id(value))
            if any(id(part) in open_ids for part in new):
                raise ValueError("something that holds itself")
            waiting += new
            continue
        waiting.pop()
        known = [sizes.get(id(part), (1, 0)) for part in parts]
        sizes[id(value)] = (
            1 + sum(size for size, _ in known),
            1 + max((depth for _, depth in known), default=0),
        )
        if sizes[id(value)][0] > _MAX_PARTS or sizes[id(value)][1] > _MAX_DEPTH:
            raise ValueError("more or deeper parts than any network has")


def _parts_of(value: object) -> Sequence[object]:
    if isinstance(value, _Object):
        return value.parts
    return value if isinstance(value, tuple) else ()


def _check_tensor(arguments: tuple[object, ...]) -> None:
    """Refuse a tensor that reaches beyond its storage: torch would read and write what lies there."""
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(storage, _Storage) or not isinstance(offset, int) or offset < 0:
        raise ValueError("a tensor without its numbers")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
        raise ValueError(f"a tensor of shape {shape}")
    lengths = [n for n in (*shape, *strides) if isinstance(n, int) and n >= 0]
    if len(lengths) != 2 * len(shape) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"a tensor of shape {shape} and strides {strides}")
    n_items = prod(lengths[: len(shape)])
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    # No larger than its storage either: an expanded tensor is written out whole by whatever copies it.
    if n_items > max(storage.n_items, 1) or (n_items and last >= storage.n_items):
        raise ValueError(f"a tensor of shape {shape} in {storage.n_items} numbers")
    if not n_items and max(lengths, default=0) > storage.n_items + 2**31:
        raise ValueError(f"a tensor of shape {shape}")


def _check_type(arguments: tuple[object, ...], classes: Collection[str]) -> None:
    text = arguments[1]
    if not isinstance(text, str) or re.fullmatch(r"[\w\[\], .]{0,2000}", text, re.ASCII) is None:
        raise ValueError(f"the type {text!r}")
    for name in re.findall(r"__torch__[\w.]*", text):
        if name not in classes:
            raise ValueError(f"the type {text!r}")


def _put(value: object) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(value)


def _tuple_of(n: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.pop(n))


def _make_object(machine: _Machine) -> None:
    made, arguments = machine.pop(2)
    if not isinstance(made, _Name) or made.text.replace(" ", ".") not in machine.classes or arguments != ():
        raise ValueError("an object of what is no class")
    machine.stack.append(_Object([]))


_BUILDERS: dict[str, Callable[[_Machine], object]] = {
    "NONE": _put(None),
    "NEWTRUE": _put(True),
    "NEWFALSE": _put(False),
    "MARK": _put(_MARK),
    "EMPTY_TUPLE": _put(()),
    "EMPTY_LIST": lambda machine: machine.stack.append(_Object([])),
    "EMPTY_DICT": lambda machine: machine.stack.append(_Object([])),
    "TUPLE": lambda machine: machine.stack.append(machine.pop_to_mark()),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": lambda machine: machine.fill(machine.pop(1)),
    "APPENDS": lambda machine: machine.fill(machine.pop_to_mark()),
    "SETITEM": lambda machine: machine.fill(machine.pop(2)),
    "SETITEMS": lambda machine: machine.fill(machine.pop_to_mark()),
    "BUILD": lambda machine: machine.fill(machine.pop(1)),
    "NEWOBJ": _make_object,
    "REDUCE": _Machine.call,
    "BINPERSID": _Machine.storage,
}
