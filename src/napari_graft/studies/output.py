"""Where benchmarks may write: in a new folder, or in that of earlier ones."""

from __future__ import annotations

import re
from pathlib import Path

from napari_graft.io.file_kinds import Recogniser
from napari_graft.io.marks import is_our_json, is_our_log, is_our_png
from napari_graft.io.outputs import Input, Outputs

_STUDIES = ("first-look", "label-efficiency", "ranking", "merging", "robustness")
_DOCUMENTS = (*_STUDIES, "throughput", "responsiveness")
_LOG = re.compile(rf"({'|'.join(_STUDIES)})-(images|runs|transfers|readings)\.jsonl")
_FOLDERS = ("label-efficiency", "generalists")
"""What is in them is looked at when it is written: demonstrations and sources."""


def check_benchmark_output(out: Path, data: Path | None, *, overwrite: bool) -> Outputs:
    """Refuse a folder in which a benchmark would take the place of something else; return what may be there.

    Parameters
    ----------
    data
        Folder with the labelled images, None where the benchmark needs none.

    Raises
    ------
    InputError
        If it holds other files, or is, holds or lies in the folder of the images or a project.
    """
    inputs = () if data is None else (Input(data, "the folder of the labelled images"),)
    outputs = Outputs(inputs, overwrite)
    outputs.check_folder(out, _recogniser)
    return outputs


def _recogniser(name: str) -> Recogniser | None:
    if name in _FOLDERS:
        return Path.is_dir
    if _LOG.fullmatch(name):
        return is_our_log
    known: dict[str, Recogniser] = {f"{one}.json": is_our_json for one in _DOCUMENTS}
    return (known | {"ranking.png": is_our_png}).get(name)
