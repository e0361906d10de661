"""The help screen: the keys of the focused part, every other key, and what the numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import Static

from tui_voice.ui.keys import KeyTable
from tui_voice.ui.screen_context import HelpTopic
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import wrap

NUMBERS = (
    ("window", "Tokens that the model carries now. It reads all of them again for each reply."),
    ("≈", "An estimate. The server counts exactly with each reply."),
    ("cached", "Tokens read from the server's cache, at a tenth of the price or less."),
    ("tick", "When the window has filled up to it, the oldest turns are summarised."),
    ("bar", "The number at its end says how many tokens the whole bar stands for."),
    ("keeps", "So many of the newest turns are never summarised."),
    ("pruned", "Summarised, and deleted from the window. The turn has a thin edge here."),
    ("pinned", "The turn is never pruned."),
    ("textified", "The model has the transcript instead of the sound: cheaper, same content."),
    ("interrupted", "You spoke over the reply. The struck words were not played; the model knows."),
    (
        "timeline",
        "The strip above the transcript has a column for each turn, as high as its tokens. Below "
        "it is a line where the model has the turn, a broken one where it is textified, and dots "
        "where it is summarised.",
    ),
    ("an hour", "What an hour of this session costs, by the newest replies."),
    ("memory", "The summary that replaces everything pruned. You can edit it."),
)


Rows = tuple[tuple[str, str], ...]


class _HelpColumn(BlockWidget):
    DEFAULT_CSS = "_HelpColumn { height: auto; width: 1fr; }"

    def __init__(self, sections: Sequence[tuple[str, Rows]], name_width: int) -> None:
        """`sections`: heading and rows of each."""
        super().__init__()
        self._sections = sections
        self._name_width = name_width

    def lines(self, width: int) -> list[list[StyledText]]:
        found: list[list[StyledText]] = []
        room = max(8, width - self._name_width - 3)
        for heading, rows in self._sections:
            found += [[(heading, "strong")], []]
            for name, about in rows:
                for number, (begin, end) in enumerate(wrap(about, room)):
                    lead = name if number == 0 else ""
                    line = [
                        (f"{lead:<{self._name_width}} ", "words"),
                        (about[begin:end], "machine"),
                    ]
                    found.append(line)
            found.append([])
        return found


class HelpScreen(OwnModalScreen[None]):
    """The keys where the user is, then all of the session screen, then the numbers. There are two
    columns where there is room for them, else one below the other.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", show=False),
        Binding("f1", "dismiss(None)", show=False, id="help"),
    ]

    def __init__(self, keys: KeyTable, topic: HelpTopic) -> None:
        """`topic`: where the user is."""
        super().__init__(classes="dialog")
        self._keys = keys
        self._topic = topic

    def compose(self) -> ComposeResult:
        here = self._topic.rows
        actions = [action for action in self._keys.actions if self._keys.key(action.id)]
        rows = tuple((self._keys.name(action.id), action.about) for action in actions)
        others = tuple(row for row in rows if row not in here)
        with VerticalScroll(id="help"):
            yield _HelpColumn(
                [(f"keys here: {self._topic.name}", here), ("all keys of a session", others)], 10
            )
            yield _HelpColumn([("what the numbers mean", NUMBERS)], 13)
        yield Static("up, down: scroll   Esc: back", id="help-hint")

    def on_mount(self) -> None:
        self.query_one("#help").focus()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= 96, "-two")
        self.set_class(event.size.height < 16, "-tiny")
