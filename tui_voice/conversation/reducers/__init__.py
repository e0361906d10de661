"""`reduce` and `fold`: from the events of a session to its ledger.

A reducer takes the ledger before an event and the event, and returns the ledger after it. It
knows no limits, no prices and no time of day, so an old journal always adds up to the same
ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import compaction, items, replies, session, turns, usage
from tui_voice.conversation.reducers.changes import with_unreported

__all__ = ["REDUCERS", "fold", "reduce"]

REDUCERS: dict[type[e.Event], Callable[[Ledger, Any], Ledger]] = {
    # The session and its connection.
    e.SessionOpened: session.session_opened,
    e.SessionResumed: session.session_resumed,
    e.SessionRenamed: session.session_renamed,
    e.OutcomeWritten: session.outcome_written,
    e.PrivacyChanged: session.privacy_changed,
    e.SessionClosed: session.session_closed,
    e.Noticed: session.noticed,
    e.ServerErred: session.server_erred,
    e.ConnectionOpening: session.connection_opening,
    e.ConnectionOpened: session.connection_opened,
    e.ConnectionLost: session.connection_lost,
    # Turns.
    e.TextSubmitted: turns.text_submitted,
    e.ImageAttached: turns.image_attached,
    e.SpeechStarted: turns.speech_started,
    e.SpeechGrew: turns.speech_grew,
    e.SpeechStopped: turns.speech_stopped,
    e.SpeechCommitted: turns.speech_committed,
    e.SpeechDiscarded: turns.speech_discarded,
    e.SilenceTimedOut: turns.silence_timed_out,
    e.CommitOverdue: turns.commit_overdue,
    e.TurnAdded: turns.turn_added,
    e.TranscriptGrew: turns.transcript_grew,
    e.TranscriptDone: turns.transcript_done,
    e.TranscriptFailed: turns.transcript_failed,
    e.TurnCorrected: turns.turn_corrected,
    e.ToolCalled: turns.tool_called,
    e.ToolAnswered: turns.tool_answered,
    # The reply.
    e.AudioReceived: replies.audio_received,
    e.PlaybackInterrupted: replies.playback_interrupted,
    e.InterruptionUndone: replies.interruption_undone,
    e.ReplyCut: replies.reply_cut,
    e.ReplyOverdue: replies.reply_overdue,
    e.CancelRefused: usage.cancel_refused,
    e.ResponseStarted: usage.response_started,
    e.ResponseDone: usage.response_done,
    # Compactions.
    e.SummaryRequested: compaction.summary_requested,
    e.TextifyRequested: compaction.textify_requested,
    e.ToolPruningRequested: compaction.tool_pruning_requested,
    e.RestoreRequested: compaction.restore_requested,
    e.VoiceRepairRequested: compaction.voice_repair_requested,
    e.SummaryReady: compaction.summary_ready,
    e.SummaryFailed: compaction.summary_failed,
    e.PruningValued: compaction.pruning_valued,
    e.SummaryQuestioned: compaction.summary_questioned,
    e.WritingBilled: compaction.writing_billed,
    e.TriggerChecked: compaction.trigger_checked,
    e.TurnPinned: compaction.turn_pinned,
    # Items that we changed on the server.
    e.MemoryEdited: items.memory_edited,
    e.FactChanged: items.fact_changed,
    e.ItemPlaced: items.item_placed,
    e.ItemRefused: items.item_refused,
    e.ItemDeleted: items.item_deleted,
    e.DeleteRefused: items.delete_refused,
}
"""The reducer of each event. Other events only move `Ledger.at`."""

CHANGES_WINDOW = (
    e.ItemPlaced,
    e.ItemRefused,
    e.ItemDeleted,
    e.DeleteRefused,
    e.MemoryEdited,
    e.FactChanged,
)
"""Events that change the window while a response may be under way."""


def reduce(ledger: Ledger, event: e.Event) -> Ledger:
    """The ledger after an event."""
    if event.at > ledger.at:
        away_s = event.at - ledger.at if isinstance(event, e.SessionResumed) else 0.0
        ledger = replace(ledger, at=event.at, away_s=ledger.away_s + away_s)
    reducer = REDUCERS.get(type(event))
    if reducer is None:
        return ledger
    after = reducer(ledger, event)
    return with_unreported(ledger, after) if isinstance(event, CHANGES_WINDOW) else after


def fold(events: Iterable[e.Event], ledger: Ledger | None = None) -> Ledger:
    """The ledger after all these events. `ledger`: the one before them; None: an empty one."""
    ledger = ledger or Ledger()
    for event in events:
        ledger = reduce(ledger, event)
    return ledger
