"""Jump mode: a letter at every part and every key on the screen; typing it goes there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.widgets.footer import KeyHintsLine

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""In this order; the first ones lie under the fingers."""


class Target(NamedTuple):
    """One place to which a letter goes."""

    at: Offset
    go: Callable[[], object]
    width: int = 3
    """Columns of the label: at a key, those of its name, so that its word can be read."""


def targets_on(screen: Screen[Any]) -> dict[str, Target]:
    """Returns letter → target: first the parts that can have the focus, then the keys of the
    footer. There are never more than there are letters.
    """
    focus: Callable[[Widget], object] = getattr(screen, "focus_part", screen.set_focus)
    found = [
        Target(part.region.offset, partial(focus, part))
        for part in screen.focus_chain
        if screen.region.contains_point(part.region.offset)
    ]
    for line in screen.query(KeyHintsLine):
        if line.region:
            found += [
                Target(
                    line.region.offset + Offset(at, 0), partial(line.press, action), cell_len(key)
                )
                for at, action, key, _word in line.shown
                if action and action != "jump"
            ]
    return dict(zip(LETTERS, found, strict=False))


def open_jump_mode(app: App[Any]) -> None:
    """Opens jump mode over the current screen, and goes where the user wants."""

    def chosen(target: Target | None) -> None:
        if target is not None:
            target.go()

    app.push_screen(JumpScreen(targets_on(app.screen)), chosen)


class JumpScreen(OwnModalScreen[Target | None]):
    """Returns the target whose letter was typed; None for every other key."""

    DEFAULT_CSS = """
    JumpScreen { background: $background 40%; align: left top; }
    JumpScreen Static {
        position: absolute; height: 1;
        background: $user; color: $ground; text-style: bold;
    }
    """

    def __init__(self, targets: dict[str, Target]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        for letter, target in self._targets.items():
            label = Static(letter.center(target.width), markup=False)
            label.styles.offset = target.at
            label.styles.width = target.width
            yield label

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(self._targets.get(event.character or ""))

    def on_click(self) -> None:
        self.dismiss(None)
