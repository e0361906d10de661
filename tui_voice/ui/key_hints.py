"""Which keys of the session screen work now, and what the footer calls them."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.ui.keys import KeyTable
from tui_voice.ui.options import AppOptions
from tui_voice.ui.session_texts import SilentReason
from tui_voice.ui.view import SessionView


@dataclass(frozen=True, slots=True)
class KeyHints:
    """The keys at one moment: for one view, one focus, one chosen turn."""

    options: AppOptions
    keys: KeyTable
    view: SessionView
    silent: SilentReason
    chosen: bool = False
    """A turn of the transcript is chosen."""
    chosen_pinned: bool = False
    """The chosen turn is pinned."""
    selection: bool = False
    """Text of the transcript is selected."""

    @property
    def live(self) -> frozenset[str]:
        """The values of `KeyAction.needs` that hold now, with what only the screen knows."""
        live = self.view.live_keys
        if self.silent:
            live -= {"talk", "mute"}
        if self.options.replay:
            live -= {"stop", "summarise", "restore", "pin"}
        if self.chosen or self.selection:
            live |= {"chosen"}
        return live

    def works(self, action_id: str) -> bool:
        """Returns whether the action would do anything now."""
        needs = self.keys[action_id].needs
        return not needs or needs in self.live

    def label(self, action_id: str) -> str:
        """Returns the action's word for the footer, which may depend on the state."""
        status = self.view.status
        if action_id == "talk" and status.microphone_open:
            return "send" if self.options.manual else "close mic"
        if action_id == "mute" and status.muted:
            return "unmute"
        if action_id == "copy" and self.selection:
            return "copy selection"
        if action_id == "pin" and self.chosen_pinned:
            return "unpin"
        return self.keys[action_id].label

    def footer(self, *, typing: bool) -> tuple[tuple[str, str, str], ...]:
        """Returns (action id, key, word) for each key that works. `typing`: the prompt has the
        focus, so that single letters and the talk key are text.
        """
        hints = []
        if typing and not self.options.replay:
            hints.append(("send", self.keys.name("send"), "send"))
        for action in self.keys.actions:
            is_text = len(self.keys.key(action.id)) == 1 or action.id == "talk"
            if action.in_footer and self.works(action.id) and not (typing and is_text):
                hints.append((action.id, self.keys.name(action.id), self.label(action.id)))
        return tuple(hints)
