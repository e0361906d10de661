"""When to compact, and what: pure functions of a ledger and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows. Tokens and turns."""

    trigger: int = 16_000
    """Tokens in the window from which on old turns are summarised."""
    keep: int = 6
    """So many of the newest turns stay as they are."""
    size: int = 128_000
    """The model's whole window."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compaction that is worth beginning."""

    kind: Literal["summary", "textify"]
    turns: tuple[Turn, ...]
    cause: str


def touchable(turn: Turn) -> bool:
    """Whether a turn may be taken from the window: its words are known and nothing holds it."""
    return turn.in_window and not turn.pinned and turn.words == "done"


def plan(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Plan | None:
    """What to compact now. None: below the trigger, nothing old enough, or words still missing.

    `forced`: by hand, whatever the window holds.
    """
    if ledger.compaction is not None or ledger.link.status != "online":
        return None
    if not forced and ledger.window.total < limits.trigger:
        return None
    held = ledger.held()
    old = held[: -limits.keep] if limits.keep else held
    if any(turn.words == "open" for turn in old):
        return None
    drop = tuple(turn for turn in old if touchable(turn))
    if not drop:
        return None
    return Plan("summary", drop, "by hand" if forced else "window full")
