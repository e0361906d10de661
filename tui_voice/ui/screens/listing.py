"""What the lists of talks and of finds share: a line to filter by, rows, a preview beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import Options
from tui_voice.ui.view import started
from tui_voice.ui.widgets.choices import Choices
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

WIDE = 96
"""Columns from which there is a preview."""
PAUSE = 0.12
"""Seconds of quiet before what was typed is looked for, or a preview read."""


class Open(NamedTuple):
    """The user goes on with a saved talk. `turn`: where to look; "" for its end."""

    session_id: str
    turn: str = ""


class ListScreen(Screen[Open | None]):
    """The filter keeps the focus; arrows move the mark, so nothing has to be switched."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
    ]
    AUTO_FOCUS = "#filter"
    HEADING: ClassVar[str] = ""
    PLACEHOLDER: ClassVar[str] = ""
    HINTS: ClassVar[tuple[tuple[str, str, str], ...]] = ()

    def __init__(self, options: Options, folder: Path) -> None:
        super().__init__()
        self._options = options
        self.folder = folder
        self._timer: Timer | None = None

    def rows(self) -> Choices[Any]:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        glyphs = self._options.glyphs
        yield Static(self.HEADING, classes="bar", id="heading", markup=False)
        yield Input(placeholder=self.PLACEHOLDER, compact=True, id="filter")
        with Horizontal(id="lists"):
            yield self.rows()
            yield Transcript(glyphs=glyphs, timestamps=self._options.timestamps, id="preview")
        yield NoticeLine(glyphs=glyphs, id="trouble")
        yield KeyLine(glyphs=glyphs, id="keys")

    def on_mount(self) -> None:
        self.query_one("#preview").can_focus = False
        self.query_one(KeyLine).hints = self.HINTS
        self.changed(self.query_one(Input).value)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    # ── for subclasses ──────────────────────────────────────────────────────────────────────

    def changed(self, text: str) -> None:
        """What is typed has changed, and has been quiet since."""
        raise NotImplementedError

    def picked(self) -> None:
        """Enter."""
        raise NotImplementedError

    @property
    def previewed(self) -> tuple[Path, str] | None:
        """The talk to show beside the list, and the turn to show of it."""
        raise NotImplementedError

    def trouble(self, error: TuiVoiceError | None) -> None:
        notice = Notice(str(error), error.hint, "error") if error else Notice()
        self.query_one(NoticeLine).notice = notice

    def say(self, text: str) -> None:
        self.query_one(NoticeLine).notice = Notice(text)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, lambda: self.changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.picked()

    def on_choices_picked(self) -> None:
        self.picked()

    def action_back(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        self.query_one("#rows", Choices).action_move(by)

    def action_page(self, by: int) -> None:
        self.query_one("#rows", Choices).action_page(by)

    async def on_key_line_clicked(self, event: KeyLine.Clicked) -> None:
        await self.run_action(event.action)

    def action_pick(self) -> None:
        self.picked()

    # ── the preview ─────────────────────────────────────────────────────────────────────────

    def on_choices_moved(self) -> None:
        wanted = self.previewed
        if wanted is None or not self.has_class("-wide"):
            return
        path, turn = wanted

        def work() -> None:
            from tui_voice.store.reading import load

            try:
                ledger = load(path).ledger
            except TuiVoiceError as error:
                self.app.call_from_thread(self.trouble, error)
            else:
                self.app.call_from_thread(self._show_preview, path, turn, ledger)

        self.run_worker(work, thread=True, exclusive=True, group="preview")

    def _show_preview(self, path: Path, turn: str, ledger: Ledger) -> None:
        if not self.is_mounted or self.previewed != (path, turn):
            return
        preview = self.query_one("#preview", Transcript)
        preview.release()
        preview.show(ledger.turns, ledger.compactions, started(ledger))
        if turn:
            preview.go_to(turn)
        else:
            preview.action_to_end()
