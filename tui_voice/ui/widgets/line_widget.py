"""Base classes of the widgets: text in named styles, drawn line by line.

Textual's own renderer looks at border, padding, tint and opacity of a widget for each line that
changed. Our widgets have none of these, so `CachedLinesWidget` renders a line once, and again when
it changed.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.theme import theme_styles

StyledText = tuple[str, str]
"""A text and the name of its style (a key of `theme.theme_styles`)."""


def finished(widget: Widget, strips: list[Strip], ground: Color) -> list[Strip]:
    """Returns the lines with Textual's filters applied, for example the one for `NO_COLOR`.
    `ground`: the background of the widget.
    """
    if filters := widget.get_line_filters():
        for line_filter in filters:
            strips = [strip.apply_filter(line_filter, ground) for strip in strips]
    return strips


def cropped(strips: list[Strip], crop: Region) -> list[Strip]:
    """Returns the part of a widget's lines that lies in `crop`."""
    first, last = crop.column_span
    return [
        strip if first == 0 and strip.cell_length == last else strip.crop(first, last)
        for strip in strips[crop.y : crop.bottom]
    ]


class CachedLinesWidget(Widget):
    """A widget without border and padding that keeps its lines until they change."""

    ALLOW_SELECT: ClassVar[bool] = False  # nobody copies figures and key names

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kept: list[Strip | None] = []
        self._kept_width = 0
        self._styles_and_ground: tuple[dict[str, Style], Style] | None = None
        self._background: Color | None = None

    @property
    def styles_and_ground(self) -> tuple[dict[str, Style], Style]:
        """The styles of the theme by name, and the widget's own style with the background."""
        if self._styles_and_ground is None:
            self._styles_and_ground = (theme_styles(self.app.current_theme), self.rich_style)
        return self._styles_and_ground

    def notify_style_update(self) -> None:
        self._styles_and_ground = self._background = None
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
        width, height = self.outer_size
        if len(self._kept) != height or (self._kept_width != width):
            self._kept, self._kept_width = [None] * height, width
        if self._background is None:
            self._background = self.background_colors[1]
        for y, strip in enumerate(self._kept):
            if strip is None:
                self._kept[y] = finished(self, [self.render_line(y)], self._background)[0]
        return cropped([strip for strip in self._kept if strip is not None], crop)


class LineWidget(CachedLinesWidget):
    """A widget with a set of glyphs and the styles of the current theme."""

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def styled_line(self, parts: list[StyledText]) -> Strip:
        """Returns a line as wide as the widget."""
        styles, ground = self.styles_and_ground
        segments = [Segment(text, styles[name]) for text, name in parts]
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(ground)


class BlockWidget(LineWidget):
    """A widget of several lines, as many as `lines` returns unless the CSS fixes the height."""

    def lines(self, width: int) -> list[list[StyledText]]:
        """Returns the lines for a width in columns."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self.lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self.lines(self.size.width)
        return self.styled_line(lines[y] if y < len(lines) else [])
