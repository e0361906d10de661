"""The key table: every action that a key starts, for bindings, footer, help and palette.

A key that is one character works in select mode only, where it acts on the chosen turn: elsewhere
it is text. `KEY_ACTIONS` holds the actions of the session screen and of the application. The
screens of `screen_table.py` add one action each. The id of an action is its name in the settings
group `[keys]`, so the user can move every one of them. The keys here equal the defaults of that
group; they are written again because the settings load after the first paint (a test compares
them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from textual.binding import Binding, Keymap

ALWAYS, SELECT = "always", "select"
SESSION, SESSIONS, SEARCH, READER, LOG, SETTINGS = PLACES = (
    "session",
    "sessions",
    "search",
    "reader",
    "log",
    "settings",
)
"""The screens in which a key may work. In different ones a key may do different things."""


class KeyAction(NamedTuple):
    """One row of the key table, for example `pin`, on the key `p`. Letters work in select mode."""

    id: str
    key: str
    """The default key, in Textual's notation, for example `ctrl+s`."""
    label: str
    """One word for the footer and the palette."""
    about: str
    """One phrase for the help screen and the palette."""
    needs: str = ""
    """The id that `SessionView.live_keys` must contain for the action to work; "": always works."""
    shown: str = ALWAYS
    """When the footer shows it: ALWAYS, in SELECT mode only, or "" for never."""
    action: str = ""
    """The Textual action string, where it differs from the id: `open_screen('help')`."""
    places: tuple[str, ...] = (SESSION,)
    """The screens in which it works."""

    @property
    def textual_action(self) -> str:
        return self.action or self.id


_READ = (SESSION, READER)
KEY_ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("talk", "space", "talk", "open the microphone, or close it; stop the reply", "talk"),
    KeyAction("stop", "escape", "stop", "stop the reply; else go back to the prompt", "stop"),
    KeyAction("send", "enter", "send", "send the typed text", "typed"),
    KeyAction("newline", "alt+enter", "new line", "begin a new line in the prompt", "typed"),
    KeyAction("expand", "ctrl+o", "expand", "show the whole of a long pasted text", "pasted"),
    KeyAction("select", "ctrl+t", "select", "choose a turn; letters then act on it", "turns"),
    KeyAction("pin", "p", "pin", "pin the chosen turn: it is never pruned", "pin", SELECT),
    KeyAction(
        "copy", "c", "copy", "copy the selection, or the chosen turn", "chosen", SELECT, "", _READ
    ),
    KeyAction(
        "copy_code", "y", "copy code", "copy the code in the chosen turn", "code", SELECT, "", _READ
    ),
    KeyAction("correct", "e", "correct", "correct what the chosen turn says", "correct", SELECT),
    KeyAction(
        "raw", "r", "raw text", "show Markdown as written, or rendered", "turns", SELECT, "", _READ
    ),
    KeyAction("mute", "f4", "mute", "mute the microphone, or unmute it", "mute"),
    KeyAction("mode", "f10", "mode", "hands-free, push-to-talk or manual turns", "talk", ""),
    KeyAction(
        "patience", "alt+p", "patience", "let your pauses be longer, or short again", "talk", ""
    ),
    KeyAction("pause", "f9", "pause", "pause the reply, or let it go on", "pause", ""),
    KeyAction("softer", "ctrl+down", "softer", "make the replies softer", "volume", ""),
    KeyAction("louder", "ctrl+up", "louder", "make the replies louder", "volume", ""),
    KeyAction("slower", "alt+down", "slower", "let the model speak slower", "volume", ""),
    KeyAction("faster", "alt+up", "faster", "let the model speak faster", "volume", ""),
    KeyAction("summarise", "ctrl+s", "summarise", "summarise the oldest turns now", "summarise"),
    KeyAction("restore", "ctrl+z", "restore", "restore what was pruned last", "restore"),
    KeyAction("find", "ctrl+g", "find", "find words in this session", "turns", places=_READ),
    KeyAction("panel", "f2", "panel", "show or hide the side panel", shown=""),
    KeyAction(
        "timeline",
        "f7",
        "timeline",
        "go to the strip of all turns; from there, hide it",
        "turns",
        shown="",
    ),
    KeyAction("new", "ctrl+n", "new", "start a new session", shown=""),
    KeyAction(
        "jump",
        "f6",
        "jump",
        "show a letter at every part and key; type it",
        shown="",
        places=PLACES,
    ),
    KeyAction("quit", "ctrl+q", "quit", "quit; the session is saved", shown="", places=PLACES),
    KeyAction("palette", "ctrl+p", "more", "list all commands", action="command_palette"),
)
LIST_ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("choose", "enter", "resume",
              "resume the session; read the hit; read the event; change the setting",
              places=(SESSIONS, SEARCH, LOG, SETTINGS)),
    KeyAction("read", "ctrl+o", "read", "read the session", places=(SESSIONS,)),
    KeyAction("order", "ctrl+t", "order", "sort the sessions by something else",
              places=(SESSIONS,)),
    KeyAction("rename", "f2", "rename", "give the session another title", places=(SESSIONS,)),
    KeyAction("fork", "ctrl+k", "fork", "begin a session with the turns of this one",
              places=(SESSIONS, READER)),
    KeyAction("delete", "ctrl+d", "delete", "delete the session", places=(SESSIONS,)),
    KeyAction("undo", "ctrl+z", "undo", "bring back the session that was deleted last",
              places=(SESSIONS,)),
    KeyAction("reset", "ctrl+r", "default", "take the setting out of the file: its default holds",
              places=(SETTINGS,)),
    KeyAction("resume_read", "ctrl+o", "resume", "resume the session that you read",
              action="resume", places=(READER,)),
)  # fmt: skip
"""The actions of the lists and of the reader that the session screen does not have."""
BUILT_IN = {action.id: action for action in (*KEY_ACTIONS, *LIST_ACTIONS)}

_NO_KEY = "no_key"
"""A key that no terminal sends: in Textual's keymap "" would mean the default key."""
_SHORT_NAMES = {"escape": "Esc", "space": "Space", "enter": "Enter", "tab": "Tab"}


def key_name(key: str, control: str = "^") -> str:
    """Returns a key as people write it: `ctrl+s` → `^S`, `escape` → `Esc`.

    `control`: what stands for the control key.
    """
    *modifiers, last = key.partition(",")[0].split("+")
    upper = last.capitalize() if len(last) > 1 else last.upper()
    name = _SHORT_NAMES.get(last, upper if modifiers or last[1:].isdigit() else last)
    marks = [control if part == "ctrl" else f"{part.capitalize()}+" for part in modifiers]
    return "".join(marks) + name


def binding(action: KeyAction, *, priority: bool = False) -> Binding:
    """Returns the Textual binding of an action. Its id lets the user's keymap move it."""
    return Binding(
        action.key,
        action.textual_action,
        action.about,
        show=False,
        priority=priority,
        id=action.id,
    )


class KeyTable:
    """The keys that the user chose. `actions` are those of the session screen, in order."""

    def __init__(self, actions: Iterable[KeyAction], keys: Mapping[str, str]) -> None:
        """`keys`: action id → key, where it differs from the default."""
        self.actions = tuple(actions)
        self._by_id = {action.id: action for action in (*LIST_ACTIONS, *self.actions)}
        self._keys = keys

    def __getitem__(self, action_id: str) -> KeyAction:
        return self._by_id[action_id]

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._by_id

    def key(self, action_id: str) -> str:
        """Returns the key of an action in Textual's notation; "" where it has none."""
        return self._keys.get(action_id, self._by_id[action_id].key)

    def name(self, action_id: str) -> str:
        """Returns the key of an action as people write it."""
        return key_name(self.key(action_id))

    def change(self, keys: Mapping[str, str]) -> None:
        """Takes other keys, action id → key."""
        self._keys = keys

    def hints(self, shown: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
        """Returns (id, key, word) for the footer of each (id, word) that has a key. The id "back"
        stands for Esc, which leaves a screen and cannot be moved.
        """
        return tuple(
            (one, "Esc" if one == "back" else self.name(one), word)
            for one, word in shown
            if one == "back" or self.key(one)
        )

    def rows(self, shown: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Returns the key and the sentence of the same actions, for the help."""
        return tuple(
            (key, word if len(self._by_id[one].places) > 1 else self._by_id[one].about)
            for one, key, word in self.hints(shown)
            if one != "back"
        )

    def textual_action(self, action_id: str) -> str:
        """Returns the Textual action string of an action; an id that is not in the table is one."""
        if action_id not in self._by_id or action_id == "export":
            return action_id
        return self._by_id[action_id].textual_action

    @property
    def keymap(self) -> Keymap:
        """The user's keys as Textual takes them."""
        return {
            action: key or _NO_KEY for action, key in self._keys.items() if action in self._by_id
        }
