"""Change the documents of a project by hand, as a person does: the checksum goes, for it fits no more."""

from __future__ import annotations

import json
from pathlib import Path

from napari_graft.io.documents import CHECKSUM


def edit_document(path: Path, **changes: object) -> None:
    """Change some values of a document, and remove its checksum."""
    values = json.loads(path.read_text(encoding="utf-8"))
    values.pop(CHECKSUM, None)
    path.write_text(json.dumps(values | changes), encoding="utf-8")
