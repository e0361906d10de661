"""What our widgets share: colours by name, signs, and drawing line by line.

Textual's own way from a line to the screen looks at borders, padding, tints and opacity of every
widget again at each change of any of them. Ours have none of these: `Plain` draws a line once, and
again when it has changed.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.theme import inks

Part = tuple[str, str]
"""Some text and the name of its ink (`theme.inks`)."""


def finished(widget: Widget, strips: list[Strip]) -> list[Strip]:
    """Lines of a widget where what the terminal cannot show is replaced (`NO_COLOR`)."""
    if filters := widget.get_line_filters():
        ground = widget.background_colors[1]
        for line_filter in filters:
            strips = [strip.apply_filter(line_filter, ground) for strip in strips]
    return strips


def cropped(strips: list[Strip], crop: Region) -> list[Strip]:
    """Of all lines of a widget those that are wanted, cut to what is wanted of each."""
    first, last = crop.column_span
    return [
        strip if first == 0 and strip.cell_length == last else strip.crop(first, last)
        for strip in strips[crop.y : crop.bottom]
    ]


class Plain(Widget):
    """A widget without border and padding, whose lines are kept until they change."""

    ALLOW_SELECT: ClassVar[bool] = False  # figures and keys are no text to be copied

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kept: list[Strip | None] = []
        self._kept_width = 0
        self._dress: tuple[dict[str, Style], Style] | None = None

    @property
    def dress(self) -> tuple[dict[str, Style], Style]:
        """The theme's inks by name, and what they stand on."""
        if self._dress is None:
            self._dress = (inks(self.app.current_theme), self.rich_style)
        return self._dress

    def notify_style_update(self) -> None:
        self._dress = None
        self._kept = []
        super().notify_style_update()

    def refresh(self, *regions: Region, **how: Any) -> Self:
        if not regions:
            self._kept = []
        for region in regions:
            span = slice(region.y, min(region.bottom, len(self._kept)))
            self._kept[span] = [None] * len(self._kept[span])
        return super().refresh(*regions, **how)

    def render_lines(self, crop: Region) -> list[Strip]:
        width, height = self.size
        if len(self._kept) != height or (self._kept_width != width):
            self._kept, self._kept_width = [None] * height, width
        for y, strip in enumerate(self._kept):
            if strip is None:
                self._kept[y] = finished(self, [self.render_line(y)])[0]
        return cropped([strip for strip in self._kept if strip is not None], crop)


class Drawn(Plain):
    """A widget that is given its signs, and takes its inks from the theme in force."""

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def drawn(self, parts: list[Part]) -> Strip:
        """A line over the whole width."""
        ink, ground = self.dress
        segments = [Segment(text, ink[name]) for text, name in parts]
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(ground)


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
