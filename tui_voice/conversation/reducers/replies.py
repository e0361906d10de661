"""Reducers of the reply: its audio, and replies that are incomplete."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers.changes import change, notice

ASK_FOR_REST = 'Say "go on" to hear the rest.'


def audio_received(ledger: Ledger, event: e.AudioReceived) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is not None and not turn.audio_ms and turn.role == "assistant":
        waited = ledger.turns.since_user_ended(turn.id, event.at)
        ledger = change(ledger, turn.id, first_sound_s=waited)
    return change(
        ledger,
        event.item_id,
        audio_ms=event.audio_ms,
        response_id=event.response_id,
        modality="audio",
        spoken=True,
    )


def playback_interrupted(ledger: Ledger, event: e.PlaybackInterrupted) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    length = max(event.received_ms, turn.audio_ms if turn else 0)
    return change(ledger, event.item_id, heard_ms=event.played_ms, audio_ms=length)


def interruption_undone(ledger: Ledger, event: e.InterruptionUndone) -> Ledger:
    for item_id in event.replies:
        ledger = change(ledger, item_id, heard_ms=None)
    if event.why == "echo":
        note = "an echo of the reply"
        return change(ledger, event.item_id, text="", words="failed", note=note)
    return change(ledger, event.item_id, note="did not interrupt")


def reply_cut(ledger: Ledger, event: e.ReplyCut) -> Ledger:
    if event.heard:
        for item_id in event.item_ids:
            ledger = change(ledger, item_id, note="cut off by a lost connection")
        text = f"A lost connection cut off the reply. {ASK_FOR_REST}"
        return notice(ledger, e.Noticed(at=event.at, text=text))
    for item_id in event.item_ids:  # asked for again, so its words would appear twice
        ledger = change(ledger, item_id, text="", words="failed", note="not heard, asked for again")
    return ledger


def reply_overdue(ledger: Ledger, event: e.ReplyOverdue) -> Ledger:
    reply = [turn for turn in ledger.turns.since_user() if turn.role == "assistant"]
    begun = any(turn.text or turn.audio_ms for turn in reply)
    for turn in reply:
        if turn.words == "open":
            words = "done" if turn.text else "failed"
            ledger = change(ledger, turn.id, words=words, note="not finished by the server")
    if not event.waited_for:
        return ledger
    if begun:
        text = f"The server stopped in the middle of its reply. {ASK_FOR_REST}"
    else:
        text = f"No answer came within {event.seconds:g} s. Please ask again."
    return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))
