"""The pruning log: one row for each pruning, the newest first."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive, var

from tui_voice.ui.number_format import plural, spaced, usd
from tui_voice.ui.pruning_rows import PruningRow
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, fit

_RUNNING = {
    "summary": "summarising",
    "textify": "textifying",
    "voice": "noting down",
    "restore": "restoring",
    "tools": "removing tool calls:",
}
_DONE = {
    "textify": "textified",
    "voice": "noted down",
    "restore": "restored",
    "tools": "tools removed:",
}


class PruningLog(BlockWidget, can_focus=True):
    """Up and down choose a row, Enter opens it."""

    DEFAULT_CSS = "PruningLog { height: auto; }"
    PANE_NAME = "pruning log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "choose", key_display="↑↓"),
        Binding("down", "choose(1)", show=False),
        Binding("enter", "open", "read it"),
    ]

    rows: reactive[tuple[PruningRow, ...]] = reactive((), layout=True)
    cursor: reactive[int] = reactive(0)
    first: var[int] = var(0)
    """Index of the first row that is drawn."""

    class Opened(Message):
        """The user wants to read the details of a row."""

        def __init__(self, row: PruningRow) -> None:
            super().__init__()
            self.row = row

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_cursor(self, cursor: int) -> None:
        visible = max(1, (self.size.height - 1) // 2)
        self.first = min(max(self.first, cursor - visible + 1), cursor)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def lines(self, width: int) -> list[list[StyledText]]:
        head: list[StyledText] = [("pruning log", "strong")]
        if self.has_focus and self.rows:
            head.append(("   Enter opens it", "quiet"))
        if not self.rows:
            return [head, [("nothing pruned yet", "quiet")]]
        lines = [head]
        for number, row in enumerate(self.rows[self.first :], self.first):
            lines += self._row(row, width, self.has_focus and number == self.cursor)
        return lines

    def _row(self, row: PruningRow, width: int, chosen: bool) -> list[list[StyledText]]:
        glyphs = self._glyphs
        lead, sign = f"{row.when:<6}", glyphs.prompt if chosen else " "
        room = width - len(lead) - 2
        first, second = self._texts(row, room)
        style = "chosen" if chosen else "machine"
        return [
            [(lead, "quiet"), (f"{sign} ", "words"), (fit(first, room, glyphs.more), style)],
            [(" " * (len(lead) + 2), "quiet"), (fit(second, room, glyphs.more), "quiet")],
        ]

    def _texts(self, row: PruningRow, room: int) -> tuple[str, str]:
        """Returns the two lines of a row, without its time. No figure is cut: where there is not
        room for all of them, the seconds are left out, then what was kept.
        """
        glyphs = self._glyphs
        turns = plural(row.turns, "turn")
        after = glyphs.more if row.after is None else spaced(row.after)
        tokens = f"{spaced(row.before):>7} {glyphs.arrow} {after:>6}"
        if row.kind == "limits":
            return self._limits_texts(row)
        if row.stage == "failed":
            error = clean(row.error).replace("\n", " ")
            return f"{glyphs.warning} failed: kept all {turns}", error
        if row.stage == "running":
            return f"{_RUNNING[row.kind]} {turns}{glyphs.more}", tokens.strip()
        if row.kind != "summary":
            return f"{_DONE[row.kind]} {turns}", tokens.strip()
        kept = f"kept {row.kept} of {row.details}" if row.details else ""
        seconds = f"{row.seconds:.1f} s"
        worth = "" if row.usd is None else usd(row.usd)
        if row.worth is not None:
            worth = f"-{usd(row.worth.usd_per_hour)}/h"
        text = ""
        for shown in ((turns, kept, seconds, worth), (turns, kept, worth), (turns, worth)):
            text = f" {glyphs.dot} ".join(filter(None, shown))
            if cell_len(text) <= room:
                break
        return tokens, text

    def _limits_texts(self, row: PruningRow) -> tuple[str, str]:
        """Returns the lines of a check of the user's trigger; Enter shows the whole sentence."""
        wanted, in_force = spaced(row.before), spaced(row.after or 0)
        if row.stage == "done":
            return f"trigger {wanted} fits again", f"{plural(row.turns, 'kept turn')} leave room"
        first = f"{self._glyphs.warning} trigger {wanted} is too low"
        if row.after == row.before:
            return first, "for a usual session"
        return first, f"summarises at {in_force} instead"

    def action_choose(self, by: int) -> None:
        self.cursor += by

    def action_open(self) -> None:
        if self.rows:
            self.post_message(self.Opened(self.rows[min(self.cursor, len(self.rows) - 1)]))

    def on_click(self, event: events.Click) -> None:
        if self.rows and event.y >= 1:
            self.cursor = self.first + (event.y - 1) // 2
            self.action_open()
