"""A saved session to read: the transcript without a prompt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.fact_rows import FactRow, facts_of
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import HelpTopic, ResumeRequest
from tui_voice.ui.screens.closing import OwnScreen
from tui_voice.ui.screens.list_screen import SHORT
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.transcript_copy import copy_code_from, copy_from
from tui_voice.ui.view import HeaderView, started_at
from tui_voice.ui.widgets.find_bar import FindBar
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.conversation.events import FactChanged
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.conversation.turns import Turn


READER_KEYS = (
    ("up, down", "choose a turn, or a pruning"),
    ("Enter", "fold the chosen pruning; play the recorded sound of the chosen turn"),
    ("/ n N", "find words, go to the next hit, to the one before"),
    ("Esc", "end the search in the session; leave the reader"),
)
"""The keys of the reader that cannot be moved."""


class TurnPlayback(Protocol):
    """The part of the application that plays recorded turns."""

    def play_turn(self, journal: Path, turn: Turn) -> None: ...


class ReaderScreen(OwnScreen[ResumeRequest | None]):
    """Shows turns and prunings; only the memory can be changed.

    Returns a `ResumeRequest`, or None.
    """

    VERTICAL_BREAKPOINTS = SHORT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("slash", "find", show=False),
        binding(BUILT_IN["find"]),
        binding(BUILT_IN["resume_read"]),
        binding(BUILT_IN["fork"]),
        Binding("f5", "memory", show=False, id="memory"),
        binding(BUILT_IN["copy"]),
        binding(BUILT_IN["copy_code"]),
        binding(BUILT_IN["raw"]),
    ]
    HINTS = (
        ("resume_read", "resume"),
        ("fork", "fork at the chosen turn"),
        ("copy", "copy the turn"),
        ("copy_code", "copy the code in it"),
        ("raw", "raw text"),
        ("memory", "memory"),
        ("find", "find"),
        ("back", "back"),
    )
    FIND_HINTS = (("", "Enter", "go from hit to hit"), ("back", "Esc", "end the search"))

    def __init__(
        self,
        options: AppOptions,
        keys: KeyTable,
        path: Path,
        turn: str = "",
        lit: re.Pattern[str] | None = None,
    ) -> None:
        """`path`: the journal. `turn`: id of the turn to show; "" for the end. `lit`: what to
        light; n and N go from one to the next.
        """
        super().__init__()
        self._options = options
        self._key_table = keys
        self._lit = lit
        self._path = path
        self._turn = turn
        self._session_id = path.stem
        self._facts: tuple[FactRow, ...] = ()
        self._recorded = False

    def compose(self) -> ComposeResult:
        glyphs = self._options.glyphs
        transcript = Transcript(
            glyphs=glyphs,
            timestamps=self._options.timestamps,
            empty=("reading the session",),
            id="transcript",
        )
        yield HeaderLine(glyphs=glyphs, id="header")
        yield transcript
        yield FindBar(transcript, done=transcript.focus, id="find")
        yield NoticeLine(glyphs=glyphs, id="trouble")
        yield KeyHintsLine(glyphs=glyphs, id="keys")

    def on_mount(self) -> None:
        self.query_one(Transcript).focus()

        def work() -> None:
            from tui_voice.store.reading import load

            try:
                loaded = load(self._path)
            except TuiVoiceError as error:
                show_result(self, self._show_error, error)
            else:
                show_result(self, self._show, loaded.ledger, loaded.notes)

        self.run_worker(work, thread=True, group="reading")

    def _show_hints(self) -> None:
        hints = self._key_table.hints(self.HINTS)
        if self._recorded:
            hints = (("", "Enter", "play"), *hints)
        if self.query_one(FindBar).is_typing:
            hints = self.FIND_HINTS
        elif self.query_one(Transcript).searches:
            hints = (("", "n N", "next hit, hit before"), *hints)
        self.query_one(KeyHintsLine).hints = hints

    def on_descendant_focus(self) -> None:
        self._show_hints()

    def _show_error(self, error: TuiVoiceError) -> None:
        self.query_one(NoticeLine).notice = Notice(str(error), error.hint, "error")

    def _show(self, ledger: Ledger, flaws: tuple[str, ...]) -> None:
        """`flaws`: what could not be read in the journal, in sentences."""
        from tui_voice.store.catalog import recordings
        from tui_voice.store.saved_session import saved_session_of

        self._recorded = any(file.suffix == ".flac" for file in recordings(self._path))
        session = saved_session_of(ledger, self._path)
        self._session_id = session.id
        header = self.query_one(HeaderLine)
        header.header = HeaderView(session.title, (session.backend, session.model), session.usd)
        header.seconds = int(session.seconds)
        self._facts = facts_of(ledger)
        transcript = self.query_one(Transcript)
        transcript.set_empty(("this session has no turns",))
        transcript.show(ledger.turns, ledger.compactions, started_at(ledger))
        transcript.light_pattern(self._lit)
        self._show_hints()
        if self._turn:
            transcript.go_to(self._turn)
        if flaws:
            self.query_one(NoticeLine).notice = Notice("; ".join(flaws), "", "warning")

    def action_resume(self) -> None:
        turn = self.query_one(Transcript).chosen_turn
        self.dismiss(ResumeRequest(self._session_id, turn.id if turn else ""))

    def action_fork(self) -> None:
        """Makes a new session that ends with the chosen turn, and resumes it."""
        from tui_voice.store.catalog import fork

        transcript = self.query_one(Transcript)
        turn = transcript.chosen_turn or transcript.last_turn
        if turn is None:
            return
        try:
            path = fork(self._path, turn.id)
        except TuiVoiceError as error:
            self._show_error(error)
        else:
            self.dismiss(ResumeRequest(path.stem))

    def on_transcript_play_requested(self, event: Transcript.PlayRequested) -> None:
        """Plays the sound of a turn of this session, not of the open one."""
        event.stop()
        cast(TurnPlayback, self.app).play_turn(self._path, event.turn)

    def action_memory(self) -> None:
        """Opens the memory of this session; a change is written to its journal."""
        from tui_voice.store.catalog import change_fact
        from tui_voice.store.reading import load
        from tui_voice.ui.screens.memory import FactSource, MemoryScreen

        def change(event: FactChanged) -> None:
            change_fact(self._path, event)
            self._facts = facts_of(load(self._path).ledger)

        source = FactSource(lambda: self._facts, change, self.query_one(HeaderLine).header.title)
        self.app.push_screen(MemoryScreen(source, self._options.glyphs))

    def action_find(self) -> None:
        self.query_one(FindBar).open()

    def action_back(self) -> None:
        """Ends the search in the session, else closes the reader."""
        if self.query_one(FindBar).close():
            self.query_one(Transcript).focus()
            self._show_hints()
        else:
            self.dismiss(None)

    def on_transcript_chosen(self) -> None:
        self.query_one(FindBar).show_count()

    def action_copy(self) -> None:
        copy_from(self.query_one(Transcript))

    def action_copy_code(self) -> None:
        copy_code_from(self.query_one(Transcript))

    def action_raw(self) -> None:
        self.query_one(Transcript).toggle_raw()

    @property
    def help_topic(self) -> HelpTopic:
        """Returns what the help explains first."""
        return HelpTopic("reader", (*self._key_table.rows(self.HINTS), *READER_KEYS))

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        await self.run_action(self._key_table.textual_action(event.action))
