"""The footer: the keys that work now."""

from __future__ import annotations

from rich.cells import cell_len
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.ui.widgets.line_widget import LineWidget, StyledText


class KeyHintsLine(LineWidget):
    """`hints`: (action, key, word) of each key, the most important first."""

    DEFAULT_CSS = "KeyHintsLine { height: 1; width: 1fr; }"

    hints: reactive[tuple[tuple[str, str, str], ...]] = reactive(())
    mode: reactive[str] = reactive("")
    """The name of the mode in which the keys work, before them; "" for the usual one."""

    class Clicked(Message):
        """The user clicked on a hint."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    @property
    def shown(self) -> list[tuple[int, str, str, str]]:
        """Returns the hints that fit, each with its first column. The last two stay longest: the
        palette and the help show all the others.
        """
        hints = list(self.hints)
        begin = len(self.mode) + 4 if self.mode else 1
        room = self.size.width + 2 - begin  # the last hint has no gap behind it, but a margin
        while len(hints) > 1 and sum(self._cells(hint) + 3 for hint in hints) > room:
            del hints[-3 if len(hints) > 2 else -1]
        shown, at = [], begin
        for action, key, text in hints:
            shown.append((at, action, key, text))
            at += self._cells((action, key, text)) + 3
        return shown

    def _cells(self, hint: tuple[str, str, str]) -> int:
        return cell_len(hint[1]) + 1 + cell_len(hint[2])

    def render_line(self, y: int) -> Strip:
        parts: list[StyledText] = []
        used = 0
        if self.mode and y == 0:
            parts.append((f" {self.mode} ", "live-user"))
            used = len(self.mode) + 2
        for at, _action, key, text in self.shown if y == 0 else []:
            parts += [(" " * (at - used), "quiet"), (key, "words"), (f" {text}", "quiet")]
            used = at + cell_len(key) + 1 + cell_len(text)
        return self.styled_line(parts)

    def on_click(self, event: Click) -> None:
        for at, action, key, text in self.shown:
            if action and at <= event.x < at + cell_len(key) + 1 + cell_len(text):
                self.press(action)

    def press(self, action: str) -> None:
        """Does what a click on the hint of an action does."""
        self.post_message(self.Clicked(action))
