from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import napari_graft
from edited import edit_document
from napari_graft.core.errors import InputError
from napari_graft.sources.catalogue import Catalogue, default_folders, user_home
from napari_graft.sources.source import export_source, open_source

MakeSource = Callable[..., Path]


def test_sources_of_all_folders_are_listed_by_id_with_their_origin(
    tmp_path: Path, make_source: MakeSource
) -> None:
    make_source(tmp_path / "mine", "zebra")
    make_source(tmp_path / "package", "ant")
    (tmp_path / "mine" / "notes").mkdir()
    (tmp_path / "mine" / ".zebra-new").mkdir()
    (tmp_path / "mine" / "readme.txt").touch()
    catalogue = Catalogue(
        [(tmp_path / "mine", "user"), (tmp_path / "package", "built-in"), (tmp_path / "no", "user")]
    )

    assert [(s.id, s.origin) for s in catalogue.sources()] == [("ant", "built-in"), ("zebra", "user")]
    assert catalogue.get("ant").path == tmp_path / "package" / "ant"


def test_the_first_of_two_sources_with_one_id_is_used_and_the_other_logged(
    tmp_path: Path, make_source: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    make_source(tmp_path / "mine", "ant", title="mine")
    make_source(tmp_path / "package", "ant", title="theirs")
    catalogue = Catalogue([(tmp_path / "mine", "user"), (tmp_path / "package", "built-in")])

    with caplog.at_level(logging.WARNING):
        sources = catalogue.sources()

    assert [s.card.title for s in sources] == ["mine"]
    assert "hides" in caplog.text


def test_broken_sources_are_left_out_logged_and_explained_when_asked_for(
    tmp_path: Path, make_source: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_source(tmp_path, "good")
    (make_source(tmp_path, "bad-json") / "card.json").write_text("{")
    (make_source(tmp_path, "no-card") / "card.json").unlink()
    (make_source(tmp_path, "no-weights") / "weights.safetensors").unlink()
    newer = make_source(tmp_path, "newer") / "card.json"
    edit_document(newer, format_version=2)
    catalogue = Catalogue([(tmp_path, "user")])

    with caplog.at_level(logging.WARNING):
        assert [s.path for s in catalogue.sources()] == [good]

    assert len(caplog.records) == 4
    for name, message in [
        ("bad-json", "damaged"),
        ("no-card", "missing"),
        ("no-weights", "missing"),
        ("newer", r"newer napari-graft \(format 2\)"),
    ]:
        with pytest.raises(InputError, match=message):
            catalogue.get(name)


def test_a_source_is_found_by_the_path_of_a_folder_or_a_file(tmp_path: Path, make_source: MakeSource) -> None:
    folder = make_source(tmp_path, "one")
    exported = tmp_path / "elsewhere.graftsource"
    export_source(open_source(folder, "user"), exported)
    catalogue = Catalogue([])

    for place in (folder, str(exported), folder / "weights.safetensors"):
        source = catalogue.get(place)
        assert (source.id, source.origin) == ("one", "file")


def test_an_unknown_id_is_answered_with_the_names_that_come_near(
    tmp_path: Path, make_source: MakeSource
) -> None:
    make_source(tmp_path, "neurites-ca1")
    make_source(tmp_path, "nuclei-he")
    catalogue = Catalogue([(tmp_path, "user")])

    with pytest.raises(InputError, match=r"did you mean neurites-ca1\?"):
        catalogue.get("Neurites_CA1")
    with pytest.raises(InputError, match="choose one of neurites-ca1, nuclei-he"):
        catalogue.get("xyz")


def test_a_file_that_is_no_source_is_explained(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(InputError, match="damaged or no exported source"):
        Catalogue([]).get(tmp_path / "notes.txt")


def test_a_source_that_hides_another_is_told_of_once(
    tmp_path: Path, make_source: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("a", "b"):
        make_source(tmp_path / folder, "twin")
    for _ in range(2):
        found = Catalogue([(tmp_path / "a", "user"), (tmp_path / "b", "user")]).sources()
        assert [source.path.parent.name for source in found] == ["a"]

    assert [record.getMessage().count("hides the one in") for record in caplog.records] == [1]


def test_the_environment_names_further_folders_and_the_home(
    tmp_path: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source(tmp_path / "a", "from-a")
    make_source(tmp_path / "b", "from-b")
    make_source(tmp_path / "home" / "sources", "from-home")
    monkeypatch.setenv(
        "NAPARI_GRAFT_SOURCES", os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")])
    )
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(tmp_path / "home"))

    ids = {s.id for s in Catalogue().sources()}

    assert user_home() == tmp_path / "home"
    assert {"from-a", "from-b", "from-home"} <= ids


@pytest.mark.skipif(
    not Path(napari_graft.__file__).is_relative_to(Path(__file__).parents[2] / "src"),
    reason="the package is installed, and not run from the checkout",
)
def test_a_checkout_of_the_repository_adds_its_own_sources() -> None:
    repository = Path(__file__).parents[2]

    folders = {origin: folder for folder, origin in default_folders() if origin in ("repository", "built-in")}

    assert folders["built-in"] == repository / "src" / "napari_graft" / "data" / "sources"
    assert folders["repository"] == repository / "benchmarks" / "sources"
