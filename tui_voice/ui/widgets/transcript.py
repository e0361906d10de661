"""The transcript: one widget for the whole session, drawn line by line."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip

from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.number_format import plural
from tui_voice.ui.pruning_rows import PruningRow
from tui_voice.ui.theme import theme_styles
from tui_voice.ui.transcript_document import Block, BlockPosition, Mark, TranscriptDocument
from tui_voice.ui.transcript_find import pattern_of, turns_with
from tui_voice.ui.transcript_lines import Look, TranscriptLines, changed_rows
from tui_voice.ui.transcript_selection import line_number, select_block, selected_text
from tui_voice.ui.widgets.line_widget import cropped, finished
from tui_voice.ui.widgets.scroll_bar import LightScrollBar

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turn, Turns


WHEEL_LINES = 3
"""Lines that one step of the mouse wheel scrolls."""


class Transcript(ScrollView, can_focus=True):
    """Shows turns, the prunings between them, and a cursor that chooses one of these blocks.

    It follows the newest turn until the user scrolls up. From then on it stays where it is, and
    the last line counts the new turns.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "turn above", show=False),
        Binding("down", "choose(1)", "turn below", show=False),
        Binding("home", "to_start", "first turn", show=False),
        Binding("end", "to_end", "newest turn", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("enter", "open", "fold", show=False),
        Binding("n", "hit(1)", "next hit", show=False),
        Binding("N", "hit(-1)", "hit before", show=False),
        Binding("slash", "screen.find", "find", show=False),
    ]

    class PlayRequested(Message):
        """The user wants to hear the sound of a turn."""

        def __init__(self, turn: Turn) -> None:
            super().__init__()
            self.turn = turn

    class Chosen(Message):
        """Another block is chosen, or none, or other text is selected."""

    class Left(Message):
        """The user went below the newest turn."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        timestamps: bool = True,
        empty: tuple[str, ...] = (),
        id: str | None = None,
    ) -> None:
        """`empty`: the text in place of a transcript without turns."""
        super().__init__(id=id)
        self._lines = TranscriptLines(self._look, glyphs=glyphs, timestamps=timestamps, empty=empty)
        self._seen = 0  # turns that have been on the screen
        self._following = True
        self._shown: list[Strip] = []  # as `TranscriptLines` returned them
        self._drawn: list[Strip] = []  # the same with Textual's filters applied
        self._stale = True  # both have to be made again
        self._background: Color | None = None
        self.painted_lines = 0
        """Lines drawn because they changed; for tests of the costs."""

    @property
    def document(self) -> TranscriptDocument:
        """The blocks and their heights."""
        return self._lines.document

    def _look(self) -> Look:
        width = self.scrollable_content_region.width or self.size.width
        return Look(width, theme_styles(self.app.current_theme), self.rich_style)

    @property
    def _ready(self) -> bool:
        """Whether the widget has a size."""
        return self.size.width > 0

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scrollbar; as Textual makes it, of another class."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = LightScrollBar(name="vertical")
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    # ── content ─────────────────────────────────────────────────────────────────────────────

    def set_empty(self, lines: tuple[str, ...]) -> None:
        """Sets the text that stands in place of a transcript without turns."""
        if lines != self._lines.empty:
            self._lines.empty = lines
            if not self._lines.count:
                self.refresh()

    def show(
        self,
        turns: Turns | None,
        compactions: tuple[Compaction, ...],
        started: datetime | None,
        rows: tuple[PruningRow, ...] = (),
    ) -> None:
        """Replaces the content. Only what changed is laid out and drawn. `rows`: the pruning
        log, which says what each pruning is worth.
        """
        was_empty = self._lines.count == 0
        top = None if self._following else self._top()
        first = self._lines.set_content(turns, compactions, started, rows)
        if was_empty != (self._lines.count == 0):
            self.refresh()  # the text of an empty transcript comes or goes
        if first is not None and self._ready:
            if top is not None and first <= self.scroll_offset.y:
                self._keep_in_place(*top)
            self._after_change()

    def _top(self) -> tuple[str, int] | None:
        """Returns the id of the block in the first row, and which of its lines that is."""
        found = self.document.at(self.scroll_offset.y)
        return (self.document.block(found[0]).id, found[1]) if found else None

    def _keep_in_place(self, block_id: str, line: int) -> None:
        """Scrolls to where a block is after a change above it, such as a new mark."""
        position = self.document.find(block_id)
        if position is not None:
            self._update_virtual_size()
            self._scroll_to_line(self.document.span(position)[0] + line)

    def _after_change(self) -> None:
        """Measures what is on the screen, scrolls where it follows, and draws what differs."""
        if self._following:
            self.document.measure_end(self.size.height * 2)
            self._seen = self._lines.count
            self._set_unseen(0)
            self._update_virtual_size()
            self._scroll_to_line(self.max_scroll_y)
        else:
            self._set_unseen(max(0, self._lines.count - self._seen))
            self._measure_around()
        self._refresh_changed()

    def _measure_around(self) -> None:
        """Measures the screen and one screen above and below; keeps the first line in place."""
        top, height = self.scroll_offset.y, self.size.height
        moved = self.document.measure_lines(top - height, top + 2 * height, hold=top)
        self._update_virtual_size()
        if moved:
            self.set_scroll(None, top + moved)
            self.refresh()

    def _update_virtual_size(self) -> None:
        """Tells the scrollbar the height. The scrollbar's column never changes, so nothing else
        moves; assigning `virtual_size` would lay out the whole screen, longer than a frame.
        """
        size = Size(self.scrollable_content_region.width, self.document.height)
        if size != self.virtual_size:
            self.set_reactive(Transcript.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def _scroll_to_line(self, line: float) -> None:
        if not line == self.scroll_y == self.scroll_target_y:
            self.scroll_to(y=line, animate=False, immediate=True, force=True)

    def _set_unseen(self, count: int) -> None:
        if count != self._lines.unseen:
            self._lines.unseen = count
            self._lines.forget_restyled()
            self.refresh_lines(self.scroll_offset.y + self.size.height - 1)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines.forget_styles()
        self._background = None

    def refresh(self, *regions: Region, **how: Any) -> Self:
        self._stale = True
        return super().refresh(*regions, **how)

    def _refresh_changed(self) -> None:
        """Draws again the rows that differ from those on the screen."""
        if self._stale or len(self._shown) != self.size.height:
            self.refresh()
            return
        before, self._shown = self._shown, self._visible_lines()
        for first, count in changed_rows(before, self._shown):
            rows = slice(first, first + count)
            self._drawn[rows] = self._finished(self._shown[rows])
            super().refresh(Region(0, first, self.size.width, count))
            self.painted_lines += count

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.styles.gutter:  # Textual draws a border, as that of a preview
            return super().render_lines(crop)
        if self._stale or len(self._shown) != self.size.height:
            self._shown, self._stale = self._visible_lines(), False
            self._drawn = self._finished(self._shown)
        return cropped(self._drawn, crop)

    def _finished(self, strips: list[Strip]) -> list[Strip]:
        self._background = self._background or self.background_colors[1]
        return finished(self, strips, self._background)

    def _visible_lines(self) -> list[Strip]:
        """Returns the lines on the screen; a line that did not change is the same object."""
        width, ground = self.region.width, self._lines.look.ground
        top, height, selection = self.scroll_offset.y, self.size.height, self.text_selection
        lines = self._lines.lines(range(height), top, height, selection)
        return [line.adjust_cell_length(width, ground) for line in lines]

    def render_line(self, y: int) -> Strip:
        """Returns a row with the offsets by which Textual finds what the mouse points at; the
        rows that are drawn have none.
        """
        top = self.scroll_offset.y
        (strip,) = self._lines.lines(range(y, y + 1), top, self.size.height, self.text_selection)
        found = self.document.at(top + y)
        return strip.apply_offsets(0, line_number(*found)) if found and self._lines.count else strip

    # ── size and scrolling ──────────────────────────────────────────────────────────────────

    def on_resize(self, _event: events.Resize) -> None:
        """Lays everything out for the new width, and keeps the first visible turn in place."""
        self._lay_out_again()

    def toggle_raw(self) -> None:
        """Shows Markdown as it was written, or rendered again."""
        self._lines.raw = not self._lines.raw
        self._lay_out_again()

    def _lay_out_again(self) -> None:
        self._lines.forget_styles()
        if not self._ready or not self._lines.count:
            return
        found = self.document.at(self.scroll_offset.y)
        first_id = self.document.block(found[0]).id if found else None
        self.document.forget_heights()
        position = self.document.find(first_id) if first_id else None
        if self._following or position is None:
            self._after_change()
        else:
            first, _ = self.document.span(position)
            self.document.measure_lines(first, first + self.size.height)
            self._update_virtual_size()
            self._scroll_to_line(first)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value) or not self._ready:
            return
        at_end = round(new_value) >= self.max_scroll_y
        if at_end and not self._following:
            self._seen = self._lines.count
            self._set_unseen(0)
        self._following = at_end
        self.set_class(not at_end, "-away")
        if not at_end:
            self._measure_around()

    # ── the chosen block ────────────────────────────────────────────────────────────────────

    @property
    def cursor(self) -> str | None:
        """Id of the chosen turn or mark."""
        return self._lines.cursor

    @property
    def chosen(self) -> Block | None:
        """The chosen turn or mark."""
        position = self._cursor_position()
        return self.document.block(position) if position else None

    @property
    def chosen_turn(self) -> Turn | None:
        """The chosen turn; None where none, or a mark, is chosen."""
        block = self.chosen
        return None if isinstance(block, Mark) else block

    @property
    def last_turn(self) -> Turn | None:
        return self._lines.turns.last if self._lines.turns is not None else None

    def _cursor_position(self) -> BlockPosition | None:
        return self.document.find(self.cursor) if self.cursor else None

    def _choose(self, block_id: str | None) -> None:
        if block_id == self.cursor:
            return
        self._lines.cursor = block_id
        self._lines.forget_restyled()
        self.post_message(self.Chosen())
        position = self._cursor_position()
        if position is not None:
            self._scroll_into_view(position)
        self.refresh()

    def _scroll_into_view(self, position: BlockPosition) -> None:
        """Scrolls as little as shows the whole block, or its beginning."""
        height = self.size.height
        first, size = self.document.span(position)
        self.document.measure_lines(max(0, first - height), first + 2 * height)
        self._update_virtual_size()
        first, size = self.document.span(position)
        top = self.scroll_offset.y
        if first < top or size > height:
            top = first
        elif first + size > top + height:
            top = first + size - height
        self._scroll_to_line(top)

    def go_to(self, block_id: str) -> bool:
        """Chooses a turn or pruning and shows it; unfolds the pruning that hides it. Returns
        whether there is one.
        """
        turns = reversed(self._lines.turns or ())
        turn = next((turn for turn in turns if turn.id == block_id), None)
        if turn is not None and (fold := self.document.fold_of(turn)):
            self.document.fold(fold)
        if self.document.find(block_id) is None:
            return False
        self._choose(block_id)
        position = self._cursor_position()
        if position is not None:  # in the upper third: the turns before it are seen as well
            self._scroll_to_line(self.document.span(position)[0] - self.size.height // 3)
            self._measure_around()
        return True

    def release(self) -> None:
        """Chooses no block, and follows the newest turn again."""
        self._choose(None)
        self.action_to_end()

    def choose_none(self) -> None:
        """Chooses no block, and stays where it is."""
        self._choose(None)

    def turn_wheel(self, steps: int) -> None:
        """Scrolls as the mouse wheel does: the one of every part that does not scroll by itself."""
        self._scroll_to_line(self.scroll_offset.y + steps * WHEEL_LINES)

    def action_choose(self, by: int) -> None:
        position = self._cursor_position()
        if position is None and by > 0:
            return
        neighbour = self.document.step(position, by)
        if neighbour is not None:
            self._choose(self.document.block(neighbour).id)
        elif by > 0:
            self.release()
            self.post_message(self.Left())

    def action_to_end(self) -> None:
        self._choose(None)
        self._following = True
        self.remove_class("-away")
        self._after_change()

    def action_to_start(self) -> None:
        first = self.document.step(None, 1)
        if first is not None:
            self._choose(self.document.block(first).id)

    def action_page(self, by: int) -> None:
        self._scroll_to_line(self.scroll_offset.y + by * max(1, self.size.height - 2))

    # ── search in the session ───────────────────────────────────────────────────────────────

    def light(self, words: str) -> None:
        """Lights each place where these words are; none for ""."""
        self._lines.pattern = pattern_of(words)
        self._lines.forget_restyled()
        self.refresh()

    def light_pattern(self, pattern: re.Pattern[str] | None) -> None:
        """Lights each place where the pattern is found, such as the words of a search."""
        self._lines.pattern = pattern
        self._lines.forget_restyled()
        self.refresh()

    @property
    def searches(self) -> bool:
        """Whether hits are lit."""
        return self._lines.pattern is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does anything; n and N are usual letters without a search."""
        return self.searches if action == "hit" else super().check_action(action, parameters)

    def action_hit(self, by: int) -> None:
        """Chooses the next turn with a hit (1), the one before (-1), or the newest unless one is
        chosen (0). After the last comes the first.
        """
        hits = self._hits
        if not hits:
            self.choose_none()
        elif by == 0:
            self.go_to(self.cursor if self.cursor in hits else hits[-1])
        else:
            order = {turn.id: place for place, turn in enumerate(self._lines.turns or ())}
            at = order.get(self.cursor or "", len(order))
            if by > 0:
                self.go_to(next((hit for hit in hits if order[hit] > at), hits[0]))
            else:
                self.go_to(next((hit for hit in reversed(hits) if order[hit] < at), hits[-1]))

    @property
    def _hits(self) -> list[str]:
        pattern, turns = self._lines.pattern, self._lines.turns
        return turns_with(turns, pattern) if pattern and turns is not None else []

    @property
    def hits_shown(self) -> str:
        """Which of the turns with hits is chosen, in words: `2 of 5 turns`; "" for no search."""
        hits = self._hits
        if not hits:
            return "nothing found" if self.searches else ""
        count = plural(len(hits), "turn")
        return f"{hits.index(self.cursor) + 1} of {count}" if self.cursor in hits else count

    # ── folding, clicks, selected text ──────────────────────────────────────────────────────

    def action_open(self) -> None:
        block = self.chosen
        if isinstance(block, Mark):
            self.fold(block.id)
        elif block is not None:
            self.post_message(self.PlayRequested(block))

    def fold(self, mark_id: str) -> None:
        """Hides the turns below a mark, or shows them; the mark stays in its row."""
        position = self.document.find(mark_id)
        row = self.document.span(position)[0] - self.scroll_offset.y if position else 0
        self.document.fold(mark_id)
        position = self.document.find(mark_id)
        if position is not None:
            self._update_virtual_size()
            self._scroll_to_line(max(0, self.document.span(position)[0] - row))
            self._measure_around()
        self.refresh()

    def fold_all(self) -> None:
        """Folds every pruning; unfolds all where all are folded."""
        compactions = self._lines.compactions
        ids = {c.id for c in compactions if c.kind == "summary" and c.stage == "confirmed"}
        for compaction_id in ids if ids <= self.document.folded else ids - self.document.folded:
            self.document.fold(compaction_id)
        self._after_change()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Chooses a block; a double click selects its text. A drag that ends here is no click."""
        event.prevent_default()
        if self.text_selection is not None:
            return
        found = self.document.at(self.scroll_offset.y + event.y)
        block = self.document.block(found[0]) if found else None
        if isinstance(block, Mark):
            self.fold(block.id)
        self._choose(block.id if block else None)
        if found and event.chain == 2:
            self.screen.selections = {self: select_block(self.document, found[0])}

    def selection_updated(self, selection: Selection | None) -> None:
        del selection
        self._lines.forget_restyled()
        self._refresh_changed()
        self.post_message(self.Chosen())

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = selected_text(self.document, self._lines.painter, selection)
        return (text, "\n") if text is not None else None
