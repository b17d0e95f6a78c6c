"""The command that prints the figures quoted in the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def benchmark(
    name: Literal["throughput"],
    *,
    quick: bool = False,
    out: Path = Path("benchmark-results"),
    data: Path | None = None,
) -> None:
    """Run a benchmark, print its table and write OUT/NAME.json.

    Example: `napari-graft benchmark throughput --quick`

    Parameters
    ----------
    name
        Which benchmark.
    quick
        Fewer repeats and smaller images.
    out
        Folder for the result.
    data
        Folder with labelled images, for the benchmarks that need them.
    """
    from napari_graft.blockwise.throughput import run_throughput

    run_throughput(out, quick=quick)
