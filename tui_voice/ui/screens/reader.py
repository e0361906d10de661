"""A saved talk to read: the same page as the talk, without a line to type in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.keys import binding
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import Options
from tui_voice.ui.screens.listing import Open
from tui_voice.ui.view import Header, started
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.transcript import Transcript, copy_from

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger


class ReaderScreen(Screen[Open | None]):
    """Prunings are marked where they were; nothing can be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("ctrl+o", "go_on", show=False),
        Binding("ctrl+k", "fork", show=False),
        binding("copy"),
    ]
    HINTS = (
        ("go_on", "^O", "go on with it"),
        ("fork", "^K", "fork at the chosen turn"),
        ("copy", "c", "copy the turn"),
        ("dismiss(None)", "Esc", "back"),
    )

    def __init__(self, options: Options, path: Path, turn: str = "") -> None:
        super().__init__()
        self._options = options
        self._path = path
        self._turn = turn
        self._talk_id = path.stem

    def compose(self) -> ComposeResult:
        glyphs = self._options.glyphs
        yield HeaderLine(glyphs=glyphs, id="header")
        yield Transcript(
            glyphs=glyphs,
            timestamps=self._options.timestamps,
            empty=("reading the talk",),
            id="transcript",
        )
        yield NoticeLine(glyphs=glyphs, id="trouble")
        yield KeyLine(glyphs=glyphs, id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyLine).hints = self.HINTS
        self.query_one(Transcript).focus()

        def work() -> None:
            from tui_voice.store.reading import load

            try:
                loaded = load(self._path)
            except TuiVoiceError as error:
                self.app.call_from_thread(self._trouble, error)
            else:
                self.app.call_from_thread(self._show, loaded.ledger, loaded.notes)

        self.run_worker(work, thread=True, group="reading")

    def _trouble(self, error: TuiVoiceError) -> None:
        self.query_one(NoticeLine).notice = Notice(str(error), error.hint, "error")

    def _show(self, ledger: Ledger, flaws: tuple[str, ...]) -> None:
        from tui_voice.store.saved_session import saved_session_of

        talk = saved_session_of(ledger, self._path)
        self._talk_id = talk.id
        header = self.query_one(HeaderLine)
        header.header = Header(talk.title, (talk.backend, talk.model), talk.usd)
        header.seconds = int(talk.seconds)
        transcript = self.query_one(Transcript)
        transcript.set_empty(("nothing was said in this talk",))
        transcript.show(ledger.turns, ledger.compactions, started(ledger))
        if self._turn:
            transcript.go_to(self._turn)
        if flaws:
            self.query_one(NoticeLine).notice = Notice("; ".join(flaws), "", "warning")

    def action_go_on(self) -> None:
        turn = self.query_one(Transcript).chosen_turn
        self.dismiss(Open(self._talk_id, turn.id if turn else ""))

    def action_fork(self) -> None:
        from tui_voice.store.catalog import fork

        transcript = self.query_one(Transcript)
        turn = transcript.chosen_turn or transcript.last_turn
        if turn is None:
            return
        try:
            path = fork(self._path, turn.id)
        except TuiVoiceError as error:
            self._trouble(error)
        else:
            self.dismiss(Open(path.stem))

    def action_copy(self) -> None:
        copy_from(self.query_one(Transcript))

    async def on_key_line_clicked(self, event: KeyLine.Clicked) -> None:
        await self.run_action(event.action)
