"""The colours: one for the user, one for the assistant, greys for all else.

Our themes are `tui-voice` and `tui-voice-light`. In any other Textual theme the user has its
warning colour and the assistant its success colour, unless the theme sets our variables itself.
In every theme a text has a contrast of at least `LEAST_CONTRAST`: a colour with less is mixed with
white or black until it has that.
"""

from __future__ import annotations

from collections.abc import Sequence
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


LEAST_CONTRAST = 4.5
"""Of a text to its background, as in WCAG 2.2, 1.4.3: (lighter + 0.05) / (darker + 0.05)."""


def contrast(one: Color, other: Color) -> float:
    """Returns the contrast of two colours, 1 to 21, by their relative luminance as in WCAG 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: Color, grounds: Sequence[Color]) -> Color:
    """Returns the colour, mixed with so little white or black that it can be read on each ground;
    white or black where no mixture can.
    """

    def least(mixed: Color) -> float:
        return min(contrast(mixed, ground) for ground in grounds)

    end = max((Color(255, 255, 255), Color(0, 0, 0)), key=least)
    mixtures = (colour.blend(end, percent / 100) for percent in range(0, 100, 2))
    return next((mixed for mixed in mixtures if least(mixed) >= LEAST_CONTRAST), end)


@lru_cache(maxsize=32)
def _colour_variables(colours: tuple[str | None, ...], dark: bool) -> dict[str, str]:
    """`colours`: background, surface, panel, foreground, and those of user, voice and errors."""
    given_ground, given_surface, given_panel, given_ink, *given_rest = colours
    ground = _colour(given_ground, "#15161b" if dark else "#fbfaf7")
    surface = _colour(given_surface, ground.hex6)
    panel = _colour(given_panel, surface.hex6)
    text = _colour(given_ink, "#dfe2e8" if dark else "#22252b")
    chosen, rule = ground.blend(text, 0.09), ground.blend(text, 0.16)
    grounds = [ground, surface, chosen]
    ink = readable(text, [*grounds, panel, rule])
    usual = ("#e0a458", "#8fd19e", "#e5686c") if dark else ("#935700", "#22733f", "#b3262b")
    user, voice, alarm = (
        readable(_colour(colour, instead), grounds)
        for colour, instead in zip(given_rest, usual, strict=True)
    )

    def grey(share: float) -> Color:
        return ground.blend(ink, share)

    found = {
        "ground": ground,
        "ink": ink,
        "user": user,
        "voice": voice,
        "alarm": alarm,
        "machine": readable(grey(0.76), [*grounds, panel]),
        "quiet": readable(grey(0.52), grounds),
        "faint": grey(0.30),
        "rule": rule,
        "chosen": chosen,
        "bar-cached": grey(0.36),
        "bar-text": grey(0.64),
        "bar-audio": grey(0.95),
    }
    return {name: colour.hex6 for name, colour in found.items()}


def colour_variables(theme: Theme) -> dict[str, str]:
    """Returns our CSS variables for a theme. All are opaque."""
    grounds: tuple[str | None, ...] = (theme.background, theme.surface, theme.panel)
    if None in grounds:  # Textual derives what the theme leaves out
        derived = theme.to_color_system().generate()
        grounds = tuple(derived[name] for name in ("background", "surface", "panel"))
    colours = (*grounds, theme.foreground, theme.warning, theme.success, theme.error)
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
        "chip": Style(color=colour["ink"], bgcolor=colour["rule"]),
        "live-user": Style(color=colour["ground"], bgcolor=colour["user"], bold=True),
        "chosen": Style(color=colour["ink"], bgcolor=colour["chosen"]),
        "chosen-ground": Style(bgcolor=colour["chosen"]),
    }


def theme_styles(theme: Theme) -> dict[str, Style]:
    """Returns the styles of our widgets by name. `live…` and `chosen…` have a background."""
    return _theme_styles(tuple(colour_variables(theme).items()))
