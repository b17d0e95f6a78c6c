"""Corrects objects at random until it is killed, and tells on its output what the window said was done.

Each line is a JSON list: ``["did", n_done, n_undone, n_locked, checksum of the labels]``.
"""

from __future__ import annotations

import json
import random
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from test_proofreading import Proofreader
from window import Window


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


def tell(proofreader: Proofreader) -> None:
    opened = proofreader.model.state.opened
    assert opened is not None
    checksum = zlib.crc32(opened.objects.labels.tobytes())
    say("did", opened.journal.n_done, opened.journal.n_undone, len(opened.objects.locked), checksum)


def act(proofreader: Proofreader, chance: random.Random) -> None:
    """Use a tool on random objects, or undo or redo."""
    tools, objects = proofreader.tools, proofreader.model.objects
    assert objects is not None
    kind = chance.choice(("merge", "split", "delete", "smooth", "lock", "undo", "undo", "redo"))
    if kind in ("undo", "redo"):
        (tools.undo if kind == "undo" else tools.redo)()
    else:
        free = [one for one in objects.ids() if one not in objects.locked or kind == "lock"]
        tools.choose(kind)  # type: ignore[arg-type]  # a name of a tool
        for one in chance.sample(free, min(2, len(free))) if kind == "merge" else free[:1]:
            pixels = list(zip(*(axis.tolist() for axis in objects.positions(one)), strict=True))
            for place in chance.sample(pixels, 2 if kind == "split" and len(pixels) > 1 else 1):
                tools.click(place)
                proofreader.window.wait()
        tools.confirm()
    proofreader.window.wait()


def main(folder: str, seed: str) -> None:
    chance = random.Random(int(seed))
    proofreader = Proofreader(Window(), Path(folder))
    proofreader.open()
    tell(proofreader)
    while True:
        act(proofreader, chance)
        tell(proofreader)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
