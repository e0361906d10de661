"""The talk as a page: one widget, drawn line by line, whatever its length."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection

from tui_voice.ui.document import Block, Mark, Place
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.number_format import plural
from tui_voice.ui.pruning_rows import Pruning
from tui_voice.ui.widgets.page import Page

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turn, Turns


class Transcript(Page, can_focus=True):
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
        super().__init__(glyphs=glyphs, timestamps=timestamps, empty=empty, id=id)
        self.following = True
        self._seen = 0

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

    # ── keeping its place ───────────────────────────────────────────────────────────────────

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

    # ── Textual's calls ─────────────────────────────────────────────────────────────────────

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

    def selection_updated(self, selection: Selection | None) -> None:
        super().selection_updated(selection)
        self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Chooses; twice: selects all that was said there. The end of a drag is no click."""
        event.prevent_default()
        if self.text_selection is not None:
            return
        found = self.document.at(self.scroll_offset.y + event.y)
        block = self.document.block(found[0]) if found else None
        if isinstance(block, Mark):
            self.fold(block.id)
        self._choose(block.id if block else None)
        if found and event.chain == 2:
            self.screen.selections = {self: self.whole(found[0])}

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


def copy_from(transcript: Transcript) -> None:
    """To the clipboard, through the terminal: what is selected, or else the chosen turn."""
    turn = transcript.chosen_turn
    text = transcript.screen.get_selected_text() or (turn.heard_text if turn else "")
    if text:
        transcript.app.copy_to_clipboard(text)
        transcript.notify(f"{plural(len(text.split()), 'word')} copied", timeout=2)
