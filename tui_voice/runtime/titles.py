"""When a talk that has no title is given one: once, when there is something to name."""

from __future__ import annotations

from tui_voice.conversation import effects as x
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State

AFTER_REPLIES = 2
MOST_TURNS = 8


def is_wanted(now: Snapshot) -> bool:
    """Whether this is the moment: two replies in, nobody speaks, and no title yet."""
    ledger = now.ledger
    return (
        not ledger.title
        and ledger.replies >= AFTER_REPLIES
        and now.state is State.IDLE
        and ledger.compaction is None
        and ledger.connection.status == "online"
    )


def named_by(now: Snapshot) -> list[x.SourceTurn]:
    """The turns a title is made from: how the talk began."""
    said = [
        x.SourceTurn(item_id=turn.id, role=turn.role, text=turn.heard_text)
        for turn in now.ledger.turns
        if turn.role in ("user", "assistant") and turn.heard_text
    ]
    return said[:MOST_TURNS]
