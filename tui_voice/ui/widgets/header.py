"""The first line of a screen: title, backend and models, cost, duration."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.ui.number_format import length, usd
from tui_voice.ui.view import HeaderView
from tui_voice.ui.widgets.line_widget import LineWidget, StyledText
from tui_voice.ui.wrapping import clean, fit, fit_phrase


class HeaderLine(LineWidget):
    DEFAULT_CSS = "HeaderLine { height: 1; width: 1fr; }"

    header: reactive[HeaderView] = reactive(HeaderView())
    seconds: reactive[int] = reactive(0)
    """Duration of the session."""

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return self.styled_line([])
        right = self._right()
        room = width - sum(cell_len(text) for text, _ in right) - 5
        left = self._left(room)
        gap = " " * max(1, width - 2 - sum(cell_len(t) for t, _ in [*left, *right]))
        return self.styled_line([(" ", "quiet"), *left, (gap, "quiet"), *right])

    def _right(self) -> list[StyledText]:
        header = self.header
        cost = usd(header.usd) + (" + unpriced" if header.unknown_price else "")
        parts = [("REC ", "alarm")] if header.recording else []
        parts.append((cost, "words"))
        if header.budget is not None:
            parts.append((f" of {usd(header.budget)}", "quiet"))
        parts.append((f"{length(self.seconds):>9}", "quiet"))
        return parts

    def _left(self, room: int) -> list[StyledText]:
        """Returns title, name and engines, as many of them as there is room for."""
        header = self.header
        title = clean(header.title).replace("\n", " ") or "new session"
        engines = f" {self._glyphs.dot} ".join(map(clean, header.engines))
        name = "tui-voice"
        if room < len(name) + 2 + min(cell_len(title), 16):
            return [(fit_phrase(title, max(0, room), self._glyphs.more), "words")]
        parts = [(name, "strong"), ("  ", "quiet")]
        room -= len(name) + 2
        parts.append((fit_phrase(title, room, self._glyphs.more), "words"))
        room -= cell_len(parts[-1][0]) + 3
        if engines and room >= 12:
            parts.append(("   " + fit(engines, room, self._glyphs.more), "quiet"))
        return parts
