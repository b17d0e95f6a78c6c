from __future__ import annotations

import io
import json
import os
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from foreign import Bright, program_of, rezip

from fuzzing import copy_of, fuzz_file
from napari_graft.core.errors import InputError
from napari_graft.exchange import sandbox
from napari_graft.exchange.add import add_source
from napari_graft.exchange.formats import import_file
from napari_graft.exchange.import_options import DEFAULT_IMPORT
from napari_graft.io.documents import parse_document
from napari_graft.io.untrusted import parse_npy, parse_yaml
from napari_graft.io.weights import parse_tensors
from napari_graft.sources.card import SourceCard
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.network_spec import MAX_WEIGHTS, ModelSpec
from napari_graft.sources.source import open_source

MakeSource = Callable[..., Path]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that stands for the system's folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("name", ["one.graftsource", "one.zip", "one.pt", "one.safetensors", "rdf.yaml"])
def test_a_pipe_and_a_device_are_refused_before_they_are_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="pipe"):
        add_source(tmp_path / name, tmp_path / "home")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(InputError, match="device"):
        add_source(tmp_path / name, tmp_path / "home")


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors", "fingerprint.safetensors"])
@pytest.mark.parametrize("target", ["pipe", "/dev/zero"])
def test_a_pipe_or_a_device_in_a_source_is_refused(
    tmp_path: Path, make_source: MakeSource, name: str, target: str
) -> None:
    folder = make_source(tmp_path / "theirs", "one")
    (folder / name).unlink()
    if target == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(target)

    with pytest.raises(InputError):
        add_source(folder, tmp_path / "home")


def _bomb(name: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", "type: model\n")
        with archive.open(name, "w", force_zip64=True) as file:
            for _ in range(size // 2**20):
                file.write(bytes(2**20))
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_and_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(_bomb("weights.pt", 2**26))

    with pytest.raises(InputError, match="would unpack"):
        add_source(tmp_path / "bomb.zip", tmp_path / "home")

    assert list(temporary.iterdir()) == []
    assert not list((tmp_path / "home").rglob("*"))


def test_an_entry_that_is_larger_than_it_says_is_refused(tmp_path: Path, bright_package: Path) -> None:
    data = bytearray(bright_package.read_bytes())
    place = data.rindex(b"network.pt") - 46  # in the directory, whose record comes before the name
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 24 : place + 28] = struct.pack("<I", 7)
    (tmp_path / "lies.zip").write_bytes(data)

    with pytest.raises(InputError):
        add_source(tmp_path / "lies.zip", tmp_path / "home")


@pytest.mark.parametrize(
    "name",
    [
        "my-model.bioimageio.yaml", "my.model.rdf.yaml", "x.bioimageio.yml", "MODEL.RDF.YAML",
        "folder/rdf.yaml", "folder/deep/my-model.bioimageio.yaml",
    ],
)  # fmt: skip
def test_a_package_is_known_by_a_description_of_any_prefix(
    tmp_path: Path, bright_package: Path, name: str
) -> None:
    def rename(files: dict[str, bytes]) -> None:
        (known,) = (key for key in files if key.endswith(("rdf.yaml", "bioimageio.yaml")))
        folder = name.rpartition("/")[0]
        text = files.pop(known)
        for key in list(files):
            files[f"{folder}/{key}".lstrip("/")] = files.pop(key)
        files[name] = text

    package = rezip(bright_package, tmp_path / "named.zip", rename)

    assert add_source(package, tmp_path / "home").id == "bright-nuclei"


@pytest.mark.parametrize("name", ["rdf.yaml", "my-model.bioimageio.yaml", "theirs.rdf.yaml"])
def test_an_unpacked_package_is_read_as_its_archive_is(
    tmp_path: Path, bright_package: Path, name: str
) -> None:
    unpacked = unpack(bright_package, tmp_path / "unpacked", name)
    (unpacked / "other files of the user.txt").write_text("not looked at")
    for number, path in enumerate((unpacked, unpacked / name)):
        assert add_source(path, tmp_path / f"home{number}").id == "bright-nuclei"


def unpack(package: Path, folder: Path, name: str) -> Path:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    (known,) = (file for file in folder.iterdir() if file.suffix == ".yaml")
    known.rename(folder / name)
    return folder


@pytest.mark.parametrize("kind", ["link", "pipe", "missing", "folder behind a link"])
def test_an_unpacked_package_with_something_else_than_files_is_refused(
    tmp_path: Path, bright_package: Path, kind: str
) -> None:
    unpacked = unpack(bright_package, tmp_path / "unpacked", "rdf.yaml")
    (weights,) = unpacked.rglob("*.pt")
    elsewhere = weights.rename(tmp_path / "weights.pt")
    if kind == "link":
        weights.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(weights)
    elif kind == "folder behind a link":
        (tmp_path / "inner").mkdir()
        elsewhere.rename(tmp_path / "inner" / weights.name)
        (unpacked / "inner").symlink_to(tmp_path / "inner")
        text = (unpacked / "rdf.yaml").read_text().replace(weights.name, f"inner/{weights.name}")
        (unpacked / "rdf.yaml").write_text(text)
    with pytest.raises(InputError, match=r"a link|a pipe|not in it"):
        add_source(unpacked, tmp_path / "home")


def _describe(change: Callable[[str], str]) -> Callable[[dict[str, bytes]], None]:
    def apply(files: dict[str, bytes]) -> None:
        (known,) = (key for key in files if key.endswith(("rdf.yaml", "bioimageio.yaml")))
        files[known] = change(files[known].decode()).encode()

    return apply


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\nname: again\n",
        lambda text: text + "\nx: !!python/object/apply:os.system ['true']\n",
        lambda text: text + "\nx: !!binary '????'\n",
        lambda text: text + "\nx: 2020-13-45\n",
        lambda text: text + "\nx: " + "[" * 5000,
        lambda text: text + "\n? [a, b]\n: 1\n",
        lambda text: "- 1\n- 2\n",
        lambda text: "",
        lambda text: text + "\nx: " + "9" * 10_000 + "\n",
        lambda text: text.replace("inputs:", "inputs: 7\nfoo:"),
    ],
)
def test_a_hostile_description_is_refused_in_words(
    tmp_path: Path, bright_package: Path, change: Callable[[str], str]
) -> None:
    package = rezip(bright_package, tmp_path / "hostile.zip", _describe(change))

    try:
        add_source(package, tmp_path / "home")
    except InputError as error:
        assert str(error)
    else:
        assert change("") in ("\nx: 2020-13-45\n", "\nx: " + "9" * 10_000 + "\n")  # words of no meaning here


def _npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x09",
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8)}"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}"),
        _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n(S'true'\ntR."),
        _npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", bytes(16)),
        _npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", bytes(4)),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", bytes(8)),
        _npy("__import__('os')"),
        _npy("(" * 100),
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_an_array_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        parse_npy(data, "the array")


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_read_as_numpy_reads_it(order: str) -> None:
    array = np.asarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4), order=order)
    buffer = io.BytesIO()
    np.save(buffer, array)

    np.testing.assert_array_equal(parse_npy(buffer.getvalue(), "the array"), array)


@pytest.mark.parametrize("shape", [(1, 1, 32, 48), (2,), (), (1, 0, 32, 32), (1, 3, 8, 8)])
def test_a_test_tensor_of_another_shape_is_refused(
    tmp_path: Path, bright_package: Path, shape: tuple[int, ...]
) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(shape, np.float32))

    def change(files: dict[str, bytes]) -> None:
        files["output.npy"] = buffer.getvalue()
        (known,) = (key for key in files if key.endswith(("rdf.yaml", "bioimageio.yaml")))
        content = yaml.safe_load(files[known])
        content["outputs"][0]["test_tensor"].pop("sha256", None)
        files[known] = yaml.safe_dump(content).encode()

    with pytest.raises(InputError, match="test tensor"):
        add_source(rezip(bright_package, tmp_path / "odd.zip", change), tmp_path / "home")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**60]},
        {"dtype": "F8_E8M0", "shape": [1], "data_offsets": [0, 1]},
        {"dtype": "X", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]},
        7,
    ],
)
def test_a_header_of_weights_that_no_array_has_is_refused(entry: object) -> None:
    header = json.dumps({"w": entry}).encode()
    with pytest.raises(InputError):
        parse_tensors(struct.pack("<Q", len(header)) + header + bytes(4), "weights")


@pytest.mark.parametrize(
    "text",
    [
        b"a: 1\na: 2\n", b"a: !!python/name:os.system\n", b"a: !mine 1\n", b"a: " + b"[" * 3000,
        b"a: &x [*x]\n", b"\xff\xfe\xff", b"a: 2020-99-99\n", b"x" * 2**21, b"a: b: c\n", b"{a: 1, a: 2}",
        b"a: &a [1,1]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (i + 1, i + 1, i, i) for i in range(97, 120)),
    ],
)  # fmt: skip
def test_yaml_that_says_more_than_its_words_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="the recipe"):
        parse_yaml(text, "the recipe")


def test_plain_yaml_is_read() -> None:
    assert parse_yaml(b"a: &x [1, 2.5, yes]\nb: *x\nc: {d: 'e'}\n", "it") == {
        "a": [1, 2.5, True],
        "b": [1, 2.5, True],
        "c": {"d": "e"},
    }


@pytest.mark.parametrize(
    "text",
    [
        b'{"id": 1, "id": 2}',
        b'{"id": NaN}',
        b"[" * 100_000,
        b'{"id": ' + b"9" * 10_000 + b"}",
        b"\xff",
        b"null",
        b"7",
    ],
)
def test_json_that_readers_take_in_different_ways_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="the card"):
        parse_document(SourceCard, text, "the card")


@pytest.mark.parametrize(
    "values",
    [
        {"widths": [2**15, 2**15, 2**15, 2**15]},
        {"widths": [2**62]},
        {"widths": [8] * 40},
        {"widths": [8], "strides": [[10**6, 10**6]]},
        {"widths": [8, 8, 8, 8], "strides": [[32, 32], [32, 32], [32, 32], [32, 32]]},
        {"ndim": 3, "widths": [8, 8], "strides": [[2**9] * 3, [2] * 3]},
        {"offsets": [[-1, 0], [0, -1], [10**9, 0]]},
        {"offsets": [[-1, 0], [0, -1], *([i, 7] for i in range(1, 100))]},
        {"pixel_size": [1e-300, 1e-300]},
        {"pixel_size": [1e300, 1]},
    ],
)
def test_a_card_cannot_ask_for_more_than_a_network_may_weigh(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ModelSpec.model_validate(values)


@pytest.mark.parametrize(
    "values",
    [
        {"ndim": 3, "smallest": [4096] * 3, "step": [0] * 3},
        {"ndim": 3, "smallest": [16] * 3, "step": [4096] * 3},
        {"outputs": ["foreground"] + ["unused"] * 1000},
        {"normalisation": [{"step": "zero-mean"}] * 1000},
    ],
)
def test_a_card_of_a_foreign_network_cannot_ask_for_immense_images(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ForeignSpec.model_validate({"architecture": "torchscript", "outputs": ["foreground"]} | values)


@pytest.mark.parametrize(
    "spec", [ModelSpec(), ModelSpec(ndim=3), ModelSpec(widths=(16, 24), norm="instance")]
)
def test_the_weight_of_a_network_is_known_before_it_is_made(spec: ModelSpec) -> None:
    from napari_graft.nets.build import build_network

    made = sum(value.numel() for value in build_network(spec).parameters() if value.ndim > 1)

    assert spec.n_weights == pytest.approx(made, rel=0.05)
    assert made < MAX_WEIGHTS


def _read(path: Path) -> None:
    """Bring a source as `sources add` does, but for the trial in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source = import_file(path, Path(folder), DEFAULT_IMPORT)
        source.load_weights()
        source.load_fingerprint()


@pytest.fixture
def originals(tmp_path: Path, make_source: MakeSource, bright_package: Path) -> dict[str, Path]:
    """Give a source in every form in which one comes."""
    from napari_graft.sources.source import export_source

    folder = make_source(tmp_path / "theirs", "one")
    export_source(open_source(folder, "user"), tmp_path / "one.graftsource")
    program = tmp_path / "program"
    program.mkdir()
    added = add_source(bright_package, tmp_path / "first")
    card = json.loads((added.path / "card.json").read_text())
    card.pop("checksum", None)
    data = program_of(Bright())
    import hashlib

    (program / "network.pt").write_bytes(data)
    card["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (program / "card.json").write_text(json.dumps(card))
    return {
        "folder": folder,
        "archive": tmp_path / "one.graftsource",
        "package": copy_of(bright_package, tmp_path / "theirs"),
        "program": program / "network.pt",
        "added": added.path,
    }


KINDS = ["folder", "archive", "package", "program", "added"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_source_is_refused_in_words(originals: dict[str, Path], kind: str) -> None:
    fuzz_file(originals[kind], _read, n=12, seed=100)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_sources_are_refused_in_words(originals: dict[str, Path], kind: str) -> None:
    fuzz_file(originals[kind], _read, n=600, seed=10_000)


def test_a_damaged_program_within_a_whole_archive_is_refused_or_runs(tmp_path: Path) -> None:
    from hostile import archive_of, files_of

    from fuzzing import mutate
    from napari_graft.nets.foreign import read_program

    files = files_of(program_of(Bright()))
    names = ["data.pkl", "constants.pkl", *(name for name in files if name.endswith(".py"))]
    for seed in range(60):
        name = names[seed % len(names)]
        try:
            read_program(archive_of(files | {name: mutate(files[name], seed)}), "the file")
        except InputError as error:
            assert str(error)


def test_memory_for_a_trial_grows_with_the_weights(tmp_path: Path, make_source: MakeSource) -> None:
    source = open_source(make_source(tmp_path / "theirs", "one"), "user")

    assert 2**30 < sandbox.memory_for(source) < 2**31
