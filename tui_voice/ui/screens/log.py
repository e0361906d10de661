"""The log screen: the events and errors of the open session, as its journal has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widgets import Input

from tui_voice.ui.keys import KeyTable
from tui_voice.ui.number_format import plural
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screens.list_screen import ListScreen
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.wrapping import clean, fit

if TYPE_CHECKING:
    from tui_voice.store.event_log import JournalLog, LogLine

READ_SECONDS = 1.0
"""How often the journal is read while the screen is open."""


class LogScreen(ListScreen["LogLine"]):
    """The newest event is the last row. It stays highlighted while more come, until the user moves
    the highlight up. API keys are removed before the journal is written, and here once more.
    """

    HEADING = "log of this session"
    PLACEHOLDER = "type to filter by event or text; trouble: what went wrong"
    EMPTY = "reading the journal"
    HINTS = (
        ("choose", "read it all"),
        ("back", "back"),
    )
    ROW_HEIGHT = 1
    PREVIEW = False

    def __init__(self, options: AppOptions, keys: KeyTable, journal: Path | None) -> None:
        """`journal`: of the open session; None where none is open."""
        super().__init__(options, keys, journal.parent if journal else Path())
        self._journal = journal
        self._log: JournalLog | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(READ_SECONDS, self._read)

    def paint_row(self, row: LogLine, width: int) -> list[list[StyledText]]:
        """Returns when, what, and the fields."""
        from tui_voice.store.event_log import without_keys

        when = _time(row)
        name = row.name if row.count == 1 else f"{row.name} x{row.count}"
        text = clean(without_keys(row.text)).replace("\n", " ")
        room = width - len(when) - len(name) - 5
        return [
            [
                (f"{when}  ", "quiet"),
                (name, "alarm" if row.trouble else "words"),
                (f"  {fit(text, max(0, room), self._options.glyphs.more)}", "machine"),
            ]
        ]

    def apply_filter(self, text: str) -> None:
        from tui_voice.store.event_log import JournalLog

        if self._journal is not None:
            self._log = JournalLog(self._journal, text)
        self._read()

    def _read(self) -> None:
        log = self._log
        if log is None:
            self._show(None, [])
            return

        def work() -> None:
            if log.read() or not log.lines:
                show_result(self, self._show, log, list(log.lines))

        self.run_worker(work, thread=True, group="log")

    def _show(self, log: JournalLog | None, lines: list[LogLine]) -> None:
        if log is not self._log:
            return
        before = self.list.highlighted
        at_end = before is None or before >= len(self.list.rows) - 1
        chosen = self.chosen_row
        last = len(lines) - 1
        at = last if at_end else next((n for n, one in enumerate(lines) if one == chosen), last)
        empty = "no event matches" if log and log.events else "nothing is saved yet"
        self.list.show(lines, at, empty)
        events = plural(log.events if log else 0, "event")
        filtered = self.query_one("#filter", Input).value.strip()
        self.set_heading(f"{len(lines)} of {events}" if filtered else events)

    def choose(self) -> None:
        from tui_voice.store.event_log import without_keys
        from tui_voice.ui.screens.dialogs import TextPage

        row = self.chosen_row
        if row is not None:
            body = [(name, without_keys(value)) for name, value in row.fields]
            self.app.push_screen(TextPage(row.name, _time(row), body))


def _time(line: LogLine) -> str:
    """Returns the local time of an event with milliseconds: `12:41:03.250`."""
    try:
        when = datetime.fromtimestamp(line.unix_at).astimezone()
    except (ValueError, OverflowError, OSError):
        return "no time"
    return f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
