"""Reducers of turns: what the user says or types, their words, function calls."""

from __future__ import annotations

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.images import image_tokens
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers.changes import add, change
from tui_voice.conversation.turns import Turn


def text_submitted(ledger: Ledger, event: e.TextSubmitted) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    turn = Turn(
        event.item_id,
        "user",
        event.at,
        event.text,
        words="done",
        modality="text",
        ended_at=event.at,
    )
    return add(ledger, turn, None)


def image_attached(ledger: Ledger, event: e.ImageAttached) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    turn = Turn(
        event.item_id,
        "user",
        event.at,
        f"{event.file}, {event.width} × {event.height} pixels",
        words="done",
        modality="text",
        image=event.sha256,
        image_tokens=image_tokens(event.width, event.height),
    )
    return add(ledger, turn, None)


def speech_started(ledger: Ledger, event: e.SpeechStarted) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    return add(_without_sent_again(ledger), _spoken(event.item_id, event.at), None)


def speech_grew(ledger: Ledger, event: e.SpeechGrew) -> Ledger:
    return change(ledger, event.item_id, audio_ms=event.audio_ms)


def speech_stopped(ledger: Ledger, event: e.SpeechStopped) -> Ledger:
    ended = change(ledger, event.item_id, ended_at=event.at - event.silence_ms / 1000)
    return change(ended, event.item_id, audio_ms=event.audio_ms) if event.audio_ms else ended


def speech_committed(ledger: Ledger, event: e.SpeechCommitted) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is None:
        ledger = _without_sent_again(ledger)
        ledger = add(ledger, _spoken(event.item_id, event.at), event.previous_item_id)
    elif _misplaced(ledger, turn, event.previous_item_id):
        turns = ledger.turns.remove(turn.id).insert_after(event.previous_item_id, turn)
        ledger = replace(ledger, turns=turns)
    if (
        turn is not None and turn.wire_id is None
    ):  # it was given up, and the server has it after all
        words = "open" if turn.words == "failed" else turn.words
        ledger = change(ledger, turn.id, wire_id=event.item_id, words=words, note="")
    if event.audio_ms is not None:
        ledger = change(ledger, event.item_id, audio_ms=event.audio_ms)
    said = ledger.turns.get(event.item_id)
    if said is not None and said.ended_at is None:  # no detection: the user ended it by hand
        silence_ms = 0 if said.after_silence else event.silence_ms
        ledger = change(ledger, said.id, ended_at=event.at - silence_ms / 1000)
    return ledger


def silence_timed_out(ledger: Ledger, event: e.SilenceTimedOut) -> Ledger:
    if ledger.turns.get(event.item_id):
        return change(ledger, event.item_id, words="done", after_silence=True)
    silence = replace(
        _spoken(event.item_id, event.at),
        words="done",
        audio_ms=event.audio_ms,
        after_silence=True,
    )
    return add(ledger, silence, None)


def commit_overdue(ledger: Ledger, event: e.CommitOverdue) -> Ledger:
    if not event.last:
        return ledger
    note = "not confirmed by the server"
    return change(ledger, event.item_id, words="failed", wire_id=None, note=note)


def _spoken(item_id: str, at: float) -> Turn:
    return Turn(item_id, "user", at, wire_id=item_id, spoken=True)


def _without_sent_again(ledger: Ledger) -> Ledger:
    """Removes the empty turns whose audio was sent again: its new turn begins."""
    turns = ledger.turns
    for turn_id in ledger.sent_again:
        turns = turns.remove(turn_id)
    return replace(ledger, turns=turns, sent_again=())


def _misplaced(ledger: Ledger, turn: Turn, previous_id: str | None) -> bool:
    """Whether the turn follows another turn in the ledger than on the server (`previous_id`)."""
    previous = ledger.turns.get(previous_id)
    if previous is None or previous.id == turn.id:
        return False
    found = False
    for other in reversed(ledger.turns):
        if found and other.in_window:
            return other.id != previous.id
        if not found and other.id == previous.id:
            return True
        found = found or other.id == turn.id
    return False


def speech_discarded(ledger: Ledger, event: e.SpeechDiscarded) -> Ledger:
    return change(ledger, event.item_id, words="failed", wire_id=None, note=event.reason)


def turn_added(ledger: Ledger, event: e.TurnAdded) -> Ledger:
    if ledger.turns.get(event.item_id):
        return change(ledger, event.item_id, wire_id=event.item_id)
    if event.role == "user" and event.modality == "audio":
        ledger = _without_sent_again(ledger)
    turn = Turn(
        event.item_id,
        event.role,
        event.at,
        event.text,
        words="done" if event.text else "open",
        modality=event.modality,
        wire_id=event.item_id,
        spoken=event.modality == "audio",
        after_silence=event.role == "assistant" and _answers_silence(ledger),
    )
    return add(ledger, turn, event.previous_item_id)


def _answers_silence(ledger: Ledger) -> bool:
    """Whether the user's newest turn is a silence that the server committed."""
    user = (turn for turn in reversed(ledger.turns) if turn.role == "user")
    return next((turn.after_silence for turn in user), False)


def transcript_grew(ledger: Ledger, event: e.TranscriptGrew) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is None or turn.words == "done":  # a delta that comes after the whole text
        return ledger
    return change(ledger, event.item_id, text=turn.text + event.text)


def transcript_done(ledger: Ledger, event: e.TranscriptDone) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if event.usd and not (turn is not None and turn.charged):
        spent = replace(ledger.spent, transcription=ledger.spent.transcription + event.usd)
        ledger = change(replace(ledger, spent=spent), event.item_id, charged=True)
    if turn is not None and turn.misheard:
        return ledger  # the user knows better
    return change(
        ledger, event.item_id, text=event.text, words="done", uncertain=event.uncertain, note=""
    )


def turn_corrected(ledger: Ledger, event: e.TurnCorrected) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is None:
        return ledger
    return change(
        ledger,
        turn.id,
        text=event.text,
        words="done",
        uncertain=(),
        misheard=turn.text,
        outdated_id=turn.wire_id or "",
        note="",
    )


def transcript_failed(ledger: Ledger, event: e.TranscriptFailed) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is not None and turn.after_silence:
        return ledger
    return change(ledger, event.item_id, words="failed", note=event.reason or "not transcribed")


def tool_called(ledger: Ledger, event: e.ToolCalled) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    turn = Turn(
        event.item_id,
        "tool",
        event.at,
        event.arguments,
        modality="text",
        wire_id=event.item_id,
        tool=event.tool,
        call_id=event.call_id,
    )
    return add(ledger, turn, event.previous_item_id)


def tool_answered(ledger: Ledger, event: e.ToolAnswered) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    for turn in reversed(ledger.turns):
        if turn.call_id == event.call_id and turn.words == "open":
            ledger = change(ledger, turn.id, words="done")
            break
    answer = Turn(
        event.item_id, "tool", event.at, event.output, "done", "text", call_id=event.call_id
    )
    return add(ledger, answer, None)
