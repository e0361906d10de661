"""The memory: the summary that replaces everything that was pruned."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, wrap


class MemoryPanel(BlockWidget, can_focus=True):
    """Shows the beginning. A click opens all of it, Enter edits it."""

    DEFAULT_CSS = "MemoryPanel { height: 1fr; min-height: 3; }"
    PANE_NAME = "memory"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open(True)", "edit it")]

    memory: reactive[str] = reactive("")

    class Opened(Message):
        """The user wants to read the memory, or to edit it."""

        def __init__(self, edit: bool) -> None:
            super().__init__()
            self.edit = edit

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def lines(self, width: int) -> list[list[StyledText]]:
        hint = "Enter edits" if self.has_focus else "Tab, then Enter edits"
        head: list[StyledText] = [("memory", "strong"), (f"   {hint}", "quiet")]
        if not self.memory:
            return [
                [("memory", "strong")],
                [("no summary yet", "quiet")],
            ]
        text = clean(self.memory)
        rows = [text[begin:end] for begin, end in wrap(text, width)]
        room = max(1, self.size.height - 1)
        if len(rows) > room:
            more = self._glyphs.more
            rows = [
                *rows[: room - 1],
                rows[room - 1][: width - len(more) - 1].rstrip() + " " + more,
            ]
        return [head, *([(row, "machine")] for row in rows)]

    def action_open(self, edit: bool) -> None:
        if self.memory or edit:
            self.post_message(self.Opened(edit))

    def on_click(self, _event: events.Click) -> None:
        self.action_open(False)
