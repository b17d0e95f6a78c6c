from __future__ import annotations

import errno
import functools
import hashlib
import http.server
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edited import edit_document
from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.exchange import torchscript_file
from napari_graft.exchange.add import add_source
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.io import atomic
from napari_graft.sources.catalogue import Catalogue, user_sources
from napari_graft.sources.source import export_source, open_source

MakeSource = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, make_source: MakeSource) -> Path:
    folder = make_source(tmp_path / "theirs", "one")
    export_source(open_source(folder, "user"), tmp_path / "theirs" / "one.graftsource")
    return folder


@pytest.fixture
def server(tmp_path: Path, folder: Path) -> Iterator[str]:
    """Serve the folder above that of the source."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def _assert_added(home: Path, original: Path) -> None:
    source = Catalogue([(user_sources(home), "user")]).get("one")
    assert source.origin == "user"
    assert source.path == home / "sources" / "one"
    assert {p.name: p.read_bytes() for p in source.path.iterdir()} == {
        p.name: p.read_bytes() for p in original.iterdir()
    }
    assert sorted(p.name for p in user_sources(home).iterdir()) == ["one"]


@pytest.mark.parametrize("place", ["one", "one.graftsource", "one/weights.safetensors"])
def test_a_source_is_added_from_each_kind_of_place(tmp_path: Path, folder: Path, place: str) -> None:
    added = add_source(folder.parent / place, tmp_path / "home")

    assert added.id == "one"
    _assert_added(tmp_path / "home", folder)


@pytest.mark.parametrize("place", ["one/", "one.graftsource", "one/weights.safetensors"])
def test_a_source_is_added_from_each_kind_of_address(
    tmp_path: Path, folder: Path, server: str, place: str
) -> None:
    reports: list[Progress] = []

    add_source(f"{server}/{place}", tmp_path / "home", report=reports.append)

    _assert_added(tmp_path / "home", folder)
    assert reports
    assert not list((tmp_path / "home" / "downloads").iterdir())


def test_weights_with_another_name_than_ours_are_taken(tmp_path: Path, folder: Path) -> None:
    (folder / "weights.safetensors").rename(folder / "my-model.safetensors")

    added = add_source(folder / "my-model.safetensors", tmp_path / "home")

    assert (added.path / "weights.safetensors").is_file()


def test_a_fingerprint_that_is_not_served_is_missed_in_the_log(
    tmp_path: Path, folder: Path, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "fingerprint.safetensors").unlink()

    added = add_source(f"{server}/one/", tmp_path / "home")

    assert added.load_fingerprint() is None
    assert "without a fingerprint" in caplog.text


def test_a_download_with_another_checksum_is_refused(tmp_path: Path, folder: Path, server: str) -> None:
    url = f"{server}/one.graftsource"
    right = hashlib.sha256((folder.parent / "one.graftsource").read_bytes()).hexdigest()

    with pytest.raises(InputError, match="SHA-256"):
        add_source(url, tmp_path / "home", sha256="0" * 64)
    assert Catalogue([(user_sources(tmp_path / "home"), "user")]).sources() == []

    assert add_source(url, tmp_path / "home", sha256=right).id == "one"


def test_an_address_that_is_not_there_is_told(tmp_path: Path, server: str) -> None:
    with pytest.raises(InputError, match="404"):
        add_source(f"{server}/none.graftsource", tmp_path / "home")


def test_a_cancelled_download_adds_nothing(tmp_path: Path, server: str) -> None:
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        add_source(f"{server}/one.graftsource", tmp_path / "home", cancel=cancel)

    assert not user_sources(tmp_path / "home").exists()


def test_adding_twice_changes_nothing_but_another_source_of_that_id_is_refused(
    tmp_path: Path, folder: Path, make_source: MakeSource
) -> None:
    add_source(folder, tmp_path / "home")
    assert add_source(folder, tmp_path / "home").path == tmp_path / "home" / "sources" / "one"

    with pytest.raises(InputError, match="another source called 'one' is there already"):
        add_source(make_source(tmp_path / "others", "one", title="Another"), tmp_path / "home")
    _assert_added(tmp_path / "home", folder)


def test_another_source_takes_the_place_of_the_one_before_where_that_is_wished(
    tmp_path: Path, folder: Path, make_source: MakeSource
) -> None:
    other = make_source(tmp_path / "others", "one", title="Another")
    (other / "fingerprint.safetensors").unlink()
    add_source(folder, tmp_path / "home", options=ImportOptions(replaces=True))
    _assert_added(tmp_path / "home", folder)
    added = add_source(other, tmp_path / "home", options=ImportOptions(replaces=True))

    assert added.card.title == "Another"
    _assert_added(tmp_path / "home", other)


def test_a_full_disk_replaces_nothing(
    tmp_path: Path, folder: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_source(tmp_path / "others", "one", title="Another")
    add_source(folder, tmp_path / "home")
    real = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(atomic.TEMPORARY_SUFFIX):
            raise OSError(errno.ENOSPC, "full")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(StorageError, match="disk is full"):
        add_source(other, tmp_path / "home", options=ImportOptions(replaces=True))
    _assert_added(tmp_path / "home", folder)


def test_damaged_weights_and_fingerprints_are_not_added(tmp_path: Path, folder: Path) -> None:
    fingerprint = (folder / "fingerprint.safetensors").read_bytes()

    (folder / "fingerprint.safetensors").write_bytes(fingerprint[:-5])
    with pytest.raises(InputError, match="truncated"):
        add_source(folder, tmp_path / "home")
    (folder / "fingerprint.safetensors").write_bytes(fingerprint)
    (folder / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="checksum"):
        add_source(folder, tmp_path / "home")

    assert not user_sources(tmp_path / "home").exists()


def test_an_id_in_a_card_cannot_lead_out_of_the_folder(tmp_path: Path, folder: Path) -> None:
    edit_document(folder / "card.json", id="../../evil")

    with pytest.raises(InputError, match="id"):
        add_source(folder, tmp_path / "home")


def test_pickled_checkpoints_are_refused_with_the_formats_to_bring(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as file:
        file.writestr("model/data.pkl", b"x")

    with pytest.raises(InputError, match=r"pickled code and is never loaded.*bring a \.graftsource file"):
        add_source(tmp_path / "model.pt", tmp_path / "home")


def test_a_file_with_another_checksum_than_was_asked_for_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="SHA-256"):
        add_source(folder.parent / "one.graftsource", tmp_path / "home", sha256="0" * 64)


def test_a_package_and_a_torchscript_file_are_added_from_an_address(
    tmp_path: Path, folder: Path, server: str, bright_package: Path
) -> None:
    exported = folder.parent / "network.pt"
    shutil.copy(bright_package, folder.parent / "package.zip")
    source = add_source(bright_package, tmp_path / "first")
    torchscript_file.write(source, exported)
    sha256 = hashlib.sha256(bright_package.read_bytes()).hexdigest()

    packaged = add_source(f"{server}/package.zip", tmp_path / "second", sha256=sha256)
    written = add_source(f"{server}/network.pt", tmp_path / "third")

    assert packaged.read_files() == source.read_files()
    assert written.card.model_copy(update={"weights_sha256": ""}) == source.card.model_copy(
        update={"weights_sha256": ""}
    )


def test_a_download_of_a_package_that_was_cut_off_goes_on(
    tmp_path: Path, folder: Path, server: str, bright_package: Path
) -> None:
    shutil.copy(bright_package, folder.parent / "package.zip")
    data = bright_package.read_bytes()
    url = f"{server}/package.zip"
    place = tmp_path / "home" / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16]
    place.mkdir(parents=True)
    (place / "package.zip.partial").write_bytes(data[: len(data) // 2])
    reports: list[Progress] = []

    sha256 = hashlib.sha256(data).hexdigest()
    add_source(url, tmp_path / "home", sha256=sha256, report=reports.append)

    # The server of the tests sends all of it again where a part is asked for: what counts is that it fits.
    assert reports[-1].done == len(data)
    assert not list((tmp_path / "home" / "downloads").iterdir())


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        add_source(tmp_path / "none.graftsource", tmp_path / "home")


def test_a_full_disk_adds_nothing(folder: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(250 * 1024))

    with pytest.raises(StorageError, match="full"):
        add_source(folder, small_disk)

    assert Catalogue([(user_sources(small_disk), "user")]).sources() == []
    assert not list(user_sources(small_disk).iterdir())
