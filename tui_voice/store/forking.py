"""Selects the events of a session up to a turn, to begin another session with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.reducers import fold
from tui_voice.errors import StoreError

_TURN_EVENTS = (
    e.TextSubmitted,
    e.SpeechDiscarded,
    e.TranscriptDone,
    e.TranscriptFailed,
    e.ToolCalled,
    e.ToolAnswered,
    e.PlaybackFinished,
    e.PlaybackInterrupted,
)
"""Events that belong to the turn with their `item_id`, however late they come."""


def events_until(events: Sequence[e.Event], turn_id: str) -> list[e.Event]:
    """The events of the session up to and including this turn, without those of later turns.

    Their costs are removed: they were paid in the first session. Example: the transcript of a
    question comes after its answer has begun. If `turn_id` is the question, the transcript is kept
    and nothing of the answer. Raises `StoreError` if there is no such turn.
    """
    order = [turn.id for turn in fold(events).turns]
    if turn_id not in order:
        raise StoreError(f"there is no turn {turn_id} in this session")
    later = set(order[order.index(turn_id) + 1 :])
    end = _end_of(events, turn_id)
    kept = [x for x in events[: end + 1] if getattr(x, "item_id", None) not in later]
    return [_without_cost(event) for event in kept if not isinstance(event, e.SessionClosed)]


def _end_of(events: Sequence[e.Event], turn_id: str) -> int:
    """Index of the last event of this turn; for a reply, the end of its response counts, too."""
    end, response = 0, None
    for index, event in enumerate(events):
        is_of_turn = getattr(event, "item_id", None) == turn_id
        if isinstance(event, e.AudioReceived) and is_of_turn:
            response = event.response_id
        if (isinstance(event, _TURN_EVENTS) and is_of_turn) or (
            isinstance(event, e.ResponseDone) and event.response_id == response
        ):
            end = index
    return end


def _without_cost(event: e.Event) -> e.Event:
    billed = e.ResponseDone | e.SummaryReady | e.SummaryFailed | e.WritingBilled
    if isinstance(event, billed) and event.usd:
        return replace(event, usd=0.0)
    if isinstance(event, e.TranscriptDone) and event.usd:
        return replace(event, usd=None)
    return event
