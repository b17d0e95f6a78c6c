from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from napari_graft.exchange.add import staging_folder


def test_nothing_is_left_when_a_source_was_added_or_refused(tmp_path: Path) -> None:
    with staging_folder(tmp_path) as folder:
        (folder / "weights").write_bytes(bytes(100))
        assert folder.is_relative_to(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_another_one_uses_is_not(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from napari_graft.exchange.add import staging_folder\n"
        "with staging_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'weights').write_bytes(bytes(100))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert list((tmp_path / "adding").glob("*/weights"))

    with staging_folder(tmp_path) as first, staging_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
        assert {path for path in (tmp_path / "adding").iterdir() if path.is_dir()} == {first, second}

    assert list(tmp_path.iterdir()) == []
