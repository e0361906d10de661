"""What the server counted of a response (`response.done`), held against what the ledger knows.

Importing this module teaches `recording.record` when a response begins and when it is done.
"""

from __future__ import annotations

from itertools import islice

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger, Reply, UnreportedUsage, Window
from tui_voice.conversation.reducers.turns import change, records, weigh
from tui_voice.conversation.values import evolve

REPLIES_KEPT = 24
LOOKED_BACK = 12
"""Turns among which those of a reply are looked for when it is done."""


@records(e.ResponseStarted)
def _(ledger: Ledger, _event: e.ResponseStarted) -> Ledger:
    """From now on what is pruned was read all the same."""
    return evolve(ledger, reading=UnreportedUsage(ledger.beside))


@records(e.ResponseDone)
def _(ledger: Ledger, event: e.ResponseDone) -> Ledger:
    silent = not event.audio and event.status == "completed"
    for turn in list(islice(reversed(ledger.turns), LOOKED_BACK)):
        if turn.role != "assistant":
            continue
        if turn.words == "open":
            ledger = change(ledger, turn.id, words="done" if turn.text else "failed")
        if turn.modality == "audio" and not turn.audio_ms and turn.in_window and turn.text:
            # No sound ever came for it: the server holds it as words.
            ledger = change(ledger, turn.id, modality="text", spoken=False)
    if event.status == "completed":
        ledger = evolve(
            ledger,
            silent=ledger.silent + 1 if silent else 0,
            voice_by_system=ledger.voice_by_system or silent,
        )
    reading = ledger.reading or UnreportedUsage(ledger.beside)
    ledger = evolve(ledger, reading=None)
    if event.usage is None or not event.usage.input:
        return ledger
    u = event.usage
    window = Window(u.input_text + u.output_text, u.input_audio + u.output_audio, u.cached)
    window = weigh(window, -reading.text, -reading.audio)
    window = _unread(ledger, event.response_id, window)
    spent = ledger.spent
    if event.usd is None:
        spent = evolve(spent, unknown=True)
    else:
        spent = evolve(spent, replies=spent.replies + event.usd)
    reply = Reply(event.at, u, event.usd, min(ledger.intact, u.input))
    return evolve(
        ledger,
        window=window,
        usage=ledger.usage + u,
        last_usage=u,
        last_usd=event.usd,
        spent=spent,
        replies=ledger.replies + 1,
        recent=(*ledger.recent[1 - REPLIES_KEPT :], reply),
        intact=min(ledger.intact, u.input) if ledger.compaction else u.input,
    )


def _unread(ledger: Ledger, response_id: str, window: Window) -> Window:
    """The window of a usage, with what it cannot know: what was said while the reply was made,
    and what of the reply was cut since.
    """
    for turn in ledger.turns.held_backwards():
        if turn.role == "user":
            window = weigh(window, turn.text_tokens, turn.audio_tokens)
            continue
        if turn.role == "assistant" and turn.interrupted and turn.response_id == response_id:
            whole = evolve(turn, heard_ms=None)
            text, audio = turn.text_tokens - whole.text_tokens, turn.audio_tokens
            window = weigh(window, text, audio - whole.audio_tokens)
        break
    return window
