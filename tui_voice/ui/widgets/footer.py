"""The keys that work now, and only those."""

from __future__ import annotations

from rich.cells import cell_len
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.ui.widgets.card import Drawn, Part


class KeyLine(Drawn):
    """`hints`: (action id, key, word), the most important first."""

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
            if at + size >= self.size.width:
                continue
            shown.append((at, action, key, text))
            at += size + 3
        return shown

    def render_line(self, y: int) -> Strip:
        parts: list[Part] = []
        used = 0
        for at, _action, key, text in self._shown() if y == 0 else []:
            parts += [(" " * (at - used), "quiet"), (key, "words"), (f" {text}", "quiet")]
            used = at + cell_len(key) + 1 + cell_len(text)
        return self.drawn(parts)

    def on_click(self, event: Click) -> None:
        for at, action, key, text in self._shown():
            if at <= event.x < at + cell_len(key) + 1 + cell_len(text):
                self.post_message(self.Clicked(action))
