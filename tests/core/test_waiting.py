from __future__ import annotations

import os
import subprocess
import sys

import pytest

CASES = {
    "the command": "from napari_graft.cli import main; main(['--version'])",
    "the worker": "import runpy; runpy.run_module('napari_graft.engine', run_name='__main__')",
}
# The worker ends without the functions that are registered for the end.
BEFORE = """
import atexit, os, sys
end = os._exit
tell = lambda: print(os.environ["OMP_WAIT_POLICY"], file=sys.stderr, flush=True)
os._exit = lambda code: (tell(), end(code))
atexit.register(tell)
"""


@pytest.mark.parametrize("program", CASES)
@pytest.mark.parametrize("own", [None, "ACTIVE"])
def test_threads_sleep_while_they_wait_unless_the_user_wants_otherwise(program: str, own: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {} if own is None else {"OMP_WAIT_POLICY": own}

    done = subprocess.run(
        [sys.executable, "-c", f"{BEFORE}{CASES[program]}"],
        env=environment,
        input='{"kind": "close"}\n',
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.split()[-1] == (own or "PASSIVE")


def test_torch_is_not_loaded_before_it_is_decided_how_threads_wait() -> None:
    program = "import napari_graft.cli, sys; print('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
