"""One saved session as a list shows it: title, dates, length, cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tui_voice.conversation import title
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store.text_normalization import printable

LONGEST_PAUSE = 300.0
"""Seconds. A longer pause between two turns adds only this to the length: the user was away."""
UNTITLED = "untitled"


@dataclass(frozen=True, slots=True)
class SavedSession:
    """What a list shows of a saved session."""

    path: Path
    """The journal."""
    id: str
    """The id in the first line; where several sessions of a folder have it, those with another file
    name are called by that name: they are copies."""
    title: str
    """The given title, or the user's first words."""
    started: str
    """ISO 8601 with time zone, as the journal has it."""
    seconds: float
    """Length of the session, for as long as it was open; long pauses are shortened to
    `LONGEST_PAUSE`."""
    turns: int
    """How many turns of the user and the assistant have text."""
    model: str
    backend: str
    usd: float
    last: float = 0.0
    """Unix seconds of the last event."""
    parent: str = ""
    """The id of the session that it was forked from; "" for none."""
    held_with: str = ""
    """The servers that had turns of it, one a line (`Ledger.held_with`)."""
    private: bool = False
    profile: str = ""
    """The profile of settings in its newest run; "" for none."""
    fault: str = ""
    """Why the file cannot be read, in a sentence; "" if it can be read. With a fault, `title` is
    the name of the file, and nothing else is known."""

    @property
    def start_seconds(self) -> float:
        """Unix seconds of its beginning; 0 where that is not known."""
        return _unix_seconds(self.started)


def saved_session_of(ledger: Ledger, path: Path) -> SavedSession:
    """The session that was folded into `ledger`; `path` is its journal."""
    opened = ledger.opened
    started = opened.started if opened else ""
    turns = [turn for turn in ledger.turns if turn.role in ("user", "assistant") and turn.text]
    return SavedSession(
        path=path,
        id=opened.id if opened else path.stem,
        title=title_of(ledger),
        started=started,
        seconds=round(min(_length(turns, ledger.at), ledger.at - ledger.away_s), 3),
        turns=len(turns),
        model=ledger.model,
        backend=ledger.backend,
        usd=round(ledger.cost, 6),
        last=_unix_seconds(started) + ledger.at,
        parent=opened.parent if opened else "",
        held_with="\n".join(ledger.held_with),
        private=ledger.private,
        profile=ledger.profile,
    )


def title_of(ledger: Ledger) -> str:
    """The title of the session without control characters; `UNTITLED` where it has none."""
    return printable(title.title_of(ledger)) or UNTITLED


def start_time(started: str) -> datetime | None:
    """The time that a journal gives as its beginning; None where a damaged journal has none."""
    try:
        when = datetime.fromisoformat(started)
        when.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return when


def _unix_seconds(started: str) -> float:
    when = start_time(started)
    return max(0.0, when.timestamp()) if when else 0.0


def _length(turns: Iterable[Turn], end: float) -> float:
    """Seconds from the first turn to `end`; long pauses are shortened to `LONGEST_PAUSE`."""
    total = before = 0.0
    for at in (*(turn.at for turn in turns), end):
        total += min(max(0.0, at - before), LONGEST_PAUSE)
        before = max(before, at)
    return total
