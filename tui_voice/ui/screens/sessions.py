"""The list of all saved sessions: find one, read it, resume it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui_voice.errors import StoreError, TuiVoiceError
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.number_format import length, plural, usd
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import ExportChoice, ResumeRequest
from tui_voice.ui.screens.list_screen import ListScreen
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.wrapping import fit, fit_phrase, wrap

if TYPE_CHECKING:
    from tui_voice.store.pending_deletion import PendingDeletion
    from tui_voice.store.saved_session import SavedSession

HERE = "   open now"
ORDERS: dict[str, Callable[[SavedSession], Any]] = {
    "newest": lambda session: -session.last,
    "longest": lambda session: -session.seconds,
    "most turns": lambda session: -session.turns,
    "dearest": lambda session: -session.usd,
    "title": lambda session: session.title.casefold(),
}
"""Name of an order → the value by which it sorts."""


def today() -> datetime:
    """Returns the current time in the local time zone; tests replace this function."""
    return datetime.now().astimezone()


def day(started: str) -> str:
    """Returns a date for people: `today 12:41`, `yesterday 12:41`, `Sat 4 April 12:41`; with the
    year where it is not this year. `started`: ISO 8601.
    """
    try:
        when = datetime.fromisoformat(started).astimezone()
    except ValueError:
        return "no date"
    now = today()
    days = (now.date() - when.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {when:%H:%M}"
    year = f" {when.year}" if when.year != now.year else ""
    return f"{when:%a} {when.day} {when:%B}{year} {when:%H:%M}"


class SessionsScreen(ListScreen["SavedSession"]):
    """Returns a `ResumeRequest`, or None."""

    HEADING = "saved sessions"
    PLACEHOLDER = "type to filter by title, date or model"
    EMPTY = "reading the saved sessions"
    HINTS = (
        ("undo", "undo"),
        ("choose", "resume"),
        ("read", "read"),
        ("order", "order"),
        ("rename", "rename"),
        ("fork", "fork"),
        ("export", "export"),
        ("delete", "delete"),
        ("back", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            binding(BUILT_IN[name], priority=True)
            for name in ("read", "order", "rename", "fork", "delete", "undo")
        ),
        Binding("ctrl+e", "export", show=False, priority=True, id="export"),
    ]

    def __init__(
        self, options: AppOptions, keys: KeyTable, folder: Path, current: str = ""
    ) -> None:
        """`current`: id of the session that is open now."""
        super().__init__(options, keys, folder)
        self._current = current
        self._deleted: list[PendingDeletion] = []  # until the user leaves the list
        self._sessions: list[SavedSession] | None = None
        self.order = next(iter(ORDERS))

    def paint_row(self, row: SavedSession, width: int) -> list[list[StyledText]]:
        """Returns the title; then when, how long, how many turns, the cost, the model."""
        if row.fault:
            more = self._options.glyphs.more
            return [
                [(fit(row.title, width - 1, more), "words")],
                [(fit(row.fault, width - 1, more), "alarm")],
            ]
        dot, more = f" {self._options.glyphs.dot} ", self._options.glyphs.more
        parts = [day(row.started), length(row.seconds), plural(row.turns, "turn")]
        parts += [usd(row.usd)] if row.usd else []
        parts += [row.model or row.backend]
        here = HERE if row.id == self._current else ""
        while len(parts) > 1 and len(dot.join(parts)) > width - 1:
            parts.pop()
        first, *rest = self._title_lines(row, width)
        lines: list[list[StyledText]] = [[(first, "words"), (here, "quiet")]]
        if rest:
            lines.append([(fit_phrase(" ".join(rest), width - 1, more), "words")])
        return [
            *lines,
            [(fit(dot.join(parts), width - 1, more), "quiet")],
        ]

    def row_height(self, row: SavedSession, width: int) -> int:
        return 2 if row.fault or len(self._title_lines(row, width)) == 1 else 3

    def _title_lines(self, row: SavedSession, width: int) -> list[str]:
        """Returns the title in lines: a long one has two."""
        here = len(HERE) if row.id == self._current else 0
        lines = wrap(row.title, width - here - 1)
        return [row.title[begin:end] for begin, end in lines]

    def preview_of(self, row: SavedSession) -> tuple[Path, str]:
        return row.path, ""

    # ── the list ────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        super().on_mount()
        self.reload()

    def reload(self) -> None:
        """Reads the folder again, in a thread."""

        def work() -> None:
            from tui_voice.store.catalog import list_sessions, unreadable_sessions

            try:
                sessions = list_sessions(self.folder) + unreadable_sessions(self.folder)
            except TuiVoiceError as error:
                show_result(self, self.show_error, error)
            else:
                show_result(self, self._show_sessions, sessions)

        self.run_worker(work, thread=True, exclusive=True, group="list")

    def _show_sessions(self, sessions: list[SavedSession]) -> None:
        self._sessions = sessions
        self._apply_current_filter()

    def _apply_current_filter(self, highlighted: Path | None = None) -> None:
        self.apply_filter(self.query_one("#filter", Input).value, highlighted)

    def apply_filter(self, text: str, highlighted: Path | None = None) -> None:
        """Shows the sessions that match. `highlighted`: the journal of the row to highlight; None:
        the row stays highlighted, or where it is gone, the one in its place.
        """
        if self._sessions is None:
            return
        words = text.casefold().split()
        gone = {one.path for one in self._deleted}
        there = [session for session in self._sessions if session.path not in gone]
        found = [
            session for session in there if all(word in _searchable(session) for word in words)
        ]
        found.sort(key=ORDERS[self.order])
        before = self.chosen_row
        if highlighted is None and before is not None:
            highlighted = before.path
        at = next((n for n, one in enumerate(found) if one.path == highlighted), None)
        if at is None:
            is_gone = before is not None and before not in there
            at = min(self.list.highlighted or 0, len(found) - 1) if is_gone else 0
        self.list.show(found, at, "no session matches" if there else "no saved sessions")
        total = plural(len(found), "session")
        if text:
            total = f"{len(found)} of {len(there)}"
        self.set_heading(total, f"{self.order} first")

    # ── actions on the highlighted session ──────────────────────────────────────────────────

    def choose(self) -> None:
        row = self.chosen_row
        if row is not None and row.fault:
            self.show_error(StoreError(row.fault))
        elif row is not None:
            self.dismiss(ResumeRequest(row.id))

    def action_order(self) -> None:
        orders = list(ORDERS)
        self.order = orders[(orders.index(self.order) + 1) % len(orders)]
        self._apply_current_filter()

    def action_read(self) -> None:
        from tui_voice.ui.screens.reader import ReaderScreen

        if self.chosen_row is not None:
            reader = ReaderScreen(self._options, self._key_table, self.chosen_row.path)
            self.app.push_screen(reader, self.dismiss_with)

    def _change_folder(self, change: Callable[[], object], done: str) -> None:
        """Calls `change`, says what it did, and reads the folder again."""
        try:
            change()
        except TuiVoiceError as error:
            self.show_error(error)
        else:
            self.show_message(done)
            self.reload()

    def action_rename(self) -> None:
        from tui_voice.store.catalog import rename
        from tui_voice.ui.screens.dialogs import TextQuestion

        session = self.chosen_row
        if session is None:
            return

        def answered(title: str | None) -> None:
            if title and title != session.title:
                done = f"The session is now called {title}."
                self._change_folder(lambda: rename(session.path, title), done)

        self.app.push_screen(TextQuestion("rename the session", "", session.title), answered)

    def action_delete(self) -> None:
        """Takes the session out of the list. It is deleted when the user leaves the list: until
        then nothing has happened to its files.
        """
        from tui_voice.store.pending_deletion import PendingDeletion

        session = self.chosen_row
        if session is None:
            return
        if session.id == self._current:
            self.show_message("This session is open: open another one, and delete it then.")
            return
        try:
            self._deleted.append(PendingDeletion(session.path, session.title))
        except TuiVoiceError as error:
            self.show_error(error)
            return
        self._deletions_changed()

    def action_undo(self) -> None:
        """Brings back the session that was deleted last."""
        if self._deleted:
            back = self._deleted.pop()
            back.undo()
            self._deletions_changed(back.path)

    def _deletions_changed(self, back: Path | None = None) -> None:
        """`back`: the journal of the session that was brought back; it is highlighted."""
        self._apply_current_filter(back)
        self.show_keys()
        if self._deleted:
            title, key = self._deleted[-1].title, self._key_table.name("undo")
            undo = f" {key} brings it back until you leave this list." if key else ""
            self.show_message(f"Deleted “{fit_phrase(title, 60)}”.{undo}")
        else:
            self.show_error(None)

    def works(self, action_id: str) -> bool:
        return action_id != "undo" or bool(self._deleted)

    def on_unmount(self) -> None:
        """The user leaves the list: what was deleted goes into the system's trash."""
        for one in self._deleted:
            try:
                one.finish()
            except TuiVoiceError as error:
                self.app.notify(f"{error} {error.hint}", severity="error", markup=False)
        self._deleted = []

    def action_fork(self) -> None:
        """Makes a new session that begins with all of this one, and resumes it."""
        from tui_voice.store.catalog import fork
        from tui_voice.store.reading import load

        if self.chosen_row is None:
            return
        path = self.chosen_row.path

        def change() -> None:
            last = load(path).ledger.turns.last
            if last is not None:
                self.dismiss(ResumeRequest(fork(path, last.id).stem))

        self._change_folder(change, "The session is forked.")

    def action_export(self) -> None:
        from tui_voice.ui.screens.export import ExportDialog

        if self.chosen_row is None:
            return
        path = self.chosen_row.path

        def answered(choice: ExportChoice | None) -> None:
            if choice is None:
                return
            from tui_voice.store.catalog import append
            from tui_voice.store.reading import load
            from tui_voice.ui.export_writer import write_export

            try:
                ledger = load(path).ledger
            except TuiVoiceError as error:
                self.show_error(error)
            else:
                post = partial(append, path)
                write_export(
                    self.app,
                    self._options,
                    ledger,
                    choice,
                    post,
                    self.show_message,
                    self.show_error,
                )

        self.app.push_screen(ExportDialog(self._options.glyphs), answered)


def _searchable(session: SavedSession) -> str:
    """Returns the text in which the filter looks for words."""
    parts = (session.title, day(session.started), session.started[:10], session.model)
    return " ".join((*parts, session.backend)).casefold()
