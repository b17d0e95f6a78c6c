"""The look of the dock: the colours of napari's theme, and few marks of our own."""

from __future__ import annotations

from dataclasses import dataclass, fields

from napari.utils.theme import get_theme


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme as text that style sheets and plots understand."""

    background: str
    foreground: str
    primary: str
    secondary: str
    highlight: str
    text: str
    current: str
    warning: str
    error: str
    is_dark: bool

    @property
    def faint(self) -> str:
        """Colour of what is less important than text."""
        return "#9aa0a6" if self.is_dark else "#5f6368"

    @property
    def accent(self) -> str:
        """Colour of the one next thing, legible on the theme's background."""
        return "#5b7be0" if self.is_dark else "#3457c9"

    @property
    def link(self) -> str:
        """Colour of words that can be clicked."""
        return "#9db4ff" if self.is_dark else self.accent

    @property
    def good(self) -> str:
        """Colour of what went well."""
        return "#57b37f" if self.is_dark else "#1e7a46"


def palette_of(theme: str) -> Palette:
    """Return the colours of a napari theme."""
    colours = get_theme(theme)
    names = [field.name for field in fields(Palette) if field.name != "is_dark"]
    hexadecimal = {name: getattr(colours, name).as_hex() for name in names}
    return Palette(**hexadecimal, is_dark=sum(colours.background.as_rgb_tuple()[:3]) < 3 * 128)


def style_sheet(palette: Palette) -> str:
    """Return the style of the dock; widgets choose a look by the property ``look``."""
    p = palette
    return f"""
    QLabel[look="next"] {{
        font-weight: 600; padding: 6px 8px; background: {p.foreground}; border-radius: 3px;
    }}
    QLabel[look="faint"] {{ color: {p.faint}; }}
    QLabel[look="title"] {{ font-weight: 600; }}
    QLabel[look="warning"] {{ color: {p.warning if p.is_dark else "#8a5a00"}; }}
    QLabel[look="error"] {{ color: {"#ff8a80" if p.is_dark else p.error}; }}
    QLabel[look="good"] {{ color: {p.good}; }}
    QLabel[look="key"] {{ background: {p.primary}; border-radius: 3px; padding: 0px 4px; font-size: 11px; }}
    QPushButton[look="primary"] {{
        background: {p.accent}; color: white; font-weight: 600; padding: 6px 12px; border-radius: 3px;
    }}
    QPushButton[look="primary"]:hover {{ background: {p.current}; }}
    QPushButton[look="primary"]:disabled {{ background: {p.foreground}; color: {p.faint}; }}
    QPushButton[look="quiet"] {{ padding: 4px 8px; }}
    QPushButton[look="link"] {{
        background: transparent; color: {p.link}; text-align: left; padding: 2px;
    }}
    QFrame[look="card"] {{ background: {p.foreground}; border-radius: 4px; }}
    QFrame[look="current"] {{ background: {p.foreground}; border: 1px solid {p.accent}; border-radius: 4px; }}
    QPushButton[look="chip"] {{ background: {p.primary}; border-radius: 9px; padding: 3px 8px; }}
    QTableView::indicator {{
        width: 11px; height: 11px; border: 1px solid {p.faint}; background: transparent;
    }}
    QTableView::indicator:checked {{ background: {p.accent}; border-color: {p.accent}; }}
    QScrollArea {{ border: none; }}
    QTabBar::tab {{ padding: 5px 6px; }}
    QCollapsible > QPushButton, QCollapsible > QPushButton:checked {{
        background: transparent; text-align: left; padding: 2px; border: none;
    }}
    QProgressBar {{ max-height: 8px; border-radius: 4px; background: {p.primary}; text-align: center; }}
    QProgressBar::chunk {{ background: {p.accent}; border-radius: 4px; }}
    """
