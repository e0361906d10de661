"""What the cards of the side panel share: lines of styled parts, drawn as they are needed."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui_voice.ui.glyphs import UNICODE, Glyphs

STYLES = (
    "label", "figure", "machine", "quiet", "faint", "cached", "text", "audio", "chosen", "alarm",
)  # fmt: skip
Part = tuple[str, str]
"""Some text and the style it has."""


class Card(Widget):
    """Says what it shows by `lines`; its height is their number unless the style fixes it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"card--{name}" for name in STYLES}

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def lines(self, width: int) -> list[list[Part]]:
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self.lines(width))

    def render_line(self, y: int) -> Strip:
        width, ground = self.size.width, self.rich_style
        lines = self.lines(width)
        parts = lines[y] if y < len(lines) else []
        segments = [
            Segment(text, self.get_component_rich_style(f"card--{style}", partial=True))
            for text, style in parts
        ]
        return Strip(segments).adjust_cell_length(width).apply_style(ground)
