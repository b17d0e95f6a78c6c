"""What the drawn figures share: size, colours for a light and a dark page, and PNG output."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from napari_graft.report.pictures import Picture, webp_of

CSS_DPI = 96
SHARPNESS = 2
FONT = 9.75  # points, 13 px on the page


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure on a light or a dark page.

    Parameters
    ----------
    suffix
        What a file name ends in.
    page, ink, faint, grid, band
        Ground, words, lesser words, lines, and the band of chance.
    adapted, scratch, other
        Models: adapted, trained from scratch, and all that is not compared. The first two are a blue and an
        orange of Okabe and Ito (2008), told apart with any colour vision.
    """

    suffix: str
    page: str
    ink: str
    faint: str
    grid: str
    band: str
    adapted: str
    scratch: str
    other: str


LIGHT = Theme("", "#ffffff", "#1c2329", "#5d6872", "#e3e7ea", "#e9eef2", "#0072b2", "#c65102", "#a9b2ba")
DARK = Theme("-dark", "#171c21", "#e6eaed", "#9aa5ae", "#2c343b", "#252d34", "#56b4e9", "#e69f00", "#5c6770")


@dataclass(frozen=True, slots=True)
class ThemedPicture:
    """The drawing for a light page with the one for a dark page."""

    light: Picture
    dark: Picture


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """Return an empty figure of a size in pixels of the page."""
    figure = Figure((width / CSS_DPI, height / CSS_DPI), dpi=CSS_DPI * SHARPNESS, facecolor=theme.page)
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, box: tuple[float, float, float, float], theme: Theme) -> Axes:
    """Add axes at left, top, width and height in pixels of the page, with quiet lines."""
    width, height = (side * CSS_DPI for side in figure.get_size_inches())
    left, top, w, h = box
    axes = figure.add_axes(
        (left / width, 1 - (top + h) / height, w / width, h / height), facecolor=theme.page
    )
    axes.tick_params(length=0, labelsize=FONT, labelcolor=theme.faint, pad=6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme.grid)
    return axes


def write_on(axes: Axes, x: float, y: float, words: str, **style: object) -> Text:
    """Write words exactly as they are; a dollar sign starts no formula."""
    return axes.text(x, y, words, parse_math=False, **{"fontsize": FONT, **style})  # type: ignore[arg-type]


def save(figure: Figure, name: str, alt: str) -> Picture:
    """Return the figure as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    width, height = (round(side * figure.dpi) for side in figure.get_size_inches())
    drawn = np.asarray(Image.open(buffer).convert("RGB"))
    return Picture(name, buffer.getvalue(), (width, height), alt, webp_of(drawn))
