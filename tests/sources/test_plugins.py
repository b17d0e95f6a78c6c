from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from napari_graft.sources import plugins
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.plugins import plugin_sources

MakeSource = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Install a package with one module that implements the hook: `install(name, body of the function)`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NAPARI_GRAFT_SOURCES", raising=False)

    def install(name: str, body: str) -> None:
        folder = site / f"{name}-1.0.dist-info"
        folder.mkdir()
        monkeypatch.delitem(sys.modules, name, raising=False)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[napari_graft.sources]\n{name} = {name}\n")
        (site / f"{name}.py").write_text(
            "from napari_plugin_engine import HookImplementationMarker\n"
            f"@HookImplementationMarker('napari_graft')\ndef napari_graft_sources():\n    {body}\n"
        )
        importlib.invalidate_caches()
        plugins.forget_plugins()

    yield install
    plugins.forget_plugins()


def test_the_sources_of_a_plugin_are_in_the_catalogue(
    install: Callable[[str, str], None], tmp_path: Path, make_source: MakeSource
) -> None:
    folder = make_source(tmp_path / "theirs", "from-a-plugin")
    install("graft_good", f"return [{str(folder)!r}]")

    source = Catalogue().get("from-a-plugin")

    assert (source.origin, source.path) == ("plugin", folder)
    assert "from-a-plugin" in [one.id for one in Catalogue().sources()]


def test_a_plugin_does_not_hide_a_source_that_was_there(
    install: Callable[[str, str], None], tmp_path: Path, make_source: MakeSource
) -> None:
    install("graft_same", f"return [{str(make_source(tmp_path / 'theirs', 'rat-axons-sem'))!r}]")

    assert Catalogue().get("rat-axons-sem").origin == "built-in"


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('no disk')",
        "return 7",
        "return [None]",
        "return ['/nowhere/at/all']",
        "return [__file__]",
        "import a_library_that_is_not_there",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "raise BaseException('odd')",
        "import sys; sys.exit()",
        "return [input('which? ')]",
        "import sys; return [sys.stdin.read()[0]]",
        "return (str(i) for i in __import__('itertools').count())",
        "return ['x' * 5000, '/nowhere/\\0']",
        "return ['~nobody-of-this-name/x']",
    ],
)
def test_a_plugin_that_fails_is_logged_and_hides_nothing(
    install: Callable[[str, str], None],
    tmp_path: Path,
    make_source: MakeSource,
    caplog: pytest.LogCaptureFixture,
    body: str,
) -> None:
    install("graft_bad", body)
    install("graft_good", f"return {str(make_source(tmp_path / 'theirs', 'from-a-plugin'))!r}")

    with caplog.at_level(logging.WARNING):
        found = [source.id for source in Catalogue().sources()]

    assert "from-a-plugin" in found
    assert "rat-axons-sem" in found
    assert "left out" in caplog.text


def test_a_plugin_that_cannot_be_imported_is_logged(
    install: Callable[[str, str], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install("graft_broken", "return []")
    (tmp_path / "site" / "graft_broken.py").write_text("this is no Python")

    with caplog.at_level(logging.WARNING):
        assert plugin_sources() == []

    assert "graft_broken" in caplog.text
    assert "invalid syntax" in caplog.text


def test_a_catalogue_of_given_folders_asks_no_plugin(
    install: Callable[[str, str], None], tmp_path: Path, make_source: MakeSource
) -> None:
    install("graft_good", f"return [{str(make_source(tmp_path / 'theirs', 'from-a-plugin'))!r}]")

    assert Catalogue([]).sources() == []


def test_what_a_plugin_prints_is_kept_from_the_results(
    install: Callable[[str, str], None],
    tmp_path: Path,
    make_source: MakeSource,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(
        "graft_talks", f"print('hello'); return [{str(make_source(tmp_path / 'theirs', 'from-a-plugin'))!r}]"
    )

    assert "from-a-plugin" in [one.id for one in Catalogue().sources()]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


@pytest.mark.parametrize("body", ["while True: pass", "__import__('threading').Event().wait()"])
def test_a_plugin_that_never_ends_is_named_and_asked_no_more(
    install: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
) -> None:
    monkeypatch.setattr(plugins, "_SECONDS", 0.2)
    install("graft_endless", body)

    with caplog.at_level(logging.WARNING):
        assert plugin_sources() == []
        assert plugin_sources() == []

    told = [record.message for record in caplog.records if "graft_endless" in record.message]
    assert len(told) == 1
    assert "did not answer" in told[0]


@pytest.mark.parametrize("line", ["raise SystemExit(3)", "input()", "import sys; sys.exit('no')"])
def test_a_plugin_that_ends_the_program_while_it_is_imported_is_named(
    install: Callable[[str, str], None], tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    install("graft_ends", "return []")
    (tmp_path / "site" / "graft_ends.py").write_text(line)

    with caplog.at_level(logging.WARNING):
        assert plugin_sources() == []

    assert "graft_ends" in caplog.text
