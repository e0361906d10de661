"""Which keys of the session screen work now, and what the footer calls them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tui_voice.ui.keys import ALWAYS, SELECT, KeyAction, KeyTable
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import HelpTopic
from tui_voice.ui.session_texts import SilentReason
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.pane import NO_PANE, PaneKeys

PROMPT_KEYS = (
    ("up, down", "in the empty prompt: earlier inputs"),
    ("/", "in the empty prompt: list the commands"),
    ("Esc Esc", "with nothing to stop and nothing typed: select mode"),
    ("^J", "begin a new line, as Alt+Enter and Shift+Enter do"),
    ("PgUp, PgDn", "scroll the transcript, as the mouse wheel does"),
    ("Home, End", "in the empty prompt: go to the first or the newest turn"),
    ("Tab", "go to the next part: transcript (select mode), pruning log, memory"),
)
SELECT_KEYS = (
    ("up, down", "choose a turn, or a pruning"),
    ("Enter", "fold the turns below the chosen line; play the sound of the chosen turn"),
    ("/ n N", "find words, go to the next hit, to the one before"),
    ("Esc", "go back to the prompt"),
    ("mouse", "drag to select text; double-click to select a turn"),
)
FIND_KEYS = (
    ("letters", "the words to find; every place where they are is lit"),
    ("Enter", "go to the hits; n and N go from one to the next"),
    ("Esc", "end the search"),
)
PANE_KEYS = (
    ("letters", "go to the prompt, and type there"),
    ("Tab", "go to the next part of the screen"),
)
_OF_THE_PROMPT = ("stop", "send", "newline", "expand")
"""Actions whose keys do nothing, or something else, while another part has the focus."""


class KeyHints(NamedTuple):
    """The keys at one moment: for one view, one focus, one chosen turn."""

    options: AppOptions
    keys: KeyTable
    view: SessionView
    silent: SilentReason
    pane: PaneKeys = NO_PANE
    """The part of the side panel that has the focus."""
    selecting: bool = False
    """Select mode: the transcript has the focus, and letters act on the chosen turn."""
    chosen: bool = False
    """A turn of the transcript is chosen."""
    chosen_code: bool = False
    """There is a block of code in the chosen turn."""
    chosen_spoken: bool = False
    """The user spoke the chosen turn, and its words are known."""
    chosen_pinned: bool = False
    """The chosen turn is pinned."""
    finding: bool = False
    """The user types words to find in the session."""
    searches: bool = False
    """Hits of a search in the session are lit."""
    opens: bool = False
    """A pruning is chosen: Enter folds or unfolds it."""
    selection: bool = False
    """Text of the transcript is selected."""
    typed: bool = False
    """There is text in the prompt."""
    pasted: bool = False
    """The prompt shows a long pasted text as a label."""
    armed: bool = False
    """Esc had nothing to do; pressed again, it begins select mode."""

    @property
    def live(self) -> frozenset[str]:
        """The values of `KeyAction.needs` that hold now, with what only the screen knows."""
        live = self.view.live_keys
        if self.silent:
            live -= {"talk", "mute"}
        if self.options.replay or not self.options.sound:
            live -= {"volume", "pause"}
        if self.options.replay:
            live -= {"stop", "summarise", "restore", "pin"}
        if not self.chosen:
            live -= {"pin"}
        found = {
            "chosen": self.chosen or self.selection,
            "code": self.chosen_code,
            "correct": self.chosen_spoken and not self.options.replay,
            "turns": bool(self.view.turns),
            "settings": self.options.editor is not None,
            "typed": self.typed,
            "pasted": self.pasted,
        }
        return live | {name for name, holds in found.items() if holds}

    def works(self, action_id: str) -> bool:
        """Returns whether the action would do anything now."""
        needs = self.keys[action_id].needs
        return not needs or needs in self.live

    @property
    def _manual(self) -> bool:
        mode = self.view.status.mode
        return mode != "hands-free" if mode else self.options.manual

    def label(self, action_id: str) -> str:
        """Returns the action's word for the footer, which may depend on the state."""
        status = self.view.status
        if action_id == "talk" and status.microphone_open:
            return "send" if self._manual else "close mic"
        if action_id == "pause" and status.paused:
            return "go on"
        if action_id == "mute" and status.muted:
            return "unmute"
        if action_id == "copy" and self.selection:
            return "copy selection"
        if action_id == "pin" and self.chosen_pinned:
            return "unpin"
        return self.keys[action_id].label

    def footer(self) -> tuple[tuple[str, str, str], ...]:
        """Returns (action id, key, word) for each key that works, the most important first."""
        stop = self.keys.name("stop")
        if self.finding:
            return (("", "Enter", "go from hit to hit"), ("stop", stop, "end the search"))
        hints = [*self._select_hints] if self.selecting else [*self._pane_hints]
        if self.armed:
            hints.append(("select", stop, "again: choose a turn"))
        for action in self.keys.actions:
            if self._is_shown(action) and self.works(action.id) and self.keys.key(action.id):
                hints.append((action.id, self.keys.name(action.id), self.label(action.id)))
        return tuple(hints)

    @property
    def mode(self) -> str:
        """Returns the name of the part whose keys the footer shows first; "" for the prompt."""
        if self.selecting:
            return "" if self.options.replay else "select"
        return self.pane.name

    @property
    def _pane_hints(self) -> list[tuple[str, str, str]]:
        if not self.pane.name:
            return []
        back = [] if self.options.replay else [("stop", self.keys.name("stop"), "back")]
        return [(action, self._sign(key), word) for action, key, word in self.pane.keys] + back

    def _sign(self, key: str) -> str:
        return "up/down" if key == "↑↓" and self.options.ascii else key

    @property
    def _select_hints(self) -> list[tuple[str, str, str]]:
        hints = [("", self._sign("↑↓"), "choose")]
        if self.searches:
            hints.append(("", "n N", "next hit, hit before"))
        if self.opens:
            hints.append(("", "Enter", "fold"))
        elif self.chosen and self.view.header.recording:
            hints.append(("", "Enter", "play"))
        if not self.options.replay:
            hints.append(("stop", self.keys.name("stop"), "back"))
        return hints

    @property
    def help_topic(self) -> HelpTopic:
        """Returns the keys of the part that has the focus, those that the user can move first."""
        if self.finding:
            return HelpTopic("find in this session", FIND_KEYS)
        if self.pane.name:
            rows = [(key, word) for _action, key, word in self._pane_hints]
            return HelpTopic(self.pane.name, (*rows, *PANE_KEYS))
        if self.selecting:
            shown = [action for action in self.keys.actions if action.shown == SELECT]
            return HelpTopic("select mode", (*self._rows(shown), *SELECT_KEYS))
        shown = [self.keys[name] for name in ("talk", "stop", "send", "newline", "expand")]
        return HelpTopic("prompt", (*self._rows(shown), *PROMPT_KEYS))

    def _rows(self, actions: Iterable[KeyAction]) -> Iterable[tuple[str, str]]:
        return [
            (self.keys.name(action.id), action.about)
            for action in actions
            if self.keys.key(action.id)
        ]

    def _is_shown(self, action: KeyAction) -> bool:
        if self.selecting:
            return action.shown != "" and action.id not in ("select", *_OF_THE_PROMPT)
        if self.pane.name and action.id in _OF_THE_PROMPT:
            return False
        is_letter = len(self.keys.key(action.id)) == 1
        talks_not = action.id == "talk" and self.typed
        return action.shown == ALWAYS and not is_letter and not talks_not
