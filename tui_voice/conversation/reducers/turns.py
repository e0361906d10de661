"""`record(ledger, event)`: the next ledger. One small function for each fact that counts.

Facts are folded without knowing limits, prices or the time of day, so that an old journal adds
up to the same ledger for ever. An event that no function here takes changes only `at`.

The ledger may be a draft (`drafting`), which `evolve` writes in place: each function goes on with
what `evolve` and the methods of `Turns` return, never with what it gave them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from operator import eq
from typing import Any, TypeVar

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import (
    ConnectionInfo,
    ConnectionStatus,
    Ledger,
    UnreportedUsage,
    Window,
)
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.conversation.values import evolve

E = TypeVar("E", bound=e.Event)
_RECORDERS: dict[type[e.Event], Callable[[Ledger, Any], Ledger]] = {}
NOTICES_KEPT = 50
NOTHING = (0, 0)
"""Tokens of text and of audio."""
PRUNES = (e.ItemPlaced, e.ItemDeleted, e.DeleteRefused, e.ItemRefused, e.MemoryEdited)
"""By these the window changes while a response may be under way that read it as it was before."""


def records(kind: type[E]) -> Callable[[Callable[[Ledger, E], Ledger]], Callable[..., Ledger]]:
    """Marks the function that takes events of this class."""

    def mark(function: Callable[[Ledger, E], Ledger]) -> Callable[..., Ledger]:
        _RECORDERS[kind] = function
        return function

    return mark


def record(ledger: Ledger, event: e.Event) -> Ledger:
    """The ledger after this fact. Recorders find the time of the fact in `ledger.at`."""
    if event.at > ledger.at:
        ledger = evolve(ledger, at=event.at)
    recorder = _RECORDERS.get(type(event))
    if recorder is None:
        return ledger
    reading, before = ledger.reading, ledger.window
    ledger = recorder(ledger, event)
    if reading is None or type(event) not in PRUNES or ledger.reading is not reading:
        return ledger
    text, audio = ledger.window.text - before.text, ledger.window.audio - before.audio
    return evolve(ledger, reading=UnreportedUsage(reading.text - text, reading.audio - audio))


def change(ledger: Ledger, item_id: str, **fields: Any) -> Ledger:
    """One turn changed, and the window by what it now weighs more or less."""
    place = ledger.turns.find(item_id)
    if place is None:
        return ledger
    before = ledger.turns[place]
    if all(map(eq, map(getattr, repeat(before), fields), fields.values())):
        return ledger
    after = evolve(before, **fields)
    turns = ledger.turns.put(place, after)
    was, now = (before.text_tokens, before.audio_tokens), (after.text_tokens, after.audio_tokens)
    if was == now and before.wire_id == after.wire_id:
        return evolve(ledger, turns=turns)
    gone = was if before.in_window else NOTHING
    come = now if after.in_window else NOTHING
    window = weigh(ledger.window, come[0] - gone[0], come[1] - gone[1])
    intact = min(ledger.intact, _in_front_of(turns, window, after))
    return evolve(ledger, turns=turns, window=window, intact=intact)


def _in_front_of(turns: Turns, window: Window, turn: Turn) -> int:
    """Tokens before a turn. Counted from the end, where nearly all changes are."""
    if turn.in_window and turns.last is turn:
        return max(0, window.total - turn.tokens)
    behind = 0
    for other in turns.held_backwards():
        behind += other.tokens
        if other.id == turn.id:
            break
    return max(0, window.total - behind)


def add(ledger: Ledger, turn: Turn, previous: str | None) -> Ledger:
    """A new turn behind the one that the server says; but not before what was taken away from
    there, since that was said earlier.
    """
    turns = ledger.turns
    last = turns.last
    if previous is None or last is None or last.id == previous:
        turns = turns.append(turn)
    else:
        for follower in turns.after(previous):
            if not follower.pruned_in:
                break
            previous = follower.id
        turns = turns.insert_after(previous, turn)
    if not turn.in_window:
        return evolve(ledger, turns=turns)
    window = weigh(ledger.window, turn.text_tokens, turn.audio_tokens)
    return evolve(ledger, turns=turns, window=window)


def weigh(window: Window, text: int = 0, audio: int = 0) -> Window:
    """The window after an estimated change, never below nothing."""
    if not text and not audio:
        return window
    return Window(max(0, window.text + text), max(0, window.audio + audio), window.cached, False)


# ── the talk and its line ────────────────────────────────────────────────────────────────────


@records(e.SessionOpened)
def _(ledger: Ledger, event: e.SessionOpened) -> Ledger:
    return evolve(ledger, opened=event, backend=event.backend, model=event.model, voice=event.voice)


@records(e.SessionResumed)
def _(ledger: Ledger, event: e.SessionResumed) -> Ledger:
    fresh = forget_server(ledger, "the program ended")
    voice = event.voice or ledger.voice
    return evolve(fresh, backend=event.backend, model=event.model, voice=voice)


@records(e.SessionRenamed)
def _(ledger: Ledger, event: e.SessionRenamed) -> Ledger:
    spent = evolve(ledger.spent, summaries=ledger.spent.summaries + (event.usd or 0.0))
    return evolve(ledger, title=event.title, spent=spent)


@records(e.SessionClosed)
def _(ledger: Ledger, _event: e.SessionClosed) -> Ledger:
    return evolve(forget_server(ledger, "the talk was closed"), connection=ConnectionInfo())


@records(e.Noticed)
def notice(ledger: Ledger, event: e.Noticed) -> Ledger:
    return evolve(ledger, notices=(*ledger.notices[1 - NOTICES_KEPT :], event))


@records(e.ServerErred)
def _(ledger: Ledger, event: e.ServerErred) -> Ledger:
    text = f"server: {event.message} ({event.code})" if event.code else f"server: {event.message}"
    return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))


@records(e.ConnectionOpening)
def _(ledger: Ledger, _event: e.ConnectionOpening) -> Ledger:
    status: ConnectionStatus = (
        "reconnecting" if ledger.connection.status == "reconnecting" else "connecting"
    )
    return evolve(ledger, connection=evolve(ledger.connection, status=status, retry_in=None))


@records(e.ConnectionOpened)
def _(ledger: Ledger, event: e.ConnectionOpened) -> Ledger:
    fresh = forget_server(ledger, "a new server session")
    connection = ConnectionInfo(
        status="online", expires_at=event.expires_at, server_session_id=event.server_session_id
    )
    return evolve(fresh, connection=connection, model=event.model or ledger.model)


@records(e.ConnectionLost)
def _(ledger: Ledger, event: e.ConnectionLost) -> Ledger:
    status: ConnectionStatus = "offline" if event.retry_in is None else "reconnecting"
    connection = ConnectionInfo(
        status=status, reason=event.reason, hint=event.hint, retry_in=event.retry_in
    )
    ledger = forget_server(ledger, event.reason)
    for turn_id in event.again:  # words that had come of it would be said twice
        ledger = change(ledger, turn_id, text="", words="failed", note="said again on a new line")
    return evolve(ledger, connection=connection)


def forget_server(ledger: Ledger, why: str) -> Ledger:
    """No item is on a server any more. What was under way ends as it can be finished from here."""

    def forget(turn: Turn) -> Turn:
        if turn.words == "open":
            turn = evolve(turn, words="done" if turn.text else "failed", note=why)
        return evolve(turn, wire_id=None, stuck=False)

    turns = ledger.turns.map_loose(forget)
    ledger = evolve(ledger, turns=turns, window=Window(), intact=0, reading=None)
    ledger = evolve(ledger, memory_id="", edit="", stale=())
    running = ledger.compaction
    if running is None:
        return ledger
    if running.kind == "summary" and running.stage in ("ready", "placed"):
        # The summary is known; the next session is simply seeded with it instead of its turns.
        for turn_id in running.turns:
            pinned = (turn := turns.get(turn_id)) is not None and turn.pinned
            turns = turns if pinned else turns.change(turn_id, pruned_in=running.id)
        done = evolve(running, stage="confirmed", done_at=ledger.at)
        ledger = evolve(ledger, turns=turns, memory=running.summary)
    else:
        done = evolve(running, stage="broken", error=why, done_at=ledger.at)
    return evolve(ledger, compactions=(*ledger.compactions[:-1], done))


# ── turns ────────────────────────────────────────────────────────────────────────────────────


@records(e.TextSubmitted)
def _(ledger: Ledger, event: e.TextSubmitted) -> Ledger:
    turn = Turn(event.item_id, "user", event.at, event.text, words="done", modality="text")
    return add(ledger, turn, None)


@records(e.SpeechStarted)
def _(ledger: Ledger, event: e.SpeechStarted) -> Ledger:
    if ledger.turns.get(event.item_id):
        return ledger
    turn = Turn(event.item_id, "user", event.at, wire_id=event.item_id, spoken=True)
    return add(ledger, turn, None)


@records(e.SpeechGrew)
def _(ledger: Ledger, event: e.SpeechGrew) -> Ledger:
    return change(ledger, event.item_id, audio_ms=event.audio_ms)


@records(e.SpeechStopped)
def _(ledger: Ledger, event: e.SpeechStopped) -> Ledger:
    return change(ledger, event.item_id, audio_ms=event.audio_ms) if event.audio_ms else ledger


@records(e.SpeechCommitted)
def _(ledger: Ledger, event: e.SpeechCommitted) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    if turn is None:
        turn = Turn(event.item_id, "user", event.at, wire_id=event.item_id, spoken=True)
        ledger = add(ledger, turn, event.previous_item_id)
    elif _misplaced(ledger, turn, event.previous_item_id):
        turns = ledger.turns.remove(turn.id).insert_after(event.previous_item_id, turn)
        ledger = evolve(ledger, turns=turns)
    if event.audio_ms is not None:
        ledger = change(ledger, event.item_id, audio_ms=event.audio_ms)
    return ledger


def _misplaced(ledger: Ledger, turn: Turn, previous_id: str | None) -> bool:
    """Whether the server put it elsewhere than where the order of arrival did."""
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


@records(e.SpeechDiscarded)
def _(ledger: Ledger, event: e.SpeechDiscarded) -> Ledger:
    return change(ledger, event.item_id, words="failed", wire_id=None, note=event.reason)


@records(e.TurnAdded)
def _(ledger: Ledger, event: e.TurnAdded) -> Ledger:
    if ledger.turns.get(event.item_id):
        return change(ledger, event.item_id, wire_id=event.item_id)
    turn = Turn(
        event.item_id,
        event.role,
        event.at,
        event.text,
        words="done" if event.text else "open",
        modality=event.modality,
        wire_id=event.item_id,
        spoken=event.modality == "audio",
    )
    return add(ledger, turn, event.previous_item_id)


@records(e.TranscriptGrew)
def _(ledger: Ledger, event: e.TranscriptGrew) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    return change(ledger, event.item_id, text=turn.text + event.text) if turn else ledger


@records(e.TranscriptDone)
def _(ledger: Ledger, event: e.TranscriptDone) -> Ledger:
    if event.usd:
        spent = evolve(ledger.spent, transcription=ledger.spent.transcription + event.usd)
        ledger = evolve(ledger, spent=spent)
    return change(ledger, event.item_id, text=event.text, words="done", note="")


@records(e.TranscriptFailed)
def _(ledger: Ledger, event: e.TranscriptFailed) -> Ledger:
    return change(ledger, event.item_id, words="failed", note=event.reason or "not transcribed")


@records(e.ToolCalled)
def _(ledger: Ledger, event: e.ToolCalled) -> Ledger:
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


@records(e.ToolAnswered)
def _(ledger: Ledger, event: e.ToolAnswered) -> Ledger:
    for turn in reversed(ledger.turns):
        if turn.call_id == event.call_id and turn.words == "open":
            ledger = change(ledger, turn.id, words="done")
            break
    answer = Turn(
        event.item_id, "tool", event.at, event.output, "done", "text", call_id=event.call_id
    )
    return add(ledger, answer, None)


# ── the reply ────────────────────────────────────────────────────────────────────────────────


@records(e.AudioReceived)
def _(ledger: Ledger, event: e.AudioReceived) -> Ledger:
    return change(
        ledger,
        event.item_id,
        audio_ms=event.audio_ms,
        response_id=event.response_id,
        modality="audio",
        spoken=True,
    )


@records(e.PlaybackInterrupted)
def _(ledger: Ledger, event: e.PlaybackInterrupted) -> Ledger:
    turn = ledger.turns.get(event.item_id)
    length = max(event.received_ms, turn.audio_ms if turn else 0)
    return change(ledger, event.item_id, heard_ms=event.played_ms, audio_ms=length)
