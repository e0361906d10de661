"""The line to type in."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class Prompt(Input):
    """An `Input` that keeps every line of what is pasted, and knows how to be left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", show=False, id="send"),
        Binding("up", "leave", "to the talk", show=False),
    ]

    class Left(Message):
        """The user goes back to the talk."""

    def on_mount(self) -> None:
        # The focus comes after the first character (`begin`), and comes back to half a line: to
        # select all then would let the next character replace it.
        self.select_on_focus = False

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def begin(self, text: str) -> None:
        """Takes the focus and these characters, as if they had been typed here."""
        self.focus()
        self.cursor_position = len(self.value)
        self.insert_text_at_cursor(text)

    def _on_paste(self, event: events.Paste) -> None:
        """Lines become one: a turn has no line breaks that would matter to the model."""
        text = " ".join(event.text.split("\n")).replace("\r", "")
        self.replace(text, *self.selection)
        event.stop()
        event.prevent_default()
