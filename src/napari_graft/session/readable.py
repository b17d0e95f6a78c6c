"""Leave out sources whose fingerprints cannot be read: one of them must not stop the comparison of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari_graft.core.errors import InputError
from napari_graft.core.progress import NOTE, Progress, Report
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.source import Source


def readable_sources(
    sources: Sequence[Source], report: Report
) -> Iterator[tuple[Source, Fingerprint | None]]:
    """Yield the sources whose fingerprints can be read or are not there, each with its general one.

    A note names each of the others. A file may be damaged, or be of another version of the program where a
    package or a colleague provides the source.
    """
    for source in sources:
        try:
            source.load_fingerprint()
            general = source.load_general_fingerprint()
        except InputError as error:
            report(Progress(0, None, f"{NOTE}left out: {error}"))
        else:
            yield source, general
