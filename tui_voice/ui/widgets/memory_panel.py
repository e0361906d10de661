"""The memory in the side panel: its facts, as many as there is room for."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from tui_voice.ui.fact_rows import FactRow
from tui_voice.ui.number_format import plural
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, wrap


class MemoryPanel(BlockWidget, can_focus=True):
    """Shows the facts that are shortened last first. Enter or a click opens the memory screen."""

    DEFAULT_CSS = "MemoryPanel { height: 1fr; min-height: 3; }"
    PANE_NAME = "memory"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "open")]

    facts: reactive[tuple[FactRow, ...]] = reactive(())

    class Opened(Message):
        """The user wants to read or change the facts."""

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def lines(self, width: int) -> list[list[StyledText]]:
        head: list[StyledText] = [("memory", "strong")]
        if not self.facts:
            return [head, [("no summary yet", "quiet")]]
        head.append((f"   {plural(len(self.facts), 'fact')}", "quiet"))
        room = max(1, self.size.height - 1)
        rows: list[list[StyledText]] = []
        for number, fact in enumerate(self.facts):
            lines = self._lines_of(fact, width)
            left = len(self.facts) - number
            if len(rows) + len(lines) > room - (left > 1) and rows:
                rows.append([(f"{self._glyphs.more} {left} more", "quiet")])
                break
            rows += lines
        if len(rows) > room:  # already the first fact has no room
            rows[room - 1 :] = [rows[-1] if len(self.facts) > 1 else [(self._glyphs.more, "quiet")]]
        return [head, *rows]

    def _lines_of(self, fact: FactRow, width: int) -> list[list[StyledText]]:
        sign = self._glyphs.pinned if fact.pinned else self._glyphs.dot
        text = clean(fact.text)
        return [
            [(f"{sign if number == 0 else ' '} ", "quiet"), (text[begin:end], "machine")]
            for number, (begin, end) in enumerate(wrap(text, max(8, width - 2)))
        ]

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def on_click(self, _event: events.Click) -> None:
        self.action_open()
