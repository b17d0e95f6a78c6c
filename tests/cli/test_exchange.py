"""Sources from and for other programs, by the commands."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))

from foreign import bright_package, edges_package  # noqa: F401 - fixtures
from tiny_loop import make_sample

from napari_graft.io import open_labels
from napari_graft.metrics import evaluate
from napari_graft.sources.catalogue import user_home, user_sources

Graft = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_sources() -> Iterator[None]:
    yield
    shutil.rmtree(user_sources(user_home()), ignore_errors=True)


def test_a_package_is_added_listed_ranked_compared_and_predicted_with_but_not_trained(
    graft: Graft,
    tmp_path: Path,
    bright_package: Path,  # noqa: F811 - the fixture
    image: Path,
    labels: Path,
) -> None:
    project, out = tmp_path / "p.graft", tmp_path / "segments.tif"
    added = graft("sources", "add", bright_package)
    assert added.code == 0
    assert "its answer is taken as foreground, boundary" in added.err
    row = next(row for row in graft("sources", "list", "--json").document if row["id"] == "bright-nuclei")
    assert (row["origin"], row["structure"], row["license"]) == ("user", "nuclei", "CC-BY-4.0")
    assert (
        graft("sources", "show", "bright-nuclei", "--json").document["spec"]["architecture"] == "torchscript"
    )

    assert graft("new", project, "--image", image, "--structure", "nuclei").code == 0
    assert graft("predict", project, "--source", "bright-nuclei", "--out", out).code == 0
    assert evaluate(open_labels(out).data[:], make_sample().segments).dice > 0.9
    compared = graft(
        "compare", project, "--sources", "bright-nuclei", "tiny-nuclei", "--out", tmp_path / "compared"
    )
    assert compared.code == 0
    suggested = graft("suggest", project, "--n", "1", "--tile", "64", "--source", "bright-nuclei", "--json")
    assert len(suggested.document) == 1
    assert graft("annotate", project, "--labels", labels).code == 0
    ranked = {row["source"]: row for row in graft("rank", project, "--json").document}
    assert ranked["bright-nuclei"]["z"] is None
    assert 0 <= ranked["bright-nuclei"]["consistency"] <= 1
    assert 0 <= ranked["bright-nuclei"]["few_shot"] <= 1
    assert 0 <= ranked["tiny-nuclei"]["few_shot"] <= 1
    trained = graft("train", project, "--source", "bright-nuclei", "--steps", "1")
    assert trained.refuses("bright-nuclei", "finished network")
    tried = graft("trial", project, "--sources", "tiny-nuclei", "bright-nuclei", "--steps", "1")
    assert tried.refuses("bright-nuclei", "finished network")


def test_a_source_is_exported_in_each_format_and_comes_back(graft: Graft, tmp_path: Path) -> None:
    for name, suffix in (("bioimageio", ".zip"), ("torchscript", ".pt"), ("graftsource", ".graftsource")):
        out = tmp_path / f"nuclei{suffix}"
        assert graft("sources", "export", "tiny-nuclei", "--out", out, "--format", name).code == 0
        assert graft("sources", "add", out).code == 0
        shutil.rmtree(user_sources(user_home()))
    answer = graft("sources", "export", "tiny-nuclei", "--out", tmp_path / "x", "--format", "floppy")
    assert answer.refuses("floppy", "bioimageio", "torchscript", "graftsource")


@pytest.mark.parametrize(
    ("name", "format_name", "words"),
    [
        ("x.tif", "graftsource", ("graftsource", "write x.graftsource")),
        ("x", "bioimageio", ("bioimageio", "write x.zip")),
        ("x.graftsource", "torchscript", ("torchscript", "write x.pt", "--format graftsource")),
        ("x.ZIP", "graftsource", ("write x.graftsource", "--format bioimageio")),
    ],
)
def test_a_source_is_written_under_a_name_that_tells_what_it_is(
    graft: Graft, tmp_path: Path, name: str, format_name: str, words: tuple[str, ...]
) -> None:
    for overwrite in ((), ("--overwrite",)):
        out = tmp_path / name
        answer = graft("sources", "export", "tiny-nuclei", "--out", out, "--format", format_name, *overwrite)
        assert answer.refuses(name, *words)
        assert not out.exists()
        out.write_bytes(b"the user's")
        assert graft("sources", "export", "tiny-nuclei", "--out", out, "--format", format_name).code == 2
        assert out.read_bytes() == b"the user's"
        out.unlink()


def test_what_cannot_be_added_is_told_in_words(
    graft: Graft,
    tmp_path: Path,
    bright_package: Path,  # noqa: F811 - the fixture
) -> None:
    data = bright_package.read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(tmp_path / "outside.zip", "w") as file:
        file.writestr("rdf.yaml", "type: model")
        file.writestr("../outside.txt", "x")
    with zipfile.ZipFile(tmp_path / "checkpoint.pt", "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02")

    assert graft("sources", "add", tmp_path / "cut.zip").refuses("cut.zip")
    assert graft("sources", "add", tmp_path / "outside.zip").refuses("leads out of it")
    assert graft("sources", "add", tmp_path / "checkpoint.pt").refuses("pickled code")
    assert graft("sources", "add", bright_package, "--sha256", "0" * 64).refuses("SHA-256")
    assert graft("sources", "add", bright_package, "--outputs", "sky").refuses("sky", "foreground")
    assert graft("sources", "add", bright_package, "--structure", "sky").refuses("sky", "nuclei")
    assert not user_sources(user_home()).exists()


def test_a_package_of_unknown_structure_is_added_and_that_is_said(
    graft: Graft,
    tmp_path: Path,
    edges_package: Path,  # noqa: F811 - the fixture
) -> None:
    with zipfile.ZipFile(edges_package) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["rdf.yaml"] = files["rdf.yaml"].replace(b"Bright nuclei", b"Bright things")
    with zipfile.ZipFile(tmp_path / "things.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)

    answer = graft("sources", "add", tmp_path / "things.zip")

    assert answer.code == 0
    assert "--structure" in answer.err
    assert graft("sources", "show", "bright-things", "--json").document["structure"] == "any"
    again = ("sources", "add", tmp_path / "things.zip", "--structure", "nuclei")
    assert graft(*again).refuses("bright-things", "--replace")
    assert graft(*again, "--replace").code == 0
    assert graft("sources", "show", "bright-things", "--json").document["structure"] == "nuclei"
