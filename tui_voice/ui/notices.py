"""The notice above the prompt: what is wrong, what to do, and what happens by itself.

It is the only place for notices. What the session reports stays for `_SHOWN_SECONDS`, what the app
answers to a key for `ANSWER_SECONDS`; a notice about a state stays while the state lasts.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.ui.number_format import plural

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

_SHOWN_SECONDS = {"info": 12.0, "warning": 45.0, "error": inf}
"""How long a notice of the session stays, unless the user dismisses it."""
ANSWER_SECONDS = {"info": 4.0, "warning": 10.0, "error": 20.0}
"""How long the answer to a key stays, for example `16 words copied`."""

Severity = Literal["info", "warning", "error"]


class Notice(NamedTuple):
    """One sentence for the user. An `error` needs the user to act."""

    text: str = ""
    hint: str = ""
    """What to do, or what happens by itself."""
    severity: Severity = "info"
    can_dismiss: bool = False
    """It reports something that happened. A notice about a state stays while the state lasts."""


class ReconnectWait(NamedTuple):
    """While there is no connection: when the next attempt is made, and what is sent then."""

    seconds: int | None = None
    """Until the next attempt. None: it is being made now, or the user has to act first."""
    held_turns: int = 0
    """Turns of the user that are sent on the next connection."""
    held_speech_s: int = 0
    """Seconds of recorded speech that are sent on the next connection."""

    @property
    def kept(self) -> str:
        """What is sent later, for example `1 turn and 3 s of speech kept`; "" for nothing."""
        parts = [plural(self.held_turns, "turn")] if self.held_turns else []
        parts += [f"{self.held_speech_s} s of speech"] if self.held_speech_s else []
        return f"{' and '.join(parts)} kept" if parts else ""


NO_WAIT = ReconnectWait()


class Countdown(NamedTuple):
    """Nobody has spoken for long: what is closed, and in how many seconds."""

    closes: Literal["microphone", "connection"]
    seconds: int


def notice_of(
    ledger: Ledger,
    now: float,
    dismissed_at: float,
    unsaved: int,
    wait: ReconnectWait,
    countdown: Countdown | None = None,
) -> Notice:
    """Returns the most important notice at this moment, or an empty one.

    `now`: second of the session. `dismissed_at`: the user has read what came up to this second of
    it. `unsaved`: events that are not on disk yet.
    """
    connection = ledger.connection
    if unsaved:
        text = f"{plural(unsaved, 'event')} of this session cannot be saved yet"
        return Notice(text, "Free some disk space: then they are saved by themselves.", "error")
    if connection.status in ("offline", "reconnecting") and connection.reason:
        if connection.status == "offline":
            severity: Severity = "info" if connection.released else "error"
            return Notice(connection.reason, _sentences(connection.hint, wait.kept), severity)
        again = "trying again now" if wait.seconds is None else f"next try in {wait.seconds} s"
        more = ", ".join(part for part in (again, wait.kept) if part)
        return Notice(connection.reason, _sentences(connection.hint, more), "warning")
    if countdown is not None:
        text = f"Nobody speaks: the {countdown.closes} closes in {countdown.seconds} s"
        return Notice(text, "Any key or speech stops this.")
    for noticed in reversed(ledger.notices):
        if noticed.at <= dismissed_at:
            break
        if now - noticed.at < _SHOWN_SECONDS[noticed.severity]:
            return Notice(noticed.text, "", noticed.severity, can_dismiss=True)
    return Notice()


def _sentences(*parts: str) -> str:
    """Joins phrases: each begins with a capital, and all but the last end with a full stop."""
    begun = [part[:1].upper() + part[1:] for part in parts if part]
    ended = [part if part[-1] in ".?!" else f"{part}." for part in begun[:-1]]
    return " ".join([*ended, *begun[-1:]])
