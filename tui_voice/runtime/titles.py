"""When a session without a title is given one, and from which turns."""

from __future__ import annotations

from tui_voice.conversation import effects as x
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State

AFTER_REPLIES = 2
"""Number of replies after which a title is asked for."""
MAX_TURNS = 8
"""Number of the first turns from which a title is made."""


def is_title_due(now: Snapshot) -> bool:
    """Returns whether the session has two replies and no title, is online and has nothing to do."""
    ledger = now.ledger
    return (
        not ledger.title
        and ledger.replies >= AFTER_REPLIES
        and now.state is State.IDLE
        and ledger.compaction is None
        and ledger.connection.status == "online"
    )


def turns_for_title(now: Snapshot) -> list[x.SourceTurn]:
    """Returns the first turns, from which the title is made."""
    turns = [
        x.SourceTurn(item_id=turn.id, role=turn.role, text=turn.heard_text)
        for turn in now.ledger.turns
        if turn.role in ("user", "assistant") and turn.heard_text
    ]
    return turns[:MAX_TURNS]
