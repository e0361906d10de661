"""The prompt: the line in which the user types a turn."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui_voice.ui.wrapping import one_line


class PromptInput(Input):
    """An `Input` that keeps every line of a pasted text, and that the up key leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", show=False, id="send"),
        Binding("up", "leave", "to the transcript", show=False),
    ]

    class LeaveRequested(Message):
        """The user wants to go to the transcript."""

    def on_mount(self) -> None:
        # The focus comes after the first character (see `begin`) and returns to half-typed text.
        # If it selected everything, the next character would replace the text.
        self.select_on_focus = False

    def action_leave(self) -> None:
        self.post_message(self.LeaveRequested())

    def begin(self, text: str) -> None:
        """Takes the focus, and these characters as if they had been typed here."""
        self.screen.set_focus(self)  # at once; `focus()` would wait for the event loop
        self.cursor_position = len(self.value)
        self.insert_text_at_cursor(text)

    def _on_paste(self, event: events.Paste) -> None:
        self.replace(one_line(event.text), *self.selection)
        event.stop()
        event.prevent_default()
