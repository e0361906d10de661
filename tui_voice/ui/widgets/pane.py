"""A part of the screen that can have the focus: its edge is lit while it does."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding
from textual.widget import Widget

from tui_voice.ui.keys import key_name
from tui_voice.ui.widgets.kept_lines import Rows

Hint = tuple[str, str, str]
"""Textual action ("" for none that a click could do), key and word of one key for the footer."""


class Pane(Rows):
    """Draws the edge at the left of what it contains."""

    DEFAULT_CSS = """
    Pane { height: auto; border-left: outer $background; }
    Pane:focus-within { border-left: outer $user; }
    """


class PaneKeys(NamedTuple):
    """The name of a focused widget and its own keys, from its class."""

    name: str = ""
    """The class attribute `PANE_NAME`; "" where it has none."""
    keys: tuple[Hint, ...] = ()
    """The keys of its bindings that have a description. One that is not shown goes with the key
    before it, as down does with up."""


NO_PANE = PaneKeys()


def keys_of(kind: type[Widget | None]) -> PaneKeys:
    """Returns the name and the keys of a class of widgets, for footer, help and documentation."""
    name = getattr(kind, "PANE_NAME", "")
    if not name:
        return NO_PANE
    bindings = [
        one for one in getattr(kind, "BINDINGS", ()) if isinstance(one, Binding) and one.show
    ]
    return PaneKeys(
        name, tuple((b.action, b.key_display or key_name(b.key), b.description) for b in bindings)
    )
