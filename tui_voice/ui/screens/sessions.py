"""All saved talks: find one, look into it, go on with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.number_format import length, plural, usd
from tui_voice.ui.options import Options
from tui_voice.ui.screens.listing import ListScreen, Open
from tui_voice.ui.widgets.card import Part
from tui_voice.ui.widgets.choices import Choices
from tui_voice.ui.wrapping import fit

if TYPE_CHECKING:
    from tui_voice.store.saved_session import SavedSession

ORDERS: tuple[str, ...] = ("newest", "longest", "most turns", "dearest", "title")


class SessionRows(Choices["SavedSession"]):
    """Title; then when, how long, how many turns, what it cost, with whom."""

    current: str = ""
    """Id of the talk that is open."""

    def draw(self, row: SavedSession, width: int) -> list[list[Part]]:
        dot = f" {self._glyphs.dot} "
        facts = [day(row.started), length(row.seconds), plural(row.turns, "turn")]
        facts += [usd(row.usd)] if row.usd else []
        facts += [row.model or row.backend]
        here = "   open now" if row.id == self.current else ""
        while len(facts) > 1 and len(dot.join(facts)) > width - 1:
            facts.pop()
        title = fit(row.title, width - len(here) - 1, self._glyphs.more)
        return [
            [(title, "words"), (here, "quiet")],
            [(fit(dot.join(facts), width - 1, self._glyphs.more), "quiet")],
        ]


def today() -> datetime:
    return datetime.now().astimezone()


def day(started: str) -> str:
    """`today 12:41`, `yesterday 12:41`, `Sat 4 April 12:41`, with the year where it is another."""
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


class SessionsScreen(ListScreen):
    HEADING = "saved talks"
    PLACEHOLDER = "type to filter by title, date or model"
    HINTS = (
        ("pick", "Enter", "go on with it"),
        ("read", "^O", "read"),
        ("order", "^T", "order"),
        ("rename", "F2", "rename"),
        ("fork", "^K", "fork"),
        ("export", "^E", "export"),
        ("delete", "^D", "delete"),
        ("back", "Esc", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "read", show=False, priority=True),
        Binding("ctrl+t", "order", show=False, priority=True),
        Binding("f2", "rename", show=False, priority=True),
        Binding("ctrl+k", "fork", show=False, priority=True),
        Binding("ctrl+e", "export", show=False, priority=True),
        Binding("ctrl+d", "delete", show=False, priority=True),
    ]

    def __init__(self, options: Options, folder: Path, current: str = "") -> None:
        super().__init__(options, folder)
        self._current = current
        self._talks: list[SavedSession] | None = None
        self._order = ORDERS[0]

    def rows(self) -> Choices[Any]:
        rows = SessionRows(glyphs=self._options.glyphs, nothing="reading", id="rows")
        rows.current = self._current
        return rows

    @property
    def marked(self) -> SavedSession | None:
        return self.query_one(SessionRows).marked

    @property
    def previewed(self) -> tuple[Path, str] | None:
        return (self.marked.path, "") if self.marked else None

    # ── the list ────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        super().on_mount()
        self.reload()

    def reload(self) -> None:
        def work() -> None:
            from tui_voice.store.catalog import list_sessions

            try:
                talks = list_sessions(self.folder)
            except TuiVoiceError as error:
                self.app.call_from_thread(self.trouble, error)
            else:
                self.app.call_from_thread(self._take, talks)

        self.run_worker(work, thread=True, exclusive=True, group="list")

    def _take(self, talks: list[SavedSession]) -> None:
        if self.is_mounted:
            self._talks = talks
            self.changed(self.query_one("#filter", Input).value)

    def changed(self, text: str) -> None:
        if self._talks is None:
            return
        words = text.casefold().split()
        found = [
            talk for talk in self._talks if all(word in self._described(talk) for word in words)
        ]
        key: dict[str, Any] = {
            "newest": lambda talk: -talk.last,
            "longest": lambda talk: -talk.seconds,
            "most turns": lambda talk: -talk.turns,
            "dearest": lambda talk: -talk.usd,
            "title": lambda talk: talk.title.casefold(),
        }
        found.sort(key=key[self._order])
        before = self.marked
        at = next((n for n, talk in enumerate(found) if before and talk.id == before.id), 0)
        nothing = "no talk is like that" if self._talks else "no talk has been saved yet"
        self.query_one(SessionRows).show(found, at, nothing)
        dot = f" {self._options.glyphs.dot} "
        total = f"{len(found)} of {len(self._talks)}" if text else plural(len(found), "talk")
        self.query_one("#heading", Static).update(
            f"{self.HEADING}{dot}{total}{dot}{self._order} first"
        )

    def _described(self, talk: SavedSession) -> str:
        when = day(talk.started)
        return f"{talk.title} {when} {talk.started[:10]} {talk.model} {talk.backend}".casefold()

    # ── what one does with a talk ───────────────────────────────────────────────────────────

    def picked(self) -> None:
        if self.marked is not None:
            self.dismiss(Open(self.marked.id))

    def action_order(self) -> None:
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self.changed(self.query_one("#filter", Input).value)

    def action_read(self) -> None:
        from tui_voice.ui.screens.reader import ReaderScreen

        if self.marked is not None:
            self.app.push_screen(ReaderScreen(self._options, self.marked.path), self._read)

    def _read(self, result: Open | None) -> None:
        if result is not None:
            self.dismiss(result)

    def _changed_on_disk(self, work: Any, done: str) -> None:
        """Does something to the folder; says what came of it, and reads the list anew."""
        try:
            work()
        except TuiVoiceError as error:
            self.trouble(error)
        else:
            self.say(done)
            self.reload()

    def action_rename(self) -> None:
        from tui_voice.store.catalog import rename
        from tui_voice.ui.screens.dialogs import Ask

        talk = self.marked
        if talk is None:
            return

        def answered(title: str | None) -> None:
            if title and title != talk.title:
                self._changed_on_disk(lambda: rename(talk.path, title), f"now called {title}")

        self.app.push_screen(Ask("rename the talk", "", talk.title), answered)

    def action_delete(self) -> None:
        from tui_voice.store.catalog import delete
        from tui_voice.ui.screens.dialogs import Confirm

        talk = self.marked
        if talk is None:
            return

        def answered(sure: bool | None) -> None:
            if sure:
                self._changed_on_disk(lambda: delete(talk.path), "it is in the trash")

        about = f"{talk.title}: {plural(talk.turns, 'turn')}, {length(talk.seconds)}"
        question = Confirm("put this talk into the trash?", about, yes="into the trash")
        self.app.push_screen(question, answered)

    def action_fork(self) -> None:
        """A new talk that begins with all of this one."""
        from tui_voice.store.catalog import fork
        from tui_voice.store.reading import load

        if self.marked is None:
            return
        path = self.marked.path

        def work() -> None:
            last = load(path).ledger.turns.last
            if last is not None:
                self.dismiss(Open(fork(path, last.id).stem))

        self._changed_on_disk(work, "forked")

    def action_export(self) -> None:
        from tui_voice.ui.screens.export import ExportDialog

        if self.marked is None:
            return
        path = self.marked.path

        def answered(chosen: tuple[str, Path] | None) -> None:
            if chosen is None:
                return
            from tui_voice.store.reading import load
            from tui_voice.ui.writing import write_out

            try:
                ledger = load(path).ledger
            except TuiVoiceError as error:
                self.trouble(error)
            else:
                write_out(self.app, self._options, ledger, chosen, self.say, self.trouble)

        self.app.push_screen(ExportDialog(self._options.glyphs, Path.cwd()), answered)
