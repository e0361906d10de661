"""What the keys do: one table for bindings, footer, help and palette.

An action's id is its name in the settings group `keys`, so every one of them can be re-mapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, Keymap

from tui_voice.config import DEFAULT_KEYS


@dataclass(frozen=True, slots=True)
class Action:
    """`word` stands in the footer, `about` in help and palette. `needs`: the id that a view's
    `keys` must hold for it to work; "" for always.
    """

    id: str
    word: str
    about: str
    needs: str = ""
    footer: bool = True


ACTIONS: tuple[Action, ...] = (
    Action("talk", "talk", "open the microphone, or close it", "talk"),
    Action("stop", "stop", "stop the reply", "stop"),
    Action("mute", "mute", "silence the microphone, or let it hear again", "mute"),
    Action("send", "send", "send what is typed", "", footer=False),
    Action("summarise", "summarise", "summarise now; twice: say what matters", "summarise"),
    Action("restore", "put back", "give back to the model what was pruned last", "restore"),
    Action("pin", "pin", "pin the chosen turn: it is never pruned", "pin"),
    Action("copy", "copy", "copy the chosen turn", "chosen"),
    Action("panel", "panel", "show or hide window, cost and memory", "", footer=False),
    Action("sessions", "talks", "all saved talks", ""),
    Action("search", "search", "search in everything that was said", ""),
    Action("new", "new", "begin a new talk", "", footer=False),
    Action(
        "export", "export", "write the talk as Markdown, text, JSON, SRT or VTT", "export", False
    ),
    Action("palette", "more", "everything else", ""),
    Action("help", "help", "this page", ""),
    Action("quit", "quit", "leave; the talk is saved", "", footer=False),
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
        DEFAULT_KEYS[action_id],
        action_id,
        action.about,
        show=False,
        priority=priority,
        id=action_id,
    )
