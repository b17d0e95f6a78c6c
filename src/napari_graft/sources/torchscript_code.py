"""The code in a TorchScript file: read by Python's grammar, held to what a network needs, written anew.

TorchScript is written in a small part of Python's grammar, but torch reads it with a parser of its own. So
that both cannot read one text in two ways, the text that torch is given is never the one that came: it is
written again from the tree that was checked, in plain ASCII, without comments, and with plain words alone in
its strings.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from napari_graft.core.errors import InputError
from napari_graft.sources.torchscript_operators import ATEN, PRIM

_NODES = (
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.Return,
    ast.If, ast.For, ast.While, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.Call, ast.keyword,
    ast.Attribute, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.Slice,
    ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.expr_context, ast.operator, ast.unaryop,
    ast.boolop, ast.cmpop,
)  # fmt: skip
_BASES = frozenset({"Module", "NamedTuple"})
_FUNCTIONS = frozenset({
    "annotate", "unchecked_cast", "uninitialized", "getattr", "range", "len", "int", "float", "bool", "str",
    "min", "max", "abs", "isinstance",
})  # fmt: skip
_TYPES = frozenset({
    "Tensor", "List", "Tuple", "Dict", "Optional", "Union", "Any", "Final", "NoneType", "int", "float",
    "bool", "str", "complex", "number", "Device", "Layout", "ScalarType", "Module", "NamedTuple", "inf",
    "nan", "__annotations__", "op_version_set",
})  # fmt: skip
_OPERATORS = {"aten": ATEN, "prim": PRIM}
_ROOTS = frozenset({"torch", "ops", "__torch__", "CONSTANTS"})
_WHILE_LOADING = frozenset({"__setstate__", "__getstate__"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
_PLAIN_TEXT = re.compile(r"""[^ !#-&(-\[\]-~]""")
_LARGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class Definitions:
    """The full names of what the code of a program defines, as ``__torch__.models.UNet``."""

    classes: frozenset[str]
    functions: frozenset[str]


def read_definitions(files: Mapping[str, str], title: str) -> Definitions:
    """Return what code defines, by the names of its files below ``code``.

    Raises
    ------
    InputError
        If a file cannot be parsed.
    """
    found: dict[type[ast.stmt], set[str]] = {ast.ClassDef: set(), ast.FunctionDef: set()}
    for name, text in files.items():
        module = name.removesuffix(".py").replace("/", ".")
        for statement in _parse(text, title).body:
            if isinstance(statement, ast.ClassDef | ast.FunctionDef):
                found[type(statement)].add(f"{module}.{statement.name}")
    return Definitions(frozenset(found[ast.ClassDef]), frozenset(found[ast.FunctionDef]))


def rewrite_code(text: str, defined: Definitions, title: str) -> str:
    """Return the code of one file, written anew from what was understood of it.

    Raises
    ------
    InputError
        If it is not of the grammar that torch writes, names an operator that is on neither list, or would run
        something while it is loaded; `title` names the file that it is in.
    """
    tree = _parse(text, title)
    try:
        _Reader(defined, title).check(tree)
        return ast.unparse(_PlainStrings().visit(tree)) + "\n"
    except RecursionError:
        raise InputError(_unreadable(title, "it is nested too deep")) from None


def _parse(text: str, title: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is nested too deep"
        raise InputError(_unreadable(title, reason)) from None


def _unreadable(title: str, reason: str) -> str:
    return f"the program in {title} cannot be read ({reason}): it is damaged, get it again"


class _Reader:
    def __init__(self, defined: Definitions, title: str) -> None:
        self.defined = defined.classes | defined.functions
        self.title = title
        self.bound: set[str] = set()
        self.attributes: set[int] = set()

    def check(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self.bound = set(_bound_names(nodes))
        # What a class declares is reached as `self.name`, so it may be called as torch's own names are.
        self.attributes = {
            id(statement.target)
            for node in nodes
            if isinstance(node, ast.ClassDef)
            for statement in node.body
            if isinstance(statement, ast.AnnAssign)
        }
        for statement in tree.body:
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef) and not _is_version(statement):
                raise self._refusal(_shortened(statement))
        inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            if not isinstance(node, _NODES):
                raise self._refusal(_shortened(node))
            self._check_node(node, is_inner=id(node) in inner)
            path = _dotted(node) if isinstance(node, ast.Attribute) and id(node) not in inner else None
            if path is not None:
                self._check_path(path)

    def _check_node(self, node: ast.AST, *, is_inner: bool) -> None:
        if isinstance(node, ast.ClassDef):
            self._check_class(node)
        elif isinstance(node, ast.FunctionDef):
            self._check_function(node)
        elif isinstance(node, ast.Name):
            self._check_name(node, is_inner=is_inner)
        elif isinstance(node, ast.arg):
            self._check_new_name(node.arg)
        elif isinstance(node, ast.keyword):
            self._check_identifier(node.arg or "**")
        elif isinstance(node, ast.Attribute):
            self._check_identifier(node.attr)
        elif isinstance(node, ast.Call):
            self._check_call(node)
        elif isinstance(node, ast.Constant):
            self._check_constant(node)

    def _check_class(self, node: ast.ClassDef) -> None:
        bases = [base.id if isinstance(base, ast.Name) else "" for base in node.bases]
        if len(bases) != 1 or bases[0] not in _BASES or node.decorator_list or node.keywords:
            raise self._refusal(f"class {node.name}")
        self._check_identifier(node.name)
        for statement in node.body:
            is_value = isinstance(statement, ast.Assign | ast.AnnAssign)
            if not is_value and not isinstance(statement, ast.FunctionDef | ast.Pass):
                raise self._refusal(_shortened(statement))
            # torch computes these while it loads the class.
            if isinstance(statement, ast.AnnAssign) and not _is_literal(statement.value):
                raise self._refusal(_shortened(statement))
            if isinstance(statement, ast.Assign) and not _is_list_of_names(statement):
                raise self._refusal(_shortened(statement))

    def _check_function(self, node: ast.FunctionDef) -> None:
        self._check_identifier(node.name)
        if node.name in _WHILE_LOADING:
            raise self._refusal(node.name)
        arguments = node.args
        # torch computes these while it loads the function.
        defaults = [*arguments.defaults, *arguments.kw_defaults]
        odd = arguments.vararg or arguments.kwarg or arguments.posonlyargs or node.decorator_list
        if odd or not all(map(_is_literal, defaults)):
            raise self._refusal(f"def {node.name}")

    def _check_name(self, node: ast.Name, *, is_inner: bool) -> None:
        self._check_identifier(node.id)
        if isinstance(node.ctx, ast.Store):
            if id(node) not in self.attributes:
                self._check_new_name(node.id)
        elif node.id in _ROOTS:
            if not is_inner:
                raise self._refusal(node.id)
        elif node.id not in self.bound | _FUNCTIONS | _TYPES:
            raise self._refusal(node.id)

    def _check_path(self, path: list[str]) -> None:
        """Refuse a dotted name that begins at torch, and leads elsewhere than to what is known."""
        if path[0] == "torch":
            is_known = len(path) == 2 and path[1] in ATEN
        elif path[0] == "ops":
            is_known = len(path) == 3 and path[2] in _OPERATORS.get(path[1], ())
        elif path[0] == "__torch__":
            is_known = any(".".join(path[:n]) in self.defined for n in range(2, len(path) + 1))
        else:
            is_known = path[0] != "CONSTANTS" or len(path) == 2
        if not is_known:
            raise self._refusal(".".join(path))

    def _check_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and function.id == "getattr":
            is_plain = len(node.args) == 2 and not node.keywords
            name = node.args[1] if is_plain else None
            if (
                not isinstance(name, ast.Constant)
                or not isinstance(name.value, str)
                or (_PLAIN_NAME.fullmatch(name.value) is None or name.value in _WHILE_LOADING)
            ):
                raise self._refusal(_shortened(node))
        elif not isinstance(function, ast.Name | ast.Attribute):
            raise self._refusal(_shortened(node))

    def _check_constant(self, node: ast.Constant) -> None:
        value = node.value
        if value is not None and not isinstance(value, bool | int | float | str):
            raise self._refusal(_shortened(node))
        if isinstance(value, int) and value > _LARGEST_INTEGER:
            raise self._refusal(str(value)[:40])

    def _check_new_name(self, name: str) -> None:
        self._check_identifier(name)
        if name in _ROOTS or name == "getattr":
            raise self._refusal(name)

    def _check_identifier(self, name: str) -> None:
        if _PLAIN_NAME.fullmatch(name) is None:
            raise self._refusal(name)

    def _refusal(self, what: str) -> InputError:
        return InputError(forbidden(self.title, what))


def forbidden(title: str, what: str) -> str:
    """Say that a program is refused for what it holds."""
    return (
        f"the program in {title} uses {what!r}, which is not on the list of what a network needs and "
        "which could touch your files: not opened"
    )


class _PlainStrings(ast.NodeTransformer):
    """Removes from strings what two parsers could read in two ways: only messages of errors have such."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):
            return ast.Constant(_PLAIN_TEXT.sub("?", node.value))
        return node


def _bound_names(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _is_version(statement: ast.stmt) -> bool:
    """Say whether a statement is the line by which torch before 1.5 began each file."""
    return (
        isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == "op_version_set"
        and isinstance(statement.value, ast.Constant)
    )


def _is_list_of_names(statement: ast.Assign) -> bool:
    """Say whether a class names its weights here, or the type of a part whose name is a number."""
    (target,) = statement.targets[:1]
    if isinstance(target, ast.Subscript):
        is_known = isinstance(target.value, ast.Name) and target.value.id == "__annotations__"
        return is_known and isinstance(target.slice, ast.Constant)
    is_known = isinstance(target, ast.Name) and target.id in (
        "__parameters__",
        "__buffers__",
        "__annotations__",
    )
    return is_known and _is_literal(statement.value)


def _is_literal(node: ast.expr | None) -> bool:
    if node is None or isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(map(_is_literal, [*node.keys, *node.values]))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_literal(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 2:
        return node.func.id == "annotate" and _is_literal(node.args[1])
    return isinstance(node, ast.Name) and node.id in {"inf", "nan"}


def _dotted(node: ast.Attribute) -> list[str] | None:
    """Return the parts of ``a.b.c``, None where it begins with something other than a name."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return [inner.id, *reversed(parts)] if isinstance(inner, ast.Name) else None


def _shortened(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:60]
