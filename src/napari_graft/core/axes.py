"""Names and physical size of an image's axes."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError

SPATIAL_NAMES = ("z", "y", "x")


@dataclass(frozen=True, slots=True)
class Axes:
    """Spatial axes of an image: their names, pixel size and unit.

    Parameters
    ----------
    names
        Spatial axes in order, ``("y", "x")`` or ``("z", "y", "x")``.
    pixel_size
        Physical length of a pixel along each axis, or None where it is unknown.
    unit
        Unit of `pixel_size`, for example ``"nm"``.
    """

    names: tuple[str, ...]
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"

    def __post_init__(self) -> None:
        if self.names not in (("y", "x"), SPATIAL_NAMES):
            raise InputError(
                f"axes {''.join(self.names)!r} are not supported: the spatial axes must be 'yx' or 'zyx'"
            )
        if self.pixel_size is None:
            return
        if len(self.pixel_size) != len(self.names):
            raise InputError(
                f"pixel size {self.pixel_size} has {len(self.pixel_size)} values for the "
                f"{len(self.names)} axes {''.join(self.names)!r}: give one value for each axis"
            )
        if not all(0 < size < float("inf") for size in self.pixel_size):
            raise InputError(
                f"pixel size {self.pixel_size} must be positive and finite: give the length of a pixel"
            )

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.names)

    def pixel_size_in(self, unit: str) -> tuple[float, ...] | None:
        """Return the pixel size in another unit of length, None where it is unknown."""
        if self.pixel_size is None:
            return None
        factor = nanometres_per(self.unit) / nanometres_per(unit)
        return tuple(size * factor for size in self.pixel_size)


_NAMES = {
    1e-3: ("pm", "picometer", "picometre"),
    0.1: ("angstrom", "ångstrom", "ångström", "å"),
    1.0: ("nm", "nanometer", "nanometre"),
    1e3: ("um", "micron", "micrometer", "micrometre", "µm", "μm", "âµm", "µ", "μ"),
    1e6: ("mm", "millimeter", "millimetre"),
    1e7: ("cm", "centimeter", "centimetre"),
    1e9: ("m", "meter", "metre"),
}
"""Names of units by their length in nanometres; µ is two letters of Unicode, and ``âµ`` is it misread."""
_NANOMETRES = {
    name + plural: length
    for length, names in _NAMES.items()
    for name in names
    for plural in ("", "s" * (len(name) > 4))
}


def nanometres_per(unit: str) -> float:
    """Return how many nanometres one `unit` is.

    Raises
    ------
    InputError
        If the unit is not a length that is known here.
    """
    try:
        return _NANOMETRES[unit.strip().lower()]
    except KeyError:
        raise InputError(f"unit {unit!r} is not a known length: use nm, um or mm") from None


_SHORT_UNITS = {1e-3: "pm", 0.1: "angstrom", 1.0: "nm", 1e3: "um", 1e6: "mm", 1e7: "cm", 1e9: "m"}


def short_unit(unit: str) -> str:
    """Return the short name of a unit of length, itself where it has none.

    >>> short_unit("micrometre")
    'um'

    Raises
    ------
    InputError
        If the unit is not a length that is known here.
    """
    return _SHORT_UNITS.get(nanometres_per(unit), unit)
