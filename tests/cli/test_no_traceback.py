"""No path, option, locale or output ends a command in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from cyclopts import App

from napari_graft.cli import app as cli
from napari_graft.core.errors import InputError

Graft = Callable[..., Any]

SCRIPT = [sys.executable, "-m", "napari_graft"]


def commands(
    level: App = cli.app, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the words of each command, and its options that name a file, a folder, a source or a number."""
    for word in (name for name in level if not name.startswith("-")):
        command = level[word]
        if command.default_command is None:
            yield from commands(command, (*words, word))
        elif word != "install-completion":
            options = [one.name for one in command.assemble_argument_collection() if one.name != "*"]
            yield (*words, word), [name for name in options if name != "--json"]


@pytest.fixture(scope="module")
def odd_values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Values that nobody expects: names that cannot be, things that are no files, files that are nothing."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "empty.tif").touch()
    (folder / "folder.tif").mkdir()
    (folder / "dead.tif").symlink_to("gone")
    (folder / "loop.tif").symlink_to("loop.tif")
    (folder / "text.json").write_text("{'no json':")
    (folder / "text.tif").write_text("no image")
    (folder / "a::b").mkdir()
    (folder / "line\nbreak").mkdir()
    os.mkfifo(folder / "pipe.tif")
    tifffile.imwrite(folder / "a::b" / "x.tif", np.zeros((8, 8), np.uint8))
    names = (
        "empty.tif",
        "folder.tif",
        "dead.tif",
        "loop.tif",
        "text.json",
        "text.tif",
        "pipe.tif",
        "line\nbreak",
    )
    return {name: str(folder / name) for name in names} | {
        "below a file": str(folder / "text.tif" / "x.tif"),
        "long": str(folder / ("n" * 300 + ".tif")),
        "no UTF-8": os.fsdecode(os.fsencode(folder) + b"/M\xfcller.tif"),
        "colons": str(folder / "a::b" / "x.tif"),
        "dataset": str(folder / "text.tif") + "::/a/b",
        "nothing": "",
        "zero byte free": "/dev/null",
        "endless": "/dev/zero",
        "number": "-1e400",
        "emoji": "🔬" * 40,
    }


NEEDED = {"--project", "--image", "--labels", "--out", "--segmentation", "--truth", "--recipe", "--source"}


def refuse_odd_values(
    graft: Graft, words: tuple[str, ...], options: list[str], values: Iterator[tuple[str, str, str]]
) -> None:
    for option, kind, value in values:
        others = [f"{other}=none" for other in options if other in NEEDED - {option}]
        answer = graft(*words, f"{option}={value}", *others)
        # A file in a folder with colons in its name is an image like any other.
        assert answer.code == 2 or (kind == "colons" and answer.code == 0), (option, kind, answer.err)
        assert "Traceback" not in answer.err, (option, kind)


@pytest.mark.parametrize("place", range(len(list(commands()))))
def test_odd_values_are_refused_in_words(
    graft: Graft,
    odd_values: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    words, options = list(commands())[place]
    kinds = list(odd_values)
    # Each command meets some of the values, so that together they meet all.
    chosen = ((option, kinds[(place + 5 * i) % len(kinds)]) for i, option in enumerate(options))
    refuse_odd_values(graft, words, options, ((option, kind, odd_values[kind]) for option, kind in chosen))


@pytest.mark.slow
@pytest.mark.parametrize(("words", "options"), list(commands()), ids=str)
def test_every_odd_value_of_every_option_is_refused_in_words(
    graft: Graft,
    odd_values: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    every = ((option, kind, value) for option in options for kind, value in odd_values.items())
    refuse_odd_values(graft, words, options, every)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
@pytest.mark.parametrize("arguments", ["--help", "sources list", "sources list --json", "info ü中.graft"])
def test_letters_that_the_output_cannot_show_are_replaced(
    encoding: str, arguments: str, tmp_path: Path
) -> None:
    answer = subprocess.run(
        [*SCRIPT, *arguments.split()],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    assert answer.returncode == (2 if arguments.startswith("info") else 0)
    assert b"Traceback" not in answer.stderr
    answer.stdout.decode(encoding)


@pytest.mark.parametrize("arguments", ["--help", "sources list", "sources list --json", "sources map"])
def test_a_full_output_is_told(arguments: str) -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [*SCRIPT, *arguments.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert answer.returncode == 2
    assert "the disk is full" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_what_nobody_foresaw_is_told_as_a_fault_and_its_traceback_only_on_request(
    graft: Graft, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(folder: Path) -> None:
        raise KeyError("left")

    monkeypatch.setattr("napari_graft.session.projects.creation.describe_project", fail)
    answer = graft("info", tmp_path)
    assert answer.code == 1
    assert answer.err.startswith("error: this is a fault of napari-graft (KeyError: 'left')")
    assert "Traceback" not in answer.err
    assert "Traceback" in graft("info", tmp_path, "--verbose").err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PermissionError(13, "Permission denied", "/data/x.tif"),
            "/data/x.tif: you may not read or write it",
        ),
        (OSError(36, "File name too long", "n.tif"), "n.tif: the name is too long"),
        (OSError(28, "No space left on device"), "No space left on device: the disk is full"),
        (OSError("odd"), "odd: check the path and the disk"),
    ],
)
def test_what_the_system_refuses_is_told_with_a_remedy(
    graft: Graft, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def fail(folder: Path) -> None:
        raise error

    monkeypatch.setattr("napari_graft.session.projects.creation.describe_project", fail)
    assert graft("info", "x.graft").refuses(words)


def test_quiet_leaves_results_and_errors(graft: Graft, tmp_path: Path, image: Path) -> None:
    made = graft("new", tmp_path / "p.graft", "--image", image, "--quiet")
    assert (made.code, made.out, made.err) == (0, "", "")
    assert graft("info", tmp_path / "p.graft", "--quiet").out
    assert graft("info", tmp_path / "q.graft", "--quiet").refuses("no project")
    assert "pixels" in graft("new", tmp_path / "r.graft", "--image", image).err


def test_an_error_points_to_the_help_of_its_command(graft: Graft) -> None:
    assert graft("train", "--step").refuses("'napari-graft train --help' shows the options")
    assert graft("sources", "lst").refuses("'napari-graft sources --help' shows")
    assert graft("trian").refuses("'napari-graft --help' shows the commands")


def test_help_shows_groups_with_an_example_at_the_top_and_no_odd_flags(graft: Graft) -> None:
    words = graft("--help").out
    assert words.index("Example") < words.index("Begin") < words.index("Annotate and train")
    assert "install-completion" in words
    for command, _ in commands():
        assert "--empty-" not in graft(*command, "--help").out


def test_completion_is_installed_by_a_command(tmp_path: Path) -> None:
    answer = subprocess.run(
        [*SCRIPT, "install-completion", "--shell", "bash"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    (script,) = tmp_path.rglob("completions/napari-graft")
    assert "suggest" in script.read_text()


def test_names_as_long_as_the_disk_takes_them_work(graft: Graft, tmp_path: Path) -> None:
    image = tmp_path / ("m" * 246 + ".tif")
    tifffile.imwrite(image, np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    project = tmp_path / ("p" * 246 + ".graft"[:4])
    assert graft("new", project, "--image", image).code == 0
    assert graft("info", project, "--json").document["shape"] == [64, 64]


def test_a_rank_fits_a_usual_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_graft.cli.console import print_rows

    row = {
        "source": "nuclei-fluorescence-all-without",
        "combined": 0.123,
        "verdict": "like its own data",
        "z": 1234.5,
        "consistency": 0.912,
        "few_shot": None,
        "structure": "mitochondria",
        "title": "x" * 60,
    }
    monkeypatch.delenv("COLUMNS", raising=False)
    print_rows([row], tuple(row), optional=("title", "combined", "structure", "consistency"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "like its own data" in lines[1]


def test_facts_hold_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    from napari_graft.cli.console import print_facts

    print_facts(
        {"pixel_size": None, "shape": [1, 2], "inverted": False, "runs": [], "scores": {"vi": 0.3}}, 10
    )
    words = capsys.readouterr().out
    assert not set("[]{}'") & set(words)
    assert "None" not in words
    assert "1 × 2" in words


def test_the_words_of_a_name_that_is_no_text_show_its_bytes() -> None:
    from napari_graft.cli.app import refuse_undecodable

    with pytest.raises(InputError, match=r"M\\\\xfcller"):
        refuse_undecodable(["info", os.fsdecode(b"M\xfcller.graft")])
