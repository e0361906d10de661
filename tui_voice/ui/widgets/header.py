"""The first line of a screen: title, backend and models, cost, duration."""

from __future__ import annotations

from rich.cells import cell_len
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.ui.number_format import length, usd
from tui_voice.ui.view import HeaderView
from tui_voice.ui.widgets.line_widget import LineWidget, StyledText
from tui_voice.ui.wrapping import clean, fit_phrase

_NAME = "tui-voice"
_COST = len("$123.45")
_DURATION = 9
"""Columns of the duration and the blank before it, up to a day."""
_LEAST = 24
"""Columns that the title gets before anything but cost and duration is shown."""


class HeaderLine(LineWidget):
    """Nothing moves when a number gets longer, and no word is cut."""

    DEFAULT_CSS = "HeaderLine { height: 1; width: 1fr; }"

    header: reactive[HeaderView] = reactive(HeaderView())
    seconds: reactive[int] = reactive(0, repaint=False)
    """Duration of the session. Each second, its columns alone are painted."""

    def watch_seconds(self, seconds: int) -> None:
        if len(length(seconds)) < _DURATION:
            self.refresh(Region(self.size.width - 1 - _DURATION, 0, _DURATION, 1))
        else:  # from a day on
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return self.styled_line([])
        right = self._right(width)
        room = width - _cells(right) - 3  # margins, and a blank between the two
        left = self._left(room)
        gap = " " * (room + 1 - _cells(left))
        return self.styled_line([(" ", "quiet"), *left, (gap, "quiet"), *right])

    def _right(self, width: int) -> list[StyledText]:
        """Returns chips, cost and duration; of the rest as much as leaves room for the title."""
        header = self.header
        chips = [*(("REC",) if header.recording else ()), *filter(None, (header.missing,))]
        parts: list[StyledText] = []
        for chip in chips:
            parts += [(f" {chip} ", "alarm" if chip == "REC" else "chip"), ("  ", "quiet")]
        parts.append((f"{usd(header.usd):>{_COST}}", "words"))
        more = [" + unpriced"] if header.unknown_price else []
        more += [f" of {usd(header.budget)}"] if header.budget is not None else []
        time = f" {length(self.seconds):>{_DURATION - 1}}"
        for text in more:
            if _cells(parts) + len(text) + len(time) + _LEAST + 3 <= width:
                parts.append((text, "quiet"))
        return [*parts, (time, "quiet")]

    def _left(self, room: int) -> list[StyledText]:
        """Returns name, title and engines: each of them whole, or not at all. Only a title that has
        no room without the name, either, ends before a phrase or a word.
        """
        header, more = self.header, self._glyphs.more
        title = clean(header.title).replace("\n", " ") or "new session"
        if room < len(_NAME) + 2 + cell_len(title):
            return [(fit_phrase(title, max(0, room), more), "words")]
        parts: list[StyledText] = [(_NAME, "strong"), ("  ", "quiet")]
        parts.append((fit_phrase(title, room - _cells(parts), more), "words"))
        between = "   "
        for engine in map(clean, header.engines):
            part = (between + engine, "quiet")
            if _cells([*parts, part]) > room:
                break
            parts.append(part)
            between = f" {self._glyphs.dot} "
        return parts


def _cells(parts: list[StyledText]) -> int:
    return sum(cell_len(text) for text, _ in parts)
