"""The one line above the input: what is the matter, what to do about it, what happens by itself."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.ui.number_format import plural

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

_SHOWN = {"info": 20.0, "warning": 120.0, "error": inf}
"""Seconds for which a notice stands, unless it is put away."""


class Notice(NamedTuple):
    """One line that needs reading. `error`: a hand is needed."""

    text: str = ""
    hint: str = ""
    severity: Literal["info", "warning", "error"] = "info"
    passing: bool = False
    """It can be put away: it says what happened, not how things are."""


class Waiting(NamedTuple):
    """While there is no line: when it is tried again, and what goes out on the next one."""

    retry_in: int | None = None
    """Whole seconds; None: just now, or not before the user does something."""
    turns: int = 0
    speech: int = 0
    """Seconds of it."""

    @property
    def kept(self) -> str:
        """`1 turn and 3 s of speech kept`, "" where there is nothing."""
        parts = [plural(self.turns, "turn")] if self.turns else []
        parts += [f"{self.speech} s of speech"] if self.speech else []
        return f"{' and '.join(parts)} kept" if parts else ""


NOTHING = Waiting()


def notice_of(ledger: Ledger, dismissed: float, unsaved: int, waiting: Waiting) -> Notice:
    """The one line that needs reading now, if any."""
    link = ledger.connection
    if unsaved:
        text = f"{plural(unsaved, 'fact')} of this talk cannot be saved yet"
        return Notice(text, "Make room on the disk: it is written as soon as it can be.", "error")
    if link.status in ("offline", "reconnecting") and link.reason:
        if link.status == "offline":
            return Notice(link.reason, _sentences(link.hint, waiting.kept), "error")
        seconds = waiting.retry_in
        again = "trying again now" if seconds is None else f"next try in {seconds} s"
        more = ", ".join(part for part in (again, waiting.kept) if part)
        return Notice(link.reason, _sentences(link.hint, more), "warning")
    for noticed in reversed(ledger.notices):
        if noticed.at <= dismissed:
            break
        if ledger.at - noticed.at < _SHOWN[noticed.severity]:
            return Notice(noticed.text, "", noticed.severity, passing=True)
    return Notice()


def _sentences(*parts: str) -> str:
    """One after the other, each with a capital and an end."""
    told = [part[:1].upper() + part[1:] for part in parts if part]
    ended = [part if part[-1] in ".?!" else f"{part}." for part in told[:-1]]
    return " ".join([*ended, *told[-1:]])
