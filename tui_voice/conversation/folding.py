"""From the facts of a journal to a ledger: what resume, browsing and export read."""

from __future__ import annotations

from collections.abc import Iterable

import tui_voice.conversation.reducers.compaction
import tui_voice.conversation.reducers.replies
import tui_voice.conversation.reducers.usage  # noqa: F401  (all three teach `record` their events)
from tui_voice.conversation.drafting import draft, finished
from tui_voice.conversation.events import Event
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers.turns import record

__all__ = ["fold", "record"]


def fold(events: Iterable[Event], ledger: Ledger | None = None) -> Ledger:
    """The ledger after all these facts: as `record` gives it, fact by fact, but many times as
    fast. The machine is not needed: it only makes intentions.
    """
    folded = draft(ledger or Ledger())
    for event in events:
        folded = record(folded, event)
    return finished(folded)
