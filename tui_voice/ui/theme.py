"""Three voices of colour: the user, the assistant, the machine. Taken from the theme in force.

Ours are `tui-voice` and `tui-voice-light`; any other Textual theme lends its warning colour to the
user and its success colour to the assistant, unless it sets the variables itself.
"""

from __future__ import annotations

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
    variables={"scrollbar": "#2b2e38", "scrollbar-hover": "#3a3e4a", "border": "#31343e"},
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
    variables={"scrollbar": "#d9d5cc", "scrollbar-hover": "#c4bfb3", "border": "#d5d1c8"},
)
THEMES = (DARK, LIGHT)


def voices(theme: Theme) -> dict[str, str]:
    """Our own colour variables for a theme: solid, so that they can be drawn on any ground."""
    system = theme.to_color_system()
    generated = system.generate()
    ground = _colour(theme.background or generated["background"], theme.dark)
    ink = _colour(theme.foreground or generated["foreground"], theme.dark, ink=True)
    user = theme.warning or generated["warning"]
    voice = theme.success or generated["success"]

    def grey(share: float) -> str:
        return ground.blend(ink, share).hex6

    return {
        "user": user,
        "voice": voice,
        "ink": ink.hex6,
        "machine": grey(0.72),
        "quiet": grey(0.52 if theme.dark else 0.62),
        "faint": grey(0.24),
        "rule": grey(0.16),
        "chosen": grey(0.09),
        "bar-cached": grey(0.40),
        "bar-text": grey(0.66),
        "bar-audio": grey(0.95),
        "voice-ink": ground.hex6,
    }


def _colour(text: str, dark: bool, *, ink: bool = False) -> Color:
    """A theme's colour; what depends on the terminal (`ansi_default`) is guessed."""
    colour = Color.parse(text)
    if colour.ansi is not None:
        return Color.parse("#e0e0e0" if dark is ink else "#161616")
    return Color(colour.r, colour.g, colour.b)
