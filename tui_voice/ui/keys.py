"""What the keys do: one table for bindings, footer, help and palette.

An action's id is its name in the settings group `keys`, so every one of them can be re-mapped;
the keys here are that group's defaults, written again because settings load after the paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding, Keymap


class Action(NamedTuple):
    """`word` stands in the footer, `about` in help and palette. `needs`: the id that a view's
    `keys` must hold for it to work; "" for always.
    """

    id: str
    key: str
    word: str
    about: str
    needs: str = ""
    footer: bool = True


ACTIONS: tuple[Action, ...] = (
    Action("talk", "space", "talk", "open the microphone, or close it", "talk"),
    Action("stop", "escape", "stop", "stop the reply", "stop"),
    Action("mute", "m", "mute", "silence the microphone, or let it hear again", "mute"),
    Action("send", "enter", "send", "send what is typed", "", footer=False),
    Action(
        "summarise", "ctrl+s", "summarise", "summarise now; twice: say what matters", "summarise"
    ),
    Action(
        "restore", "ctrl+z", "put back", "give back to the model what was pruned last", "restore"
    ),
    Action("pin", "p", "pin", "pin the chosen turn: it is never pruned", "pin"),
    Action("copy", "c", "copy", "copy the selection, or the chosen turn", "chosen"),
    Action("panel", "f2", "panel", "show or hide window, cost and memory", "", footer=False),
    Action("sessions", "ctrl+r", "talks", "all saved talks", ""),
    Action("search", "ctrl+f", "search", "search in everything that was said", ""),
    Action("new", "ctrl+n", "new", "begin a new talk", "", footer=False),
    Action(
        "export",
        "ctrl+e",
        "export",
        "write page, text, subtitles or minutes",
        "export",
        False,
    ),
    Action("palette", "ctrl+p", "more", "everything else", ""),
    Action("help", "f1", "help", "every key, and what the numbers mean", ""),
    Action("quit", "ctrl+q", "quit", "leave; the talk is saved", "", footer=False),
)
BY_ID = {action.id: action for action in ACTIONS}

_SHORT = {"escape": "Esc", "space": "Space", "enter": "Enter", "tab": "Tab"}


def key_name(key: str, control: str = "^") -> str:
    """A key as people write it: `ctrl+s` → `^S`, `escape` → `Esc`."""
    parts = []
    for one in key.split(",")[:1]:
        *modifiers, last = one.split("+")
        name = _SHORT.get(last, last.upper() if modifiers or last[1:].isdigit() else last)
        marks = [control if m == "ctrl" else f"{m}+" for m in modifiers]
        parts.append("".join(marks) + name)
    return "".join(parts)


def keymap(keys: Mapping[str, str]) -> Keymap:
    """The settings' keys as Textual takes them."""
    return {action: key for action, key in keys.items() if action in BY_ID}


def binding(action_id: str, *, priority: bool = False) -> Binding:
    """A binding that the user's keymap may move elsewhere."""
    action = BY_ID[action_id]
    return Binding(
        action.key,
        action_id,
        action.about,
        show=False,
        priority=priority,
        id=action_id,
    )
