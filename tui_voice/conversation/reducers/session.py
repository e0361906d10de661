"""Reducers of the session, its connection, and notices for the user."""

from __future__ import annotations

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import ConnectionInfo, ConnectionStatus, Ledger, Window
from tui_voice.conversation.reducers.changes import change, notice
from tui_voice.conversation.turns import Turn


def session_opened(ledger: Ledger, event: e.SessionOpened) -> Ledger:
    ledger = replace(
        ledger,
        opened=event,
        backend=event.backend,
        model=event.model,
        voice=event.voice,
        profile=event.profile,
    )
    return _held_with(ledger, event)


def session_resumed(ledger: Ledger, event: e.SessionResumed) -> Ledger:
    fresh = replace(forget_server(ledger, "the program ended"), sent_again=())
    voice = event.voice or ledger.voice
    # The notices of an earlier run are in the journal; they say nothing about this one.
    fresh = replace(fresh, backend=event.backend, model=event.model, voice=voice, notices=())
    fresh = replace(fresh, profile=event.profile)
    return _held_with(fresh, event)


def _held_with(ledger: Ledger, event: e.SessionOpened | e.SessionResumed) -> Ledger:
    place = f"{event.backend} {event.server}".strip()
    known = ledger.held_with
    return ledger if place in known else replace(ledger, held_with=(*known, place))


def outcome_written(ledger: Ledger, event: e.OutcomeWritten) -> Ledger:
    others = tuple(one for one in ledger.outcomes if one.kind != event.kind)
    return replace(ledger, outcomes=(*others, event))


def privacy_changed(ledger: Ledger, event: e.PrivacyChanged) -> Ledger:
    return replace(ledger, private=event.private)


def session_renamed(ledger: Ledger, event: e.SessionRenamed) -> Ledger:
    spent = replace(ledger.spent, summaries=ledger.spent.summaries + (event.usd or 0.0))
    return replace(ledger, title=event.title, spent=spent)


def session_closed(ledger: Ledger, _event: e.SessionClosed) -> Ledger:
    return replace(forget_server(ledger, "the session was closed"), connection=ConnectionInfo())


def noticed(ledger: Ledger, event: e.Noticed) -> Ledger:
    return notice(ledger, event)


def server_erred(ledger: Ledger, event: e.ServerErred) -> Ledger:
    text = f"server: {event.message} ({event.code})" if event.code else f"server: {event.message}"
    return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))


def connection_opening(ledger: Ledger, _event: e.ConnectionOpening) -> Ledger:
    again = ledger.connection.status == "reconnecting"
    status: ConnectionStatus = "reconnecting" if again else "connecting"
    return replace(ledger, connection=replace(ledger.connection, status=status, retry_in=None))


def connection_opened(ledger: Ledger, event: e.ConnectionOpened) -> Ledger:
    fresh = forget_server(ledger, "a new server session")
    connection = ConnectionInfo(
        status="online", expires_at=event.expires_at, server_session_id=event.server_session_id
    )
    fresh = _left_without_words(fresh, event.again)
    return replace(fresh, connection=connection, model=event.model or ledger.model)


def connection_lost(ledger: Ledger, event: e.ConnectionLost) -> Ledger:
    status: ConnectionStatus = "offline" if event.retry_in is None else "reconnecting"
    connection = ConnectionInfo(
        status=status,
        reason=event.reason,
        hint=event.hint,
        retry_in=event.retry_in,
        released=event.released,
    )
    ledger = _left_without_words(forget_server(ledger, event.reason), event.again)
    return replace(ledger, connection=connection)


def _left_without_words(ledger: Ledger, again: tuple[str, ...]) -> Ledger:
    """Empties the turns whose audio is sent again: it becomes new turns with the same words."""
    for turn_id in again:
        note = "sent again on a new connection"
        ledger = change(ledger, turn_id, text="", words="failed", note=note)
    return replace(ledger, sent_again=(*ledger.sent_again, *again))


def forget_server(ledger: Ledger, why: str) -> Ledger:
    """No server holds any item any more. `why`: the note on what was incomplete.

    A compaction under way ends: a summary whose text is known counts as done, since the next
    server session is sent the summary instead of its turns. Any other is broken.
    """

    def forget(turn: Turn) -> Turn:
        if turn.words == "open":
            turn = replace(turn, words="done" if turn.text else "failed", note=why)
        return replace(turn, wire_id=None, unchangeable=False, outdated_id="")

    turns = ledger.turns.map_server_bound(forget)
    ledger = replace(
        ledger,
        turns=turns,
        window=Window(),
        cacheable_prefix_tokens=0,
        unreported_usage=None,
        memory_id="",
        memory_edit="",
        pending_deletes=(),
    )
    running = ledger.compaction
    if running is None:
        return ledger
    if running.kind == "summary" and running.stage in ("ready", "placed"):
        for turn_id in running.turns:
            turn = turns.get(turn_id)
            if turn is not None and not turn.pinned:
                turns = turns.change(turn_id, pruned_in=running.id)
        done = replace(running, stage="confirmed", done_at=ledger.at)
        ledger = replace(ledger, turns=turns, memory=running.summary)
    else:
        done = replace(running, stage="broken", error=why, done_at=ledger.at)
    return replace(ledger, compactions=(*ledger.compactions[:-1], done))
