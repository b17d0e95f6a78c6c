"""Option types that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Names = Annotated[list[str] | None, Parameter(consume_multiple=True)]
PixelSize = Annotated[tuple[float, ...] | None, Parameter(consume_multiple=True)]
Device = Literal["auto", "cpu", "cuda"]
Json = Annotated[bool, Parameter(name="--json", negative="")]
OutFolder = Annotated[Path, Parameter(name="--out")]
