"""Every key, and what the numbers mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_voice.ui.keys import ACTIONS, key_name
from tui_voice.ui.options import Options
from tui_voice.ui.widgets.card import Card, Part
from tui_voice.ui.wrapping import wrap

_MORE_KEYS = (
    ("up, down", "choose a turn; Esc lets go of it"),
    ("Enter", "on a pruning: fold it; else: to the line to type in, and back"),
    ("Tab", "to the pruning log and the memory, and on"),
    ("e", "in the memory: edit it"),
    ("mouse", "drag to select, twice: a turn; c copies"),
    ("End", "to the newest turn"),
)
_NUMBERS = (
    ("window", "Tokens the model carries now. It reads all of them again for every reply."),
    ("~", "An estimate. The server counts exactly with each reply."),
    ("cached", "Read again from the server's cache, at about a tenth of the price or less."),
    ("tick", "When the window has filled up to here, the oldest turns are summarised."),
    ("keeps", "So many of the newest turns are never summarised."),
    ("pruned", "Summarised and taken from the model; a thin edge. Here it stays to be read."),
    ("pinned", "Never pruned."),
    ("textified", "The model has the words of it, no longer the sound: cheaper, same content."),
    ("interrupted", "You spoke over it. Struck words were not heard, and the model knows that."),
    ("an hour", "What an hour of this talk costs at the pace of so far."),
    ("memory", "The summary that stands for everything pruned. Yours to correct."),
)


class _Column(Card):
    DEFAULT_CSS = "_Column { height: auto; width: 1fr; }"

    def __init__(self, heading: str, rows: tuple[tuple[str, str], ...], lead: int) -> None:
        super().__init__()
        self._heading = heading
        self._rows = rows
        self._lead = lead

    def lines(self, width: int) -> list[list[Part]]:
        found: list[list[Part]] = [[(self._heading, "strong")], []]
        room = max(8, width - self._lead - 2)
        for name, about in self._rows:
            for number, (begin, end) in enumerate(wrap(about, room)):
                lead = name if number == 0 else ""
                found.append([(f"{lead:<{self._lead}}", "words"), (about[begin:end], "machine")])
        found.append([])
        return found


class HelpScreen(ModalScreen[None]):
    """Two columns where there is room for them, else one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", show=False),
        Binding("f1", "dismiss(None)", show=False, id="help"),
    ]

    def __init__(self, options: Options) -> None:
        super().__init__(classes="dialog")
        self._options = options

    def compose(self) -> ComposeResult:
        control = self._options.glyphs.control
        keys = tuple(
            (key_name(self._options.key(action.id), control), action.about) for action in ACTIONS
        )
        with VerticalScroll(id="help"):
            yield _Column("keys", (*keys, *_MORE_KEYS), 10)
            yield _Column("what the numbers mean", _NUMBERS, 13)
        yield Static("up, down: scroll   Esc: back to the talk", id="help-hint")

    def on_mount(self) -> None:
        self.query_one("#help").focus()

    def on_resize(self, event: Resize) -> None:
        self.query_one("#help").set_class(event.size.width >= 96, "-two")
        self.set_class(event.size.height < 16, "-tiny")
