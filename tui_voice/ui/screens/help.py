"""The help screen: every key, and what the numbers of the session screen mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_voice.ui.keys import KeyTable
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import wrap

MORE_KEYS = (
    ("up, down", "in the empty prompt: earlier inputs; in select mode: choose a turn"),
    ("Esc Esc", "with nothing to stop and nothing typed: select mode"),
    ("Ctrl+J", "begin a new line in the prompt, as Alt+Enter and Shift+Enter do"),
    ("PgUp, PgDn", "scroll the transcript, from the prompt too, as the mouse wheel does"),
    ("Home, End", "in the empty prompt: go to the first or the newest turn"),
    ("Tab", "go to the next part: transcript (select mode), pruning log, memory, prompt"),
    ("Enter", "in select mode: fold the chosen pruning; in the memory: edit it"),
    ("/ n N", "in select mode: find words, go to the next hit, to the one before"),
    ("mouse", "drag to select text; double-click to select a turn; c copies it"),
)
"""Keys of single widgets. The user cannot move them by settings."""
NUMBERS = (
    ("window", "Tokens that the model carries now. It reads all of them again for each reply."),
    ("~", "An estimate. The server counts exactly with each reply."),
    ("cached", "Tokens read from the server's cache, at a tenth of the price or less."),
    ("tick", "When the window has filled up to the tick, the oldest turns are summarised."),
    ("keeps", "So many of the newest turns are never summarised."),
    ("pruned", "Summarised, and deleted from the window. The turn has a thin edge here."),
    ("pinned", "The turn is never pruned."),
    ("textified", "The model has the transcript instead of the sound: cheaper, same content."),
    ("interrupted", "You spoke over the reply. The struck words were not played; the model knows."),
    ("an hour", "What an hour of this session costs, by the newest replies."),
    ("memory", "The summary that replaces everything pruned. You can edit it."),
)


class _HelpColumn(BlockWidget):
    DEFAULT_CSS = "_HelpColumn { height: auto; width: 1fr; }"

    def __init__(self, heading: str, rows: tuple[tuple[str, str], ...], name_width: int) -> None:
        super().__init__()
        self._heading = heading
        self._rows = rows
        self._name_width = name_width

    def lines(self, width: int) -> list[list[StyledText]]:
        found: list[list[StyledText]] = [[(self._heading, "strong")], []]
        room = max(8, width - self._name_width - 2)
        for name, about in self._rows:
            for number, (begin, end) in enumerate(wrap(about, room)):
                lead = name if number == 0 else ""
                line = [(f"{lead:<{self._name_width}}", "words"), (about[begin:end], "machine")]
                found.append(line)
        found.append([])
        return found


class HelpScreen(ModalScreen[None]):
    """Two columns where there is room for them, else one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", show=False),
        Binding("f1", "dismiss(None)", show=False, id="help"),
    ]

    def __init__(self, keys: KeyTable) -> None:
        super().__init__(classes="dialog")
        self._keys = keys

    def compose(self) -> ComposeResult:
        rows = tuple((self._keys.name(action.id), action.about) for action in self._keys.actions)
        with VerticalScroll(id="help"):
            yield _HelpColumn("keys", (*rows, *MORE_KEYS), 10)
            yield _HelpColumn("what the numbers mean", NUMBERS, 13)
        yield Static("up, down: scroll   Esc: back to the session", id="help-hint")

    def on_mount(self) -> None:
        self.query_one("#help").focus()

    def on_resize(self, event: Resize) -> None:
        self.query_one("#help").set_class(event.size.width >= 96, "-two")
        self.set_class(event.size.height < 16, "-tiny")
