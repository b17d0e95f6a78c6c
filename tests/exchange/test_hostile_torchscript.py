from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from foreign import Bright, program_of
from hostile import BODY, ROOT, UNet, archive_of, changed, files_of, program_with
from torch import nn

from napari_graft.core.errors import InputError
from napari_graft.nets.foreign import load_program, read_program
from napari_graft.sources.torchscript import check_torchscript
from napari_graft.sources.torchscript_operators import ATEN

CALLS = {
    "save in two literals": 'getattr(torch, "sa" "ve")(x, "{marker}")',
    "save in triple quotes": 'getattr(torch, """save""")(x, "{marker}")',
    "save with escapes": 'getattr(torch, "\\x73\\141ve")(x, "{marker}")',
    "save by its name": 'torch.save(x, "{marker}")',
    "save of a tensor": '(x).save("{marker}")',
    "save by getattr of a tensor": 'getattr(x, "sa" "ve")("{marker}")',
    "save among the operators": 'ops.aten.save(x, "{marker}")',
    "map and copy": 'torch.copy_(getattr(torch, "from" "_file")("{marker}", True, 4), x)',
    "map by its name": 'torch.from_file("{marker}", True, 4)',
    "getattr of a module": 'getattr(ops, "aten")',
    "getattr of what it found": 'getattr(getattr(ops, "aten"), "save")(x, "{marker}")',
    "getattr by what is computed": "getattr(self, torch.format(x))",
    "a program beside": "fork(self, x)",
    "printed": "print(x)",
    "a class of C++": "__torch__.torch.classes.profiling._RecordFunction()",
    "an operator of a library": "ops.quantized.add(x, x, 1., 0)",
    "an operator of torch that no network needs": "torch.set_(x)",
    "what nobody wrote": "torch.empty([4])",
    "Python's own": '__import__("os")',
    "a lambda": "(lambda y: y)(x)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_program_that_could_touch_files_is_refused_and_nothing_of_it_runs(
    tmp_path: Path, call: str
) -> None:
    marker = tmp_path / "marker"
    data = program_with(f"    y = {call.format(marker=marker)}\n{BODY}")

    with pytest.raises(InputError):
        read_program(data, "the file")

    assert not marker.exists()


@pytest.mark.parametrize(
    "program",
    [
        program_with(more="  def __setstate__(self: __torch__.A, s: Tensor) -> None:\n    torch.relu(s)\n"),
        program_with(members='  n : Final[int] = torch.save(1, "marker")\n'),
        program_with(q='def f(x: int=torch.save(1, "marker")) -> int:\n  return x\n'),
        program_with(q="torch.relu(1)\n"),
        program_with(q="@torch.relu\ndef f(x: int) -> int:\n  return x\n"),
        program_with(q="class E(Enum):\n  a = 1\n"),
        program_with(q="class E:\n  def __init__(self: __torch__.q.E) -> None:\n    pass\n"),
        program_with(members='  __forward_hooks__ = ["forward"]\n'),
        program_with("    torch = self\n" + BODY),
        program_with("    \u0441 = x\n" + BODY),
        program_with("    y = [i for i in x]\n" + BODY),
        program_with("    y = " + "(" * 300 + "x" + ")" * 300 + "\n" + BODY),
        program_with("    y = " + "-" * 100_000 + "1\n" + BODY),
        program_with("    y = " + "9" * 5000 + "\n" + BODY),
        program_with("    y = \0\n" + BODY),
        program_with(
            "    return __torch__.q.f(x, )\n", q="def f(x: Tensor) -> Tensor:\n  return __torch__.q.f(x, )\n"
        ),
    ],
)
def test_code_that_runs_while_it_is_loaded_or_breaks_a_reader_is_refused(program: bytes) -> None:
    with pytest.raises(InputError):
        read_program(program, "the file")


PICKLES = {
    "Python's own": b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
    "an old instruction": b"(S'x'\nios\nsystem\n.",
    "a class that is not defined": b"\x80\x02c__torch__\nB\n)\x81}b.",
    "a class of C++": b"\x80\x02c__torch__.torch.classes.profiling\n_RecordFunction\n)\x81}b.",
    "a place far away": b"\x80\x02)r\xff\xff\xff\x7f.",
    "itself": b"\x80\x02]q\x00h\x00a.",
    "a deep tuple": b"\x80\x02)" + b"\x85" * 1_000_000 + b".",
    "more and more": b"\x80\x02)q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(60)) + b".",
    "bytes after its end": ROOT + b"x",
    "nothing": b"",
    "an open end": ROOT[:-1],
    "a missing value": b"\x80\x02\x85.",
}


@pytest.mark.parametrize("pickle", PICKLES.values(), ids=PICKLES)
def test_a_pickle_of_anything_else_is_refused(pickle: bytes) -> None:
    with pytest.raises(InputError, match=r"data\.pkl"):
        check_torchscript(program_with(root=pickle), "the file")


def _tensor(n_stored: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    def number(n: int) -> bytes:
        return b"\x8a\x08" + n.to_bytes(8, "little", signed=True)

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(n_stored) + b"tQ" + number(offset)
    made += numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02c__torch__\nA\n)\x81}(X\x01\x00\x00\x00w" + made + b"X\x08\x00\x00\x00training\x89ub."


@pytest.mark.parametrize(
    ("n_stored", "offset", "shape", "strides"),
    [
        (400, 0, (100,), (1,)),  # more than the entry has
        (100, 1, (100,), (1,)),
        (100, 0, (100,), (2,)),
        (100, -1, (4,), (1,)),
        (100, 50, (4,), (-1,)),
        (100, 0, (2**62,), (0,)),
        (100, 0, (2**31, 2**31), (0, 0)),
        (2**61, 0, (1,), (1,)),
    ],
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(
    n_stored: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    files = files_of(program_with(members="  w : Tensor\n", root=_tensor(n_stored, offset, shape, strides)))
    with pytest.raises(InputError, match=r"data\.pkl"):
        check_torchscript(archive_of(files | {"data/0": bytes(400)}), "the file")


def test_a_tensor_within_its_numbers_is_taken() -> None:
    files = files_of(program_with(members="  w : Tensor\n", root=_tensor(100, 10, (9, 10), (10, 1))))
    program, _ = read_program(archive_of(files | {"data/0": bytes(400)}), "the file")

    assert tuple(program.w.shape) == (9, 10)


class _Writes(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x


class _Hides(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.inner = _Writes(path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            for _ in range(3):
                x = self.inner(x)
        return x


class _Prints(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("{}")
        return x


class _Forks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Bright()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(self.inner, x))


@pytest.mark.parametrize("made", [_Writes, _Hides, lambda path: _Prints(), lambda path: _Forks()])
def test_the_compiled_program_is_looked_at_whatever_its_code_looked_like(tmp_path: Path, made: type) -> None:
    data = program_of(made(str(tmp_path / "marker")))

    with pytest.raises(InputError, match="not on the list"):
        load_program(data, "the file")
    with pytest.raises(InputError, match="not on the list"):
        check_torchscript(data, "the file")
    assert not (tmp_path / "marker").exists()


def _is_clean(data: bytes) -> None:
    """See to it that a file is refused, or that what torch is given holds none of the hidden code."""
    try:
        checked = check_torchscript(data, "the file")
    except InputError:
        return
    assert b"save" not in checked
    with zipfile.ZipFile(io.BytesIO(checked)) as archive:
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        assert len(set(archive.namelist())) == len(archive.namelist())
    load_program(checked, "the file")


def test_torch_never_sees_the_archive_that_came() -> None:
    honest = program_with()
    hostile = program_with('    torch.save(x, "marker")\n' + BODY)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        for data in (hostile, honest):
            for name, content in files_of(data).items():
                with pytest.warns(UserWarning) if data is honest else _nothing():
                    archive.writestr(f"archive/{name}", content)
    _is_clean(twice.getvalue())
    _is_clean(hostile + honest)
    _is_clean(honest + hostile)
    _is_clean(honest[:-2] + struct.pack("<H", len(hostile)) + hostile)  # in the comment
    other_case = files_of(honest) | {"CODE/__torch__.py": files_of(hostile)["code/__torch__.py"]}
    _is_clean(archive_of(other_case))
    _is_clean(archive_of(files_of(honest) | {"code/__TORCH__.py": b"x.save(1)"}))
    # Another name and another content in the local header than in the directory.
    _is_clean(honest.replace(b"archive/version", b"archive/VERSION", 1))
    _is_clean(archive_of({**files_of(honest), "extra/a.py": b"save"}))
    _is_clean(archive_of({**files_of(honest), "../evil": b"save"}))
    _is_clean(archive_of({**files_of(honest), "code/__torch__.py.debug_pkl": b"cos\nsystem\nsave"}))
    _is_clean(archive_of({**files_of(honest), "bytecode.pkl": b"cos\nsystem\nsave"}))


def _nothing() -> object:
    import contextlib

    return contextlib.nullcontext()


@pytest.mark.parametrize("norm", ["batch", "instance", "group"])
@pytest.mark.parametrize(("up", "attends"), [("transposed", True), ("bilinear", False), ("nearest", True)])
@pytest.mark.parametrize("save", [torch.jit.script, torch.jit.trace])
def test_networks_as_people_write_them_answer_as_before(
    norm: str, up: str, attends: bool, save: object
) -> None:
    torch.manual_seed(0)
    network = UNet(norm, up, attends=attends).eval()
    shown = torch.rand(1, 1, 32, 48)
    program = torch.jit.script(network) if save is torch.jit.script else torch.jit.trace(network, shown)
    buffer = io.BytesIO()
    torch.jit.save(program, buffer)

    taken, checked = read_program(buffer.getvalue(), "the file")

    assert check_torchscript(checked, "the file") == checked
    with torch.no_grad():
        torch.testing.assert_close(taken(shown), network(shown))


def test_an_honest_network_of_attention_layers_is_taken() -> None:
    network = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, torch.rand(1, 9, 16), check_trace=False), buffer)

    read_program(buffer.getvalue(), "the file")


def test_what_a_network_does_not_need_is_left_behind() -> None:
    checked = files_of(check_torchscript(changed(lambda files: files.update({"extra/x": b"x"})), "the file"))

    assert {name.split("/")[0] for name in checked} <= {
        "code", "data", "data.pkl", "constants", "constants.pkl", "version", "byteorder",
    }  # fmt: skip
    assert all(name.endswith(".py") for name in checked if name.startswith("code/"))


def test_every_operator_on_the_list_is_torchs_and_none_touches_files() -> None:
    known = {schema.name for schema in torch._C._jit_get_all_schemas()}
    unknown = {name for name in ATEN if f"aten::{name}" not in known}

    # Some are of other versions than the one that is installed, or are resolved by the compiler.
    assert len(unknown) < 60, sorted(unknown)
    assert not ATEN & {"save", "from_file", "set_", "set", "set_data", "as_strided", "empty", "manual_seed"}
