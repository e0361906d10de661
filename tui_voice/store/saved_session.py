"""A saved talk in one line, as lists show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store.text_normalization import printable

PAUSE = 300.0
"""Seconds of silence that count into a talk's length; a longer one was an absence."""
TITLE_LENGTH = 48
UNTITLED = "untitled"


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A saved talk in one line."""

    id: str
    title: str
    """As given, or the user's first words."""
    started: str
    """ISO 8601 with zone."""
    seconds: float
    """How long was talked, without absences."""
    turns: int
    """What either side said."""
    model: str
    backend: str
    usd: float
    path: Path
    last: float = 0.0
    """Unix seconds of the last fact."""
    parent: str = ""
    """The talk that it was forked from."""

    @property
    def begun(self) -> float:
        """Unix seconds of its beginning; 0 where that is not known."""
        when = moment(self.started)
        return max(0.0, when.timestamp()) if when else 0.0


def saved_session_of(ledger: Ledger, path: Path) -> SavedSession:
    """What a ledger is in one line."""
    opened = ledger.opened
    said = [turn for turn in ledger.turns if turn.role in ("user", "assistant") and turn.text]
    talk = SavedSession(
        id=opened.id if opened else path.stem,
        title=title_of(ledger),
        started=opened.started if opened else "",
        seconds=round(_length(said, ledger.at), 3),
        turns=len(said),
        model=ledger.model,
        backend=ledger.backend,
        usd=round(ledger.cost, 6),
        path=path,
        last=ledger.at,
        parent=opened.parent if opened else "",
    )
    return replace(talk, last=talk.begun + ledger.at)


def title_of(ledger: Ledger) -> str:
    """The one that was given, or else the user's first words."""
    if ledger.title.strip():
        return printable(" ".join(ledger.title.split()))
    first = next((t.text for t in ledger.turns if t.role == "user" and t.text.strip()), "")
    words = printable(" ".join(first.split()))
    if len(words) > TITLE_LENGTH:
        words = words[: TITLE_LENGTH + 1].rsplit(" ", 1)[0][:TITLE_LENGTH].rstrip(",;:-–— ") + "…"
    return words.rstrip(".!") or UNTITLED


def moment(started: str) -> datetime | None:
    """When a talk began; None where a damaged journal does not tell."""
    try:
        when = datetime.fromisoformat(started)
        when.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return when


def _length(turns: Iterable[Turn], end: float) -> float:
    total = before = 0.0
    for at in (*(turn.at for turn in turns), end):
        total += min(max(0.0, at - before), PAUSE)
        before = max(before, at)
    return total
