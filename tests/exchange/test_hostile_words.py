"""Programs that name what a network does not need in other words than torch writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile import BODY, program_with

from napari_graft.core.errors import InputError
from napari_graft.nets.foreign import read_program

OTHER_WORDS = {
    "triple quotes": 'getattr(torch, """save""")(x, "{marker}")',
    "an f-string": 'getattr(torch, f"save")(x, "{marker}")',
    "bytes": 'getattr(torch, b"save")(x, "{marker}")',
    "an escaped letter": 'getattr(torch, "\\x73ave")(x, "{marker}")',
    "letters that Python folds": 'torch.\u017fave(x, "{marker}")',
    "a namespace by getattr": 'getattr(ops, "aten").save(x, "{marker}")',
    "a default of getattr": 'getattr(torch, "save", None)(x, "{marker}")',
    "getattr of getattr": 'getattr(getattr(self, "x"), "save")(x)',
    "a dictionary": 'torch.__dict__["save"](x, "{marker}")',
    "a lambda": "(lambda q: q)(x)",
    "a method": 'x.save("{marker}")',
    "a constant": "CONSTANTS.c0.save(x)",
    "torchvision": 'ops.image.write_file("{marker}", x)',
    "the profiler": 'ops.profiler._record_function_enter("{marker}", None)',
    "a class of C++": "__torch__.torch.classes.foo.Bar()",
    "a keyword": 'open("{marker}", "w")',
    "memory of others": "torch.as_strided(x, [9], [9], 9)",
}


@pytest.mark.parametrize("call", OTHER_WORDS.values(), ids=OTHER_WORDS)
def test_what_is_not_needed_is_refused_in_whatever_words(tmp_path: Path, call: str) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(InputError):
        read_program(program_with(f"    y = {call.format(marker=marker)}\n{BODY}"), "the file")
    assert not marker.exists()
