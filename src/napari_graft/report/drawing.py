"""Pictures of the report: arrays as PNG files, and what the drawn figures share."""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]

SMALLEST_SIDE = 480
LARGEST_SIDE = 1200
_LARGEST_LOSSLESS = 64 << 10
"""Bytes of a picture that a page holds as it is: charts and labels without a noisy image are far smaller."""
_NOISY, _QUALITY = 4, 85


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, and what the page says of it.

    Parameters
    ----------
    name
        File name without the suffix.
    png
        Content of the file.
    size
        Width and height in pixels.
    alt
        What it shows, for those who do not see it.
    small
        The same as a WebP file for the page: pixels that the file repeats are in it once.
    """

    name: str
    png: bytes
    size: tuple[int, int]
    alt: str
    small: bytes

    @property
    def data_uri(self) -> str:
        """The picture of the page as an address that holds it."""
        return f"data:image/webp;base64,{b64encode(self.small).decode()}"

    @property
    def page_size(self) -> tuple[int, int]:
        """Width and height on the page, where two pixels of the file make one, so that it stays crisp."""
        return -(-self.size[0] // 2), -(-self.size[1] // 2)


def picture_of(pixels: NDArray[np.uint8], name: str, alt: str) -> Picture:
    """Make a picture of a grey (y, x) or coloured (y, x, 3) array, enlarged or thinned to a handy size."""
    fitted = to_rgb(fit_size(pixels))
    buffer = io.BytesIO()
    imsave(buffer, fitted, format="png")
    small = webp_of(to_rgb(_thin(pixels)))
    return Picture(name, buffer.getvalue(), (fitted.shape[1], fitted.shape[0]), alt, small)


def webp_of(pixels: Rgb) -> bytes:
    """Return a (y, x, 3) picture as WebP: without loss where that is small, else hardly different."""
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    # A look at how noisy it is, as the search for a file without loss takes half a second.
    if len(zlib.compress(np.ascontiguousarray(pixels).data, 1)) <= _NOISY * _LARGEST_LOSSLESS:
        picture.save(buffer, format="webp", lossless=True, method=2)
        if buffer.tell() <= _LARGEST_LOSSLESS:
            return buffer.getvalue()
        buffer = io.BytesIO()
    picture.save(buffer, format="webp", quality=_QUALITY, method=4)
    return buffer.getvalue()


def fit_size(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat pixels where the image is small, so that they stay sharp; leave pixels out where it is large."""
    height, width = pixels.shape[:2]
    repeats = max(1, min(-(-SMALLEST_SIDE // min(height, width)), LARGEST_SIDE // max(height, width)))
    return np.ascontiguousarray(_thin(pixels).repeat(repeats, 0).repeat(repeats, 1))


def _thin(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave pixels out where the image is large."""
    step = -(-max(pixels.shape[:2]) // LARGEST_SIDE)
    return np.ascontiguousarray(pixels[::step, ::step])


def to_rgb(pixels: NDArray[np.uint8]) -> Rgb:
    """Return a grey or coloured picture as (y, x, 3)."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., np.newaxis], 3, axis=2)


def blend(image: NDArray[np.uint8], colours: Rgb, strength: NDArray[np.float32]) -> Rgb:
    """Lay colours over a grey image, each pixel with its own strength between 0 and 1."""
    weight = strength[..., np.newaxis]
    mixed = (1 - weight) * to_rgb(image) + weight * colours
    return np.rint(mixed).astype(np.uint8)


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
