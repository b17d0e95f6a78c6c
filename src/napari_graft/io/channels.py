"""Which channels of an image are looked at: one, or red, green and blue."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError, UnclearImageError
from napari_graft.io.axis_names import N_COLOURS

RGB = "rgb"
"""Says, in place of a channel, that the channels are red, green, blue and perhaps a transparency."""

Channel = int | str


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels of an image, as its file names them.

    Parameters
    ----------
    n
        Number of channels.
    names
        Their names, none or one for each.
    are_colours
        Whether they are red, green and blue: a photograph's are, those of a fluorescence microscope are not.
        None where the file does not say.
    as_slices
        Letters for all axes with which the channels are slices, empty where they cannot be.
    """

    n: int
    names: tuple[str, ...] = ()
    are_colours: bool | None = None
    as_slices: str = ""

    def listed(self) -> str:
        """Return the channels with their names in words, the first of many."""
        if len(self.names) != self.n:
            return f"{self.n} channels"
        shown = ", ".join(f"{i} {name}" for i, name in enumerate(self.names[:_N_LISTED]))
        return f"{self.n} channels ({shown}{', …' if self.n > _N_LISTED else ''})"

    def note(self, picked: int | None) -> str | None:
        """Return in words what was understood where the user did not say it, else None."""
        if picked is not None:
            known = f" {self.names[picked]!r}" if len(self.names) == self.n else ""
            return f"channel {picked}{known} of {self.n} is used" if self.n > 1 else None
        if self.n == 4:
            return "the fourth channel, transparency, is not used; --channel 3 takes it alone"
        if self.are_colours is None:
            return "the 3 channels are taken for red, green and blue; --channel 0 takes one of them"
        return None


_N_LISTED = 12


def pick_channel(channels: Channels | None, channel: Channel | None, path: str) -> int | None:
    """Return the channel to show, None where all are needed or there are none.

    Parameters
    ----------
    channel
        Index or name of one, `RGB`, or None where the user does not say.

    Raises
    ------
    InputError
        If there is no such channel, or it is not clear which is meant.
    """
    known = channels or Channels(1)
    if channel is not None and channel != RGB:
        picked = _index(known, channel, path)
        return None if channels is None else picked
    if channels is None:
        return None
    if known.n == 1:
        return 0
    if channel == RGB and known.n not in N_COLOURS:
        raise InputError(f"{path} has {known.listed()}, and colours are three or four: choose one of them")
    may_be_colours = known.are_colours or (known.are_colours is None and known.n == 3)
    if channel == RGB or (known.n in N_COLOURS and may_be_colours):
        return None
    remedy = f", or --channel {RGB} where they are red, green and blue" if known.n in N_COLOURS else ""
    remedy += f", or --axes {known.as_slices} where they are slices" if known.as_slices else ""
    raise UnclearImageError(
        f"{path} has {known.listed()}, and only grey and RGB images are understood",
        f"choose one channel from 0 to {known.n - 1} with --channel{remedy}",
    )


def _index(channels: Channels, channel: Channel, path: str) -> int:
    text = str(channel).strip()
    same = [i for i, name in enumerate(channels.names) if name.casefold() == text.casefold()]
    if len(same) == 1:
        return same[0]
    if text.isdecimal() and int(text) < channels.n:
        return int(text)
    if same:
        raise InputError(f"{path} has {len(same)} channels called {text!r}: choose one of {same}")
    raise InputError(
        f"{path} has no channel {text}, it has {channels.listed()}: choose one from 0 to {channels.n - 1}"
    )
