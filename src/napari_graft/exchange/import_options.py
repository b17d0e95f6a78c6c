"""Import options: what a person says about a source that its file does not say."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError
from napari_graft.sources.card import STRUCTURES, Structure
from napari_graft.sources.foreign_spec import MEANINGS, Meaning


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Import options: what the file of a source does not say and a person knows.

    Parameters
    ----------
    outputs
        What each channel of its answer means: foreground, boundary, background, distance, affinity or
        unused; empty where the file says it.
    structure
        What it finds; not set where the file says it.
    replaces
        Whether it takes the place of a source of the user's own that has its id.
    """

    outputs: tuple[Meaning, ...] = ()
    structure: Structure | None = None
    replaces: bool = False

    @classmethod
    def of_words(cls, outputs: str | None, structure: str | None, *, replaces: bool = False) -> ImportOptions:
        """Return the options from words as they are typed: ``"foreground,boundary"`` and ``"nuclei"``.

        Raises
        ------
        InputError
            If a word is unknown.
        """
        words = [word.strip() for word in outputs.split(",")] if outputs else []
        known: dict[str, Meaning] = {meaning: meaning for meaning in MEANINGS}
        structures: dict[str, Structure] = {name: name for name in STRUCTURES}
        for word in words:
            if word not in known:
                raise InputError(
                    f"output {word!r} is unknown: use {', '.join(MEANINGS)}, separated by commas"
                )
        if structure is not None and structure not in structures:
            raise InputError(f"structure {structure!r} is unknown: use one of {', '.join(STRUCTURES)}")
        wanted = None if structure is None else structures[structure]
        return cls(tuple(known[word] for word in words), wanted, replaces)


DEFAULT_IMPORT = ImportOptions()
