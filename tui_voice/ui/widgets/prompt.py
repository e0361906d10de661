"""The line to type in."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui_voice.ui.wrapping import one_line


class Prompt(Input):
    """An `Input` that keeps every line of what is pasted, and knows how to be left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", show=False, id="send"),
        Binding("up", "leave", "to the talk", show=False),
    ]

    class ExitSummary(Message):
        """The user goes back to the talk."""

    def on_mount(self) -> None:
        # The focus comes after the first character (`begin`), and comes back to half a line: to
        # select all then would let the next character replace it.
        self.select_on_focus = False

    def action_leave(self) -> None:
        self.post_message(self.ExitSummary())

    def begin(self, text: str) -> None:
        """Takes the focus and these characters, as if they had been typed here."""
        self.screen.set_focus(self)  # at once, where `focus` waits for its turn
        self.cursor_position = len(self.value)
        self.insert_text_at_cursor(text)

    def _on_paste(self, event: events.Paste) -> None:
        self.replace(one_line(event.text), *self.selection)
        event.stop()
        event.prevent_default()
