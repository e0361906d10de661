"""What our widgets share: colours by name, signs, and drawing line by line."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.theme import inks

Part = tuple[str, str]
"""Some text and the name of its ink (`theme.inks`)."""


class Drawn(Widget):
    """A widget that is given its signs, and takes its inks from the theme in force."""

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    @property
    def inks(self) -> dict[str, Style]:
        return inks(self.app.current_theme)

    def drawn(self, parts: list[Part]) -> Strip:
        """A line over the whole width."""
        ink = self.inks
        segments = [Segment(text, ink[name]) for text, name in parts]
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)


class Card(Drawn):
    """Says what it shows by `lines`; its height is their number unless the style fixes it."""

    def lines(self, width: int) -> list[list[Part]]:
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self.lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self.lines(self.size.width)
        return self.drawn(lines[y] if y < len(lines) else [])
