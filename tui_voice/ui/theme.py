"""The colours: one for the user, one for the assistant, greys for all else.

Our themes are `tui-voice` and `tui-voice-light`. In any other Textual theme the user has its
warning colour and the assistant its success colour, unless the theme sets our variables itself.
"""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="tui-voice",
    dark=True,
    primary="#8fd19e",
    secondary="#7a808c",
    accent="#8fd19e",
    success="#8fd19e",
    warning="#e0a458",
    error="#e5686c",
    foreground="#dfe2e8",
    background="#15161b",
    surface="#1c1e25",
    panel="#23262f",
    variables={
        "scrollbar": "#343742",
        "scrollbar-hover": "#454955",
        "scrollbar-active": "#454955",
        "scrollbar-background": "#1c1e25",
        "scrollbar-background-hover": "#1c1e25",
        "scrollbar-background-active": "#1c1e25",
    },
)
LIGHT = Theme(
    name="tui-voice-light",
    dark=False,
    primary="#22733f",
    secondary="#6a6f7a",
    accent="#22733f",
    success="#22733f",
    warning="#935700",
    error="#b3262b",
    foreground="#22252b",
    background="#fbfaf7",
    surface="#f1efea",
    panel="#e8e5de",
    variables={
        "scrollbar": "#d0ccc2",
        "scrollbar-hover": "#bdb8ac",
        "scrollbar-active": "#bdb8ac",
        "scrollbar-background": "#f1efea",
        "scrollbar-background-hover": "#f1efea",
        "scrollbar-background-active": "#f1efea",
    },
)
THEMES = (DARK, LIGHT)


@lru_cache(maxsize=32)
def _colour_variables(colours: tuple[str | None, ...], dark: bool) -> dict[str, str]:
    """`colours`: background, foreground, and the colours of user, voice and errors."""
    given_ground, given_ink, given_user, given_voice, given_alarm = colours
    ground = _colour(given_ground, "#15161b" if dark else "#fbfaf7")
    ink = _colour(given_ink, "#dfe2e8" if dark else "#22252b")

    def grey(share: float) -> str:
        return ground.blend(ink, share).hex6

    return {
        "ground": ground.hex6,
        "ink": ink.hex6,
        "user": _colour(given_user, "#e0a458" if dark else "#935700").hex6,
        "voice": _colour(given_voice, "#8fd19e" if dark else "#22733f").hex6,
        "alarm": _colour(given_alarm, "#e5686c" if dark else "#b3262b").hex6,
        "machine": grey(0.72),
        "quiet": grey(0.52 if dark else 0.62),
        "faint": grey(0.30),
        "rule": grey(0.16),
        "chosen": grey(0.09),
        "bar-cached": grey(0.36),
        "bar-text": grey(0.64),
        "bar-audio": grey(0.95),
    }


def colour_variables(theme: Theme) -> dict[str, str]:
    """Returns our CSS variables for a theme. All are opaque."""
    colours = (theme.background, theme.foreground, theme.warning, theme.success, theme.error)
    return _colour_variables(colours, theme.dark) | {
        name: value for name, value in theme.variables.items() if name in OURS
    }


def _colour(text: str | None, instead: str) -> Color:
    """Returns a colour of a theme; `instead` where it has none, or leaves it to the terminal."""
    colour = Color.parse(text or instead)
    return Color.parse(instead) if colour.ansi is not None else Color(colour.r, colour.g, colour.b)


OURS = frozenset({"user", "voice", "alarm", "machine", "quiet", "faint", "rule", "chosen"})
"""Variables that a theme may set by itself."""


@lru_cache(maxsize=32)
def _theme_styles(colours: tuple[tuple[str, str], ...]) -> dict[str, Style]:
    colour = dict(colours)

    def foreground(name: str, *, bold: bool | None = None, strike: bool | None = None) -> Style:
        return Style(color=colour[name], bold=bold, strike=strike)

    return {
        "words": foreground("ink"),
        "strong": foreground("ink", bold=True),
        "user": foreground("user"),
        "voice": foreground("voice"),
        "machine": foreground("machine"),
        "quiet": foreground("quiet"),
        "faint": foreground("faint"),
        "rule": foreground("rule"),
        "unheard": foreground("quiet", strike=True),
        "alarm": foreground("alarm", bold=True),
        "cached": foreground("bar-cached"),
        "text": foreground("bar-text"),
        "audio": foreground("bar-audio"),
        "live": Style(color=colour["ground"], bgcolor=colour["machine"], bold=True),
        "live-voice": Style(color=colour["ground"], bgcolor=colour["voice"], bold=True),
        "live-user": Style(color=colour["ground"], bgcolor=colour["user"], bold=True),
        "chosen": Style(color=colour["ink"], bgcolor=colour["chosen"]),
        "chosen-ground": Style(bgcolor=colour["chosen"]),
    }


def theme_styles(theme: Theme) -> dict[str, Style]:
    """Returns the styles of our widgets by name. `live…` and `chosen…` have a background."""
    return _theme_styles(tuple(colour_variables(theme).items()))
