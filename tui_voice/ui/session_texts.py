"""The texts that tell the user how to speak and type: welcome page, placeholder of the prompt."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tui_voice.protocol.engine_names import BUILT_IN_CHAT
from tui_voice.ui.keys import KeyTable
from tui_voice.ui.options import AppOptions
from tui_voice.ui.view import SessionView

_SMALL_MODEL = (
    "The chat model that comes with the program is small and often wrong: it is for trying the app "
    "out. `tui-voice models` fetches a better one."
)


def _small_model() -> str:
    from tui_voice.config.program_form import in_working_form  # not needed by the first picture

    return in_working_form(_SMALL_MODEL)


SilentReason = Literal["", "replay", "text only", "no microphone"]
"""Why the user cannot speak here; "" where they can."""


def silent_reason(options: AppOptions, microphone: bool) -> SilentReason:
    """Returns why the user cannot speak. `microphone`: there is one, or it is not known yet."""
    if options.replay:
        return "replay"
    if not options.sound:
        return "text only"
    return "" if microphone else "no microphone"


class SessionTexts(NamedTuple):
    """Texts for one view of the session screen."""

    options: AppOptions
    keys: KeyTable
    view: SessionView
    silent: SilentReason

    def placeholder(self, *, selecting: bool = False, folds: bool = False) -> str:
        """Returns what the empty prompt says. `selecting`: letters act on the chosen turn;
        `folds`: a pruning is chosen instead.
        """
        if selecting and self.silent != "replay":
            pin, copy = self.keys.name("pin"), self.keys.name("copy")
            acts = "Enter fold" if folds else f"{pin} pin, {copy} copy"
            return f"select: {acts}, {self.keys.name('stop')} back"
        match self.silent:
            case "":
                return f"type here, or {self._how_to_talk()}"
            case "replay":
                return f"this is a replay; {self.keys.name('quit')} quits"
            case _:
                return "type here"

    def welcome(self) -> tuple[str, ...]:
        """Returns the lines that stand in place of a transcript without turns."""
        talk = self._how_to_talk()
        first = {
            "": f"{talk[:1].upper()}{talk[1:]}, or just type.",
            "replay": "This is a replay of a recorded session.",
            "text only": "Just type: this session has no sound.",
            "no microphone": "Just type.",
        }
        connection = self.view.status.connection
        return (
            first[self.silent],
            "",
            "Every turn is saved at once. When the window is full, the oldest turns are "
            "summarised for the model. You can still read them here.",
            "",
            f"{self.keys.name('help')} explains the keys and the numbers. "
            f"{self.keys.name('sessions')} lists your saved sessions.",
            *(("", _small_model()) if BUILT_IN_CHAT in self.view.header.engines else ()),
            *(("", f"{connection}{self.options.glyphs.more}") if connection else ()),
        )

    @property
    def _manual(self) -> bool:
        mode = self.view.status.mode
        return mode != "hands-free" if mode else self.options.manual

    def _how_to_talk(self) -> str:
        status, key = self.view.status, self.keys.name("talk")
        if not status.microphone_open:
            return f"press {key} and talk"
        if status.muted:
            return f"press {self.keys.name('mute')} and talk"
        return f"talk, then press {key}" if self._manual else "talk"
