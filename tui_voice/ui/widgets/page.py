"""A talk as lines: which of them are to be seen, which have changed, which are selected.

The lines of a turn are painted once (`Painter`) and kept; here they are put under one another,
and those that are chosen or selected are given another ground.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui_voice.ui.document import Block, Document, Mark, Place
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.number_format import plural
from tui_voice.ui.painting import GUTTER, NAMES, Painter, Palette
from tui_voice.ui.pruning_rows import Worth
from tui_voice.ui.theme import inks
from tui_voice.ui.widgets.card import cropped, finished
from tui_voice.ui.wrapping import clean, wrap

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turns

_ROWS = 1 << 20
"""More than any block has lines: the offset of a selected line is its block and its row in it, so
that it stays what it is while heights above it are still being found out.
"""


class Page(ScrollView):
    """The drawing half of the transcript."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        timestamps: bool = True,
        empty: tuple[str, ...] = (),
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._timestamps = timestamps
        self._worths: dict[str, Worth | None] = {}
        self._empty = empty
        self._turns: Turns | None = None
        self._compactions: tuple[Compaction, ...] = ()
        self._started: datetime | None = None
        self._painter: Painter | None = None
        self.document = Document(self._measure, self._estimate)
        self._unseen = 0
        self.cursor: str | None = None
        """Id of the chosen turn or pruning."""
        self.painted_lines = 0
        """Lines drawn because they changed, for those who measure."""
        self._shown: list[Strip] = []
        self._ready_made: list[Strip] = []
        self._stale = True  # these two are not what is to be seen
        self._dressed: dict[tuple[str, int], tuple[Strip, Strip]] = {}
        self._welcome: tuple[object, list[Strip]] = (None, [])
        self._ground = self._chosen_style = Style()

    def set_empty(self, lines: tuple[str, ...]) -> None:
        """What stands here while nothing has been said."""
        if lines != self._empty:
            self._empty = lines
            if not self._turns:
                self.refresh()

    # ── measuring ───────────────────────────────────────────────────────────────────────────

    @property
    def _count(self) -> int:
        return len(self._turns) if self._turns is not None else 0

    @property
    def _ready(self) -> bool:
        return self.size.width > 0

    @property
    def painter(self) -> Painter:
        if self._painter is None:
            ink = inks(self.app.current_theme)
            self._ground = self.rich_style
            self._chosen_style = ink["chosen-ground"]
            names = ("user", "voice", "machine", "quiet", "faint", "words", "unheard")
            palette = Palette(**{name: ink[name] for name in names}, ground=self._ground)
            self._painter = Painter(
                self.scrollable_content_region.width or self.size.width,
                palette,
                self._glyphs,
                started=self._started,
                timestamps=self._timestamps,
                worths=self._worths,
            )
        return self._painter

    def _measure(self, block: Block) -> int:
        return self.painter.measure(block)

    def _estimate(self, block: Block) -> int:
        return self.painter.estimate(block) if self._ready else 3

    def _resize_page(self) -> None:
        """Tells the scrollbar. It always has its column, so nothing else has to be arranged anew:
        Textual would lay out the whole screen, which takes longer than a frame.
        """
        size = Size(self.scrollable_content_region.width, self.document.height)
        if size != self.virtual_size:
            self.set_reactive(Page.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def _refresh_changed(self) -> None:
        """Has those lines drawn again that are not what they were."""
        if self._stale or len(self._shown) != self.size.height:
            self.refresh()
            return
        before, now = self._shown, self._lines()
        first: int | None = None
        for y, (was, line) in enumerate(zip([*before, None], [*now, None], strict=True)):
            if was is not line and first is None:
                first = y
            elif was is line and first is not None:
                self.refresh(Region(0, first, self.size.width, y - first))
                self.painted_lines += y - first
                first = None

    def _set_unseen(self, count: int) -> None:
        if count != self._unseen:
            self._unseen = count
            self._dressed.clear()
            self.refresh_lines(self.scroll_offset.y + self.size.height - 1)

    # ── lines ───────────────────────────────────────────────────────────────────────────────

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter = None
        self._dressed.clear()

    def refresh(self, *regions: Region, **how: Any) -> Self:
        self._stale = True
        return super().refresh(*regions, **how)

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.gutter:  # a border, as that of a preview, is Textual's to draw
            return super().render_lines(crop)
        if self._stale or len(self._shown) != self.size.height:
            self._shown, self._stale = self._lines(), False
            self._ready_made = finished(self, self._shown)
        return cropped(self._ready_made, crop)

    def _lines(self) -> list[Strip]:
        """What is to be seen now; a line that is as before is the same object."""
        width, ground = self.region.width, self._ground
        return [self._line_at(y).adjust_cell_length(width, ground) for y in range(self.size.height)]

    def render_line(self, y: int) -> Strip:
        """A line with the offsets by which Textual knows what the mouse points at; the lines that
        are drawn do without.
        """
        strip, found = self._line_at(y), self.document.at(self.scroll_offset.y + y)
        return strip.apply_offsets(0, _number(*found)) if found and self._turns else strip

    def _line_at(self, y: int) -> Strip:
        painter = self.painter
        width = painter.width
        line = self.scroll_offset.y + y
        strip = self._line(painter, line, width) if self._turns else self._welcome_line(y)
        if self._unseen and y == self.size.height - 1:
            return self._dress(f"{self._unseen} new", 0, strip, self._with_hint)
        return strip

    def _line(self, painter: Painter, line: int, width: int) -> Strip:
        found = self.document.at(line)
        if found is None:
            return Strip.blank(width, self._ground)
        place, row = found
        block = self.document.block(place)
        strips = painter.paint(block, folded=block.id in self.document.folded)
        if row >= len(strips):
            return Strip.blank(width, self._ground)
        strip = strips[row]
        if block.id == self.cursor and row < len(strips) - 1:
            strip = self._dress("chosen", row, strip, self._as_chosen)
        if (selected := self.text_selection) is None:
            return strip
        number = _number(place, row)
        span = selected.get_span(number)
        if span is None or span == (0, 0):
            return strip
        return self._dress(
            f"selected {span}", number, strip, lambda strip, _: self._as_selected(strip, span)
        )

    def _dress(
        self, how: str, row: int, strip: Strip, dress: Callable[[Strip, int], Strip]
    ) -> Strip:
        """A line in another dress: the same object as long as the line is."""
        known = self._dressed.get((how, row))
        if known is None or known[0] is not strip:
            known = self._dressed[how, row] = (strip, dress(strip, row))
        return known[1]

    def _as_chosen(self, strip: Strip, row: int) -> Strip:
        segments = list(strip)
        if row == 0:
            sign = Segment(self._glyphs.prompt, self._ground + self.painter.palette.words)
            segments = [sign, *strip.crop(1)]
        dressed = Segment.apply_style(segments, post_style=self._chosen_style)
        return Strip(dressed, strip.cell_length)

    def _with_hint(self, strip: Strip, _row: int) -> Strip:
        text = f" {self._glyphs.down} {plural(self._unseen, 'new turn')} "
        room = strip.cell_length - cell_len(text) - 1
        hint = Segment(text, self._ground + self.painter.palette.machine + self._chosen_style)
        return Strip([*strip.crop(0, room), hint, Segment(" ", self._ground)], strip.cell_length)

    def _welcome_line(self, y: int) -> Strip:
        what = (self._empty, self.painter, self.size.height)
        if self._welcome[0] != what:
            height = range(self.size.height)
            self._welcome = (what, [self._empty_line(line) for line in height])
        lines = self._welcome[1]
        return lines[y] if y < len(lines) else Strip.blank(self.painter.width, self._ground)

    def _empty_line(self, y: int) -> Strip:
        width = self.painter.width
        room = min(64, max(10, width - 6))
        lines: list[tuple[str, int]] = []
        for number, text in enumerate(self._empty):
            lines += [(text[a:b], number) for a, b in wrap(clean(text), room)]
        top = max(1, (self.size.height - len(lines)) // 3)
        if not 0 <= y - top < len(lines):
            return Strip.blank(width, self._ground)
        text, number = lines[y - top]
        palette = self.painter.palette
        style = palette.words if number == 0 else palette.quiet
        strip = Strip([Segment(" " * GUTTER), Segment(text, style)])
        return strip.adjust_cell_length(width).apply_style(self._ground)

    # ── what is selected ────────────────────────────────────────────────────────────────────

    def _as_selected(self, strip: Strip, span: tuple[int, int]) -> Strip:
        """The characters from the first to before the second (-1: the end) stand out."""
        text = strip.text
        first = max(span[0], GUTTER)
        last = len(text.rstrip()) if span[1] < 0 else min(span[1], len(text.rstrip()))
        if first >= last:
            return strip
        at, until = cell_len(text[:first]), cell_len(text[:last])
        style = Style(reverse=True)
        marked = Segment.apply_style(strip.crop(at, until), post_style=style)
        return Strip([*strip.crop(0, at), *marked, *strip.crop(until)], strip.cell_length)

    def selection_updated(self, selection: Selection | None) -> None:
        del selection
        self._dressed.clear()
        self._refresh_changed()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The words, as they were said: without the line breaks of the page, and with who said
        them where it is more than one turn.
        """
        start = self._pointed(selection.start) or self._pointed_at(0)
        last = self.document.step(None, -1)
        if start is None or last is None:
            return None
        end = self._pointed(selection.end) or (last, _ROWS - 1, -1)
        parts: list[tuple[str, str]] = []
        place: Place | None = start[0]
        while place is not None and place <= end[0]:
            block = self.document.block(place)
            begin = start[1:] if place == start[0] else (0, 0)
            stop = end[1:] if place == end[0] else (_ROWS - 1, -1)
            if said := self._said(block, begin, stop):
                parts.append(("" if isinstance(block, Mark) else f"{NAMES[block.role]}: ", said))
            place = self.document.step(place, 1)
        if not parts:
            return None
        several = len(parts) > 1
        return "\n\n".join(f"{who if several else ''}{said}" for who, said in parts), "\n"

    def whole(self, place: Place) -> Selection:
        """All of one block."""
        height = self.document.span(place)[1]
        return Selection(Offset(0, _number(place, 0)), Offset(0, _number(place, height - 1)))

    def _pointed(self, offset: Offset | None) -> tuple[Place, int, int] | None:
        """The block, the row of it, and the character of that row."""
        if offset is None:
            return None
        number, row = divmod(offset.y, _ROWS)
        return Place(*divmod(number, _ROWS)), row, offset.x

    def _pointed_at(self, line: int) -> tuple[Place, int, int] | None:
        found = self.document.at(line)
        return (*found, 0) if found else None

    def _said(self, block: Block, begin: tuple[int, int], end: tuple[int, int]) -> str:
        """Of a block, what lies between two characters of its rows."""
        if isinstance(block, Mark):
            return self.painter.paint(block)[0].text.strip() if begin[0] == 0 else ""
        text = clean(block.text)
        spans = wrap(text, self.painter.room)

        def at(row: int, x: int) -> int:
            if row < 1:
                return 0
            if row > len(spans):
                return len(text)
            first, last = spans[row - 1]
            return last if x < 0 else min(max(first, first + x - GUTTER), last)

        return text[at(*begin) : at(*end)].strip()


def _number(place: Place, row: int) -> int:
    return (place.section * _ROWS + place.block) * _ROWS + row
