"""The lines of the transcript: which text, in which style, stands in each row of the screen.

`BlockPainter` paints the lines of a turn once. This module puts the blocks under one another and
restyles the lines that are chosen or selected. It returns the same `Strip` object for a line that
did not change, so that the widget draws the other lines alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from tui_voice.ui.block_painter import GUTTER, BlockPainter, TranscriptStyles
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.number_format import plural
from tui_voice.ui.pruning_rows import PruningRow, PruningWorth
from tui_voice.ui.transcript_document import Block, BlockPosition, Mark, TranscriptDocument
from tui_voice.ui.transcript_find import Columns, hit_columns, lit
from tui_voice.ui.transcript_selection import line_number
from tui_voice.ui.wrapping import clean, wrap

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turns

_EMPTY_WIDTH = 64
"""Columns of the text that stands in place of a transcript without turns."""
_UNKNOWN_HEIGHT = 3
"""Lines that a block is thought to have before the widget has a width."""


class Look(NamedTuple):
    """Size and styles of the widget."""

    width: int
    """Columns for the lines; 0 before the first layout."""
    styles: dict[str, Style]
    ground: Style


class TranscriptLines:
    """The transcript widget owns one. It knows the content and nothing of scrolling."""

    def __init__(
        self,
        look: Callable[[], Look],
        *,
        glyphs: Glyphs = UNICODE,
        timestamps: bool = True,
        empty: tuple[str, ...] = (),
    ) -> None:
        """`look` returns the size and styles of the widget now. `empty`: the text of a transcript
        without turns.
        """
        self._look = look
        self._glyphs = glyphs
        self._timestamps = timestamps
        self.empty = empty
        self.turns: Turns | None = None
        self.count = 0
        """Number of turns; kept, since `len(turns)` adds up the chunks, and each row asks."""
        self.compactions: tuple[Compaction, ...] = ()
        self._started: datetime | None = None
        self._worths: dict[str, PruningWorth | None] = {}
        self.document = TranscriptDocument(self._measure, self._estimate)
        self.cursor: str | None = None
        """Id of the chosen turn or compaction."""
        self.pattern: re.Pattern[str] | None = None
        """What the user searches; its hits are lit."""
        self._hits: dict[str, tuple[list[Strip], tuple[Columns, ...]]] = {}
        self.unseen = 0
        """New turns below the screen; the last line says how many."""
        self.raw = False
        """Markdown is shown as it was written. Call `forget_styles` after a change."""
        self._painter: BlockPainter | None = None
        self._current_look: Look | None = None
        self._restyled: dict[tuple[str, int], tuple[Strip, Strip]] = {}
        self._empty_lines: tuple[object, list[Strip]] = (None, [])

    # ── content ─────────────────────────────────────────────────────────────────────────────

    def set_content(
        self,
        turns: Turns | None,
        compactions: tuple[Compaction, ...],
        started: datetime | None,
        rows: tuple[PruningRow, ...],
    ) -> int | None:
        """Replaces the content. Returns the first line that may have changed, or None.

        `rows`: the pruning log, which says what each pruning is worth.
        """
        self._worths |= {row.ids[-1]: row.worth for row in rows}
        if started != self._started:
            self._started = started
            self._painter = None
        if turns is None or (turns is self.turns and compactions is self.compactions):
            return None
        self.turns, self.compactions = turns, compactions
        self.count = len(turns)
        return self.document.update(turns, compactions)

    # ── measuring and painting ──────────────────────────────────────────────────────────────

    def forget_styles(self) -> None:
        """Width or theme changed: everything is painted again when it is next needed."""
        self._painter = self._current_look = None
        self._restyled.clear()
        self._hits.clear()

    def forget_restyled(self) -> None:
        """The chosen turn, the selection, the search or the number of unseen turns changed."""
        self._restyled.clear()
        self._hits.clear()

    @property
    def painter(self) -> BlockPainter:
        """The painter for the current width and theme."""
        if self._painter is None:
            look = self._current_look = self._look()
            names = ("user", "voice", "machine", "quiet", "words", "unheard")
            styles = {name: look.styles[name] for name in names}
            self._painter = BlockPainter(
                look.width,
                TranscriptStyles(**styles, ground=look.ground),
                self._glyphs,
                started=self._started,
                timestamps=self._timestamps,
                worths=self._worths,
                raw=self.raw,
            )
        return self._painter

    def _measure(self, block: Block) -> int:
        return self.painter.measure(block)

    def _estimate(self, block: Block) -> int:
        if self._painter is None and not self._look().width:
            return _UNKNOWN_HEIGHT
        return self.painter.estimate(block)

    @property
    def look(self) -> Look:
        """The look for which the painter was made."""
        if self._current_look is None:
            self._current_look = self._look()
        return self._current_look

    # ── lines ───────────────────────────────────────────────────────────────────────────────

    def lines(self, rows: range, top: int, height: int, selection: Selection | None) -> list[Strip]:
        """Returns these rows of a screen of `height` rows whose first row is line `top`."""
        if not self.count:
            lines = [self._empty_line(y, height) for y in rows]
        else:
            lines = self._block_lines(top + rows.start, top + rows.stop, selection)
        if self.unseen and rows.stop == height:
            lines[-1] = self._restyle(f"{self.unseen} new", 0, lines[-1], self._with_unseen)
        return lines

    def _block_lines(self, begin: int, end: int, selection: Selection | None) -> list[Strip]:
        """Returns the lines from `begin` to before `end`; each block is looked up once."""
        lines: list[Strip] = []
        while (line := begin + len(lines)) < end:
            found = self.document.at(line)
            if found is None:
                lines.append(self._blank())
                continue
            position, row = found
            block = self.document.block(position)
            strips = self.painter.paint(
                block,
                folded=block.id in self.document.folded,
                in_run=self.document.in_run(position),
            )
            height = self.document.span(position)[1]
            for each in range(row, min(height, row + end - line)):
                lines.append(self._row(position, each, block, strips, selection))
        return lines

    def _row(
        self,
        position: BlockPosition,
        row: int,
        block: Block,
        strips: list[Strip],
        selection: Selection | None,
    ) -> Strip:
        """Returns a row of a block: as it was painted, chosen, with hits or selected."""
        if row >= len(strips):
            return self._blank()
        strip = strips[row]
        if block.id == self.cursor and row < len(strips) - 1:
            tokens = self._tokens_of(block) if row == 0 else ""
            strip = self._restyle(
                f"chosen {tokens}",
                row,
                strip,
                lambda strip, row: self._as_chosen(strip, row, tokens),
            )
        if self.pattern is not None and not isinstance(block, Mark):
            columns = self._hits_of(block.id, strips, self.pattern)[row]
            if columns:
                style = self.look.styles["live-user"]
                strip = self._restyle(
                    f"lit {block.id}", row, strip, lambda strip, _: lit(strip, columns, style)
                )
        if selection is None:
            return strip
        number = line_number(position, row)
        span = selection.get_span(number)
        if span is None or span == (0, 0):
            return strip
        return self._restyle(
            f"selected {span}", number, strip, lambda strip, _: _as_selected(strip, span)
        )

    def _hits_of(
        self, block_id: str, strips: list[Strip], pattern: re.Pattern[str]
    ) -> tuple[Columns, ...]:
        known = self._hits.get(block_id)
        if known is None or known[0] is not strips:
            known = self._hits[block_id] = (strips, hit_columns(strips, pattern, GUTTER))
        return known[1]

    def _blank(self) -> Strip:
        look = self.look
        return Strip.blank(look.width, look.ground)

    def _restyle(
        self, how: str, row: int, strip: Strip, change: Callable[[Strip, int], Strip]
    ) -> Strip:
        """Returns the changed line: the same object as long as `strip` is."""
        known = self._restyled.get((how, row))
        if known is None or known[0] is not strip:
            known = self._restyled[how, row] = (strip, change(strip, row))
        return known[1]

    def _tokens_of(self, block: Block) -> str:
        """Returns what the chosen turn weighs in the window, for the end of its first line."""
        if isinstance(block, Mark):
            return ""
        if not block.in_window:
            return "not in the window"
        return f"{self._glyphs.about} {plural(block.tokens, 'token')}"

    def _as_chosen(self, strip: Strip, row: int, tokens: str) -> Strip:
        look = self.look
        segments = list(strip)
        if row == 0:
            sign = Segment(self._glyphs.prompt, look.ground + look.styles["words"])
            used, room = cell_len(strip.text.rstrip()), strip.cell_length - 1
            if tokens and used + 2 + cell_len(tokens) <= room:
                added = Segment(f"  {tokens}", look.ground + look.styles["machine"])
                rest = used + 2 + cell_len(tokens)
                segments = [*strip.crop(0, used), added, *strip.crop(rest)]
                strip = Strip(segments, strip.cell_length)
            segments = [sign, *strip.crop(1)]
        chosen = Segment.apply_style(segments, post_style=look.styles["chosen-ground"])
        return Strip(chosen, strip.cell_length)

    def _with_unseen(self, strip: Strip, _row: int) -> Strip:
        """Writes `↓ 3 new turns` over the right end of the last line."""
        look = self.look
        text = f" {self._glyphs.down} {plural(self.unseen, 'new turn')} "
        room = strip.cell_length - cell_len(text) - 1
        style = look.ground + look.styles["machine"] + look.styles["chosen-ground"]
        segments = [*strip.crop(0, room), Segment(text, style), Segment(" ", look.ground)]
        return Strip(segments, strip.cell_length)

    def _empty_line(self, y: int, height: int) -> Strip:
        shown = (self.empty, self.painter, height)
        if self._empty_lines[0] != shown:
            self._empty_lines = (shown, self._paint_empty(height))
        return self._empty_lines[1][y]

    def _paint_empty(self, height: int) -> list[Strip]:
        """Returns the lines of a transcript without turns: the text, a third from the top."""
        look = self.look
        room = min(_EMPTY_WIDTH, max(10, look.width - 6))
        lines: list[Strip] = []
        for number, text in enumerate(self.empty):
            style = look.styles["words" if number == 0 else "quiet"]
            for begin, end in wrap(clean(text), room):
                strip = Strip([Segment(" " * GUTTER), Segment(text[begin:end], style)])
                lines.append(strip.adjust_cell_length(look.width).apply_style(look.ground))
        above = max(1, (height - len(lines)) // 3)
        lines = [*[self._blank()] * above, *lines]
        return [*lines, *[self._blank()] * max(0, height - len(lines))]


def _as_selected(strip: Strip, span: tuple[int, int]) -> Strip:
    """Reverses the characters from the first to before the second (-1: to the end)."""
    text = strip.text
    first = max(span[0], GUTTER)
    last = len(text.rstrip()) if span[1] < 0 else min(span[1], len(text.rstrip()))
    if first >= last:
        return strip
    begin, end = cell_len(text[:first]), cell_len(text[:last])
    selected = Segment.apply_style(strip.crop(begin, end), post_style=Style(reverse=True))
    return Strip([*strip.crop(0, begin), *selected, *strip.crop(end)], strip.cell_length)


def changed_rows(before: Sequence[Strip], now: Sequence[Strip]) -> list[tuple[int, int]]:
    """Returns (first row, number of rows) of each run of lines that are not the same objects.

    Both sequences have the same length. Example: lines `a b c d` and `a x y d` give `[(1, 2)]`.
    """
    runs: list[tuple[int, int]] = []
    for y, (old, new) in enumerate(zip(before, now, strict=True)):
        if old is new:
            continue
        if runs and sum(runs[-1]) == y:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((y, 1))
    return runs
