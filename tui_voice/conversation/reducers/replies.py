"""Replies that did not come whole, in the ledger: cut by the line, or given up.

Importing this module teaches `recording.record` their events.
"""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers.turns import change, notice, records
from tui_voice.conversation.turns import Turn

GO_ON = 'say "go on" for the rest'


@records(e.ReplyCut)
def _(ledger: Ledger, event: e.ReplyCut) -> Ledger:
    for item_id in event.item_ids:
        if event.heard:
            ledger = change(ledger, item_id, note="cut by the line")
        else:  # what is asked for again would stand there twice
            note = "not heard, asked for again"
            ledger = change(ledger, item_id, text="", words="failed", note=note)
    if not event.heard:
        return ledger
    return notice(ledger, e.Noticed(at=event.at, text=f"The reply was cut by the line: {GO_ON}."))


@records(e.ReplyOverdue)
def _(ledger: Ledger, event: e.ReplyOverdue) -> Ledger:
    reply = _reply(ledger)
    begun = any(turn.text or turn.audio_ms for turn in reply)
    for turn in reply:
        if turn.words == "open":
            words = "done" if turn.text else "failed"
            ledger = change(ledger, turn.id, words=words, note="not finished by the server")
    if not event.waited_for:
        return ledger
    if begun:
        text = f"The server stopped in the middle of its reply: {GO_ON}."
    else:
        text = f"No answer came within {event.seconds:g} s: say it once more."
    return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))


def _reply(ledger: Ledger) -> list[Turn]:
    """What the assistant said since the user's last words."""
    found: list[Turn] = []
    for turn in reversed(ledger.turns):
        if turn.role == "user":
            break
        if turn.role == "assistant":
            found.append(turn)
    return found
