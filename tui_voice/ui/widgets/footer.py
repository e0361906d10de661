"""The keys that work now, and only those."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget


class KeyLine(Widget):
    """`hints`: (action id, key, word), the most important first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--word"}
    DEFAULT_CSS = "KeyLine { height: 1; width: 1fr; }"

    hints: reactive[tuple[tuple[str, str, str], ...]] = reactive(())

    class Clicked(Message):
        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def _shown(self) -> list[tuple[int, str, str, str]]:
        """With the column each begins at; those that do not fit are left out."""
        shown, at = [], 1
        for action, key, text in self.hints:
            size = cell_len(key) + 1 + cell_len(text)
            if at + size > self.size.width:
                continue
            shown.append((at, action, key, text))
            at += size + 3
        return shown

    def render_line(self, y: int) -> Strip:
        width, ground = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, ground)
        key_style = self.get_component_rich_style("keys--key", partial=True)
        word_style = self.get_component_rich_style("keys--word", partial=True)
        segments, used = [], 0
        for at, _action, key, text in self._shown():
            segments += [
                Segment(" " * (at - used)),
                Segment(key, key_style),
                Segment(f" {text}", word_style),
            ]
            used = at + cell_len(key) + 1 + cell_len(text)
        return Strip(segments).adjust_cell_length(width).apply_style(ground)

    def on_click(self, event: Click) -> None:
        for at, action, key, text in self._shown():
            if at <= event.x < at + cell_len(key) + 1 + cell_len(text):
                self.post_message(self.Clicked(action))
