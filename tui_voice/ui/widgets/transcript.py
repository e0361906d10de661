"""The talk as a page: one widget, drawn line by line, whatever its length."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_voice.ui.document import Block, Document, Mark, Place
from tui_voice.ui.figures import plural
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.painting import GUTTER, Painter, Palette
from tui_voice.ui.theme import inks
from tui_voice.ui.prunings import Pruning, Worth
from tui_voice.ui.widgets.card import cropped, finished
from tui_voice.ui.wrapping import clean, wrap

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turn, Turns


class Transcript(ScrollView, can_focus=True):
    """Turns, prunings between them, and a cursor that chooses one.

    Sticks to the end until the user scrolls up; what comes then is counted at the lower edge.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "turn above", show=False),
        Binding("down", "choose(1)", "turn below", show=False),
        Binding("home", "to_start", "first turn", show=False),
        Binding("end", "to_end", "newest turn", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("enter", "open", "fold", show=False),
    ]

    class Chosen(Message):
        """The cursor is on another block, or on none."""

    class Opened(Message):
        """Enter or a click on a block. None: no block was chosen."""

        def __init__(self, block: Block | None) -> None:
            super().__init__()
            self.block = block

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
        self.following = True
        self._unseen = 0
        self._seen = 0
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

    # ── what it is told ─────────────────────────────────────────────────────────────────────

    def show(
        self,
        turns: Turns | None,
        compactions: tuple[Compaction, ...],
        started: datetime | None,
        prunings: tuple[Pruning, ...] = (),
    ) -> None:
        """The turns of now. Only what differs from before is laid out and drawn. `prunings`: the
        log, for what each was worth.
        """
        self._worths |= {pruning.ids[-1]: pruning.worth for pruning in prunings}
        if started != self._started:
            self._started = started
            self._painter = None
        if turns is None or (turns is self._turns and compactions is self._compactions):
            return
        if not self._turns or not turns:
            self.refresh()
        self._turns, self._compactions = turns, compactions
        first = self.document.update(turns, compactions)
        if first is not None and self._ready:
            self._after_change(first)

    def set_empty(self, lines: tuple[str, ...]) -> None:
        """What stands here while nothing has been said."""
        if lines != self._empty:
            self._empty = lines
            if not self._turns:
                self.refresh()

    @property
    def chosen(self) -> Block | None:
        place = self._place()
        return self.document.block(place) if place else None

    def go_to(self, block_id: str) -> bool:
        """Chooses a turn and shows it, unfolding what hides it. False: there is none."""
        turn = next((turn for turn in reversed(self._turns or ()) if turn.id == block_id), None)
        if turn is not None and turn.pruned_in in self.document.folded:
            self.document.fold(turn.pruned_in)
        if self.document.find(block_id) is None:
            return False
        self._choose(block_id)
        place = self._place()
        if place is not None:  # in the upper third, so that one sees what led to it
            y = self.document.span(place)[0] - self.size.height // 3
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
            self._settle_view()
        return True

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

    def _after_change(self, first: int) -> None:
        """Lines from `first` on differ."""
        height = self.size.height
        if self.following:
            self.document.settle_end(height * 2)
            self._seen = self._count
            self._set_unseen(0)
            self._resize_page()
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)
        else:
            self._set_unseen(max(0, self._count - self._seen))
            self._settle_view()
        del first
        self._refresh_changed()

    def _settle_view(self) -> None:
        """Measures what is on the screen, and a screen around it, and keeps the page still."""
        top, height = self.scroll_offset.y, self.size.height
        moved = self.document.settle(top - height, top + 2 * height, hold=top)
        self._resize_page()
        if moved:
            self.set_scroll(None, top + moved)
            self.refresh()

    def _resize_page(self) -> None:
        """Tells the scrollbar. It always has its column, so nothing else has to be arranged anew:
        Textual would lay out the whole screen, which takes longer than a frame.
        """
        size = Size(self.scrollable_content_region.width, self.document.height)
        if size != self.virtual_size:
            self.set_reactive(Transcript.virtual_size, size)
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

    # ── Textual's calls ─────────────────────────────────────────────────────────────────────

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter = None
        self._dressed.clear()

    def on_resize(self, _event: events.Resize) -> None:
        self._lay_out_anew()

    def _lay_out_anew(self) -> None:
        if not self._ready or not self._turns:
            self._painter = None
            return
        anchor = self.document.at(self.scroll_offset.y)
        block = self.document.block(anchor[0]).id if anchor else None
        self._painter = None
        self.document.forget_heights()
        if not self.following and block is not None and (place := self.document.find(block)):
            first, _ = self.document.span(place)
            self.document.settle(first, first + self.size.height)
            self._resize_page()
            self.scroll_to(y=first, animate=False, immediate=True, force=True)
        else:
            self._after_change(0)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value) or not self._ready:
            return
        at_end = round(new_value) >= self.max_scroll_y
        if at_end and not self.following:
            self._seen = self._count
            self._set_unseen(0)
        self.following = at_end
        self.set_class(not at_end, "-away")
        if not at_end:
            self._settle_view()

    def refresh(self, *regions: Region, **how: Any) -> Self:
        self._stale = True
        return super().refresh(*regions, **how)

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._stale or len(self._shown) != self.size.height:
            self._shown, self._stale = self._lines(), False
            self._ready_made = finished(self, self._shown)
        return cropped(self._ready_made, crop)

    def _lines(self) -> list[Strip]:
        """What is to be seen now; a line that is as before is the same object."""
        width, ground = self.region.width, self._ground
        return [
            self.render_line(y).adjust_cell_length(width, ground) for y in range(self.size.height)
        ]

    def render_line(self, y: int) -> Strip:
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
        if block.id != self.cursor or row == len(strips) - 1:
            return strips[row]
        return self._dress("chosen", row, strips[row], self._as_chosen)

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

    # ── the cursor ──────────────────────────────────────────────────────────────────────────

    def _place(self) -> Place | None:
        return self.document.find(self.cursor) if self.cursor else None

    def _choose(self, block_id: str | None) -> None:
        if block_id == self.cursor:
            return
        self.cursor = block_id
        self._dressed.clear()
        self.post_message(self.Chosen())
        place = self._place()
        if place is not None:
            self._bring_in(place)
        self.refresh()

    def _bring_in(self, place: Place) -> None:
        """Scrolls as little as shows the whole block, or its beginning."""
        height = self.size.height
        first, size = self.document.span(place)
        self.document.settle(max(0, first - height), first + 2 * height)
        self._resize_page()
        first, size = self.document.span(place)
        top = self.scroll_offset.y
        if first < top or size > height:
            top = first
        elif first + size > top + height:
            top = first + size - height
        self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def action_choose(self, by: int) -> None:
        place = self._place()
        if place is None and by > 0:
            return
        step = self.document.step(place, by)
        if step is not None:
            self._choose(self.document.block(step).id)
        elif by > 0:
            self.release()

    def release(self) -> None:
        """No turn is chosen, and the page follows the talk again."""
        self._choose(None)
        self.action_to_end()

    def action_to_end(self) -> None:
        self._choose(None)
        self.following = True
        self.remove_class("-away")
        self._after_change(self.document.height)

    def action_to_start(self) -> None:
        step = self.document.step(None, 1)
        if step is not None:
            self._choose(self.document.block(step).id)

    def action_page(self, by: int) -> None:
        y = self.scroll_offset.y + by * max(1, self.size.height - 2)
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def action_open(self) -> None:
        block = self.chosen
        if isinstance(block, Mark):
            self.fold(block.id)
        self.post_message(self.Opened(block))

    def fold(self, compaction_id: str) -> None:
        place = self.document.find(compaction_id)
        row = self.document.span(place)[0] - self.scroll_offset.y if place else 0
        self.document.fold(compaction_id)
        place = self.document.find(compaction_id)
        if place is not None:
            self._resize_page()
            y = max(0, self.document.span(place)[0] - row)
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
            self._settle_view()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        found = self.document.at(self.scroll_offset.y + event.y)
        block = self.document.block(found[0]) if found else None
        if isinstance(block, Mark):
            self.fold(block.id)
        self._choose(block.id if block else None)

    def fold_all(self) -> None:
        """Folds every pruning; unfolds them where all are folded."""
        ids = {c.id for c in self._compactions if c.kind == "summary" and c.stage == "confirmed"}
        for compaction_id in ids if ids <= self.document.folded else ids - self.document.folded:
            self.document.fold(compaction_id)
        self._after_change(0)
        self.refresh()

    @property
    def last_turn(self) -> Turn | None:
        return self._turns.last if self._turns is not None else None

    @property
    def chosen_turn(self) -> Turn | None:
        block = self.chosen
        return None if isinstance(block, Mark) else block
