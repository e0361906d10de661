"""A list to choose from, drawn row by row: only what is on the screen is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.theme import inks
from tui_voice.ui.widgets.card import Part

Row = TypeVar("Row")


class Choices(ScrollView, Generic[Row], can_focus=True):
    """Rows of `ROW` lines each; subclasses say by `draw` how one looks."""

    ROW: ClassVar[int] = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "above", show=False),
        Binding("down", "move(1)", "below", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("enter", "pick", "choose", show=False),
    ]

    class Moved(Message):
        """Another row is marked, or none."""

    class Picked(Message):
        """Enter or a second click on the marked row."""

    def __init__(self, *, glyphs: Glyphs = UNICODE, nothing: str = "", id: str | None = None):
        super().__init__(id=id)
        self._glyphs = glyphs
        self._nothing = nothing
        self._rows: Sequence[Row] = ()
        self.cursor = 0

    def draw(self, row: Row, width: int) -> list[list[Part]]:
        raise NotImplementedError

    # ── what it is told ─────────────────────────────────────────────────────────────────────

    def show(self, rows: Sequence[Row], cursor: int = 0, nothing: str | None = None) -> None:
        self._rows = rows
        self._nothing = self._nothing if nothing is None else nothing
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows) * self.ROW)
        self.cursor = -1
        self.move_to(cursor)
        self.refresh()

    @property
    def marked(self) -> Row | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def move_to(self, cursor: int) -> None:
        cursor = max(0, min(cursor, len(self._rows) - 1))
        if cursor == self.cursor:
            return
        self.cursor = cursor
        top, height = self.scroll_offset.y, self.size.height
        first = cursor * self.ROW
        if first < top or height < self.ROW:
            self.scroll_to(y=first, animate=False, immediate=True, force=True)
        elif first + self.ROW > top + height:
            self.scroll_to(y=first + self.ROW - height, animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Moved())

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * max(1, self.size.height // self.ROW - 1))

    def action_pick(self) -> None:
        if self.marked is not None:
            self.post_message(self.Picked())

    def on_click(self, event: events.Click) -> None:
        row = (self.scroll_offset.y + event.y) // self.ROW
        if row >= len(self._rows):
            return
        if row == self.cursor and event.chain > 1:
            self.action_pick()
        self.move_to(row)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        ink, width = inks(self.app.current_theme), self.size.width
        ground = self.rich_style
        number, line = divmod(self.scroll_offset.y + y, self.ROW)
        if not self._rows:
            parts: list[Part] = [(f"  {self._nothing}", "quiet")] if y == 1 else []
            number = -1
        elif number < len(self._rows):
            mark = self._glyphs.prompt if number == self.cursor and line == 0 else " "
            lines = self.draw(self._rows[number], width - 3)
            parts = [(f" {mark} ", "words"), *(lines[line] if line < len(lines) else [])]
        else:
            parts = []
        segments = [Segment(text, ink[name]) for text, name in parts]
        strip = Strip(segments).adjust_cell_length(width).apply_style(ground)
        if number == self.cursor and self._rows:
            chosen = Segment.apply_style(list(strip), post_style=ink["chosen-ground"])
            return Strip(chosen, width)
        return strip
