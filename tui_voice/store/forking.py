"""The facts of a talk up to a turn, without what came after it in the talk's own order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.errors import StoreError

_OF_A_TURN = (
    e.TextSubmitted,
    e.SpeechDiscarded,
    e.TranscriptDone,
    e.TranscriptFailed,
    e.ToolCalled,
    e.ToolAnswered,
    e.PlaybackFinished,
    e.PlaybackInterrupted,
)
"""What makes a turn whole."""


def cut_behind(events: Sequence[e.Event], turn_id: str) -> list[e.Event]:
    """The events that made the talk up to this turn, as if no later one had begun; what they cost
    is taken out. Raises `StoreError` where there is no such turn.
    """
    order = [turn.id for turn in fold(events).turns]
    if turn_id not in order:
        raise StoreError(f"there is no turn {turn_id} in this talk")
    later = set(order[order.index(turn_id) + 1 :])
    end = _end_of(events, turn_id)
    kept = [x for x in events[: end + 1] if getattr(x, "item_id", None) not in later]
    return [_unpaid(event) for event in kept if not isinstance(event, e.SessionClosed)]


def _end_of(events: Sequence[e.Event], turn_id: str) -> int:
    """Index of the last event that belongs to this turn: of a reply, its response's end too."""
    end, response = 0, None
    for index, event in enumerate(events):
        mine = getattr(event, "item_id", None) == turn_id
        if isinstance(event, e.AudioReceived) and mine:
            response = event.response_id
        if (isinstance(event, _OF_A_TURN) and mine) or (
            isinstance(event, e.ResponseDone) and event.response_id == response
        ):
            end = index
    return end


def _unpaid(event: e.Event) -> e.Event:
    if isinstance(event, e.ResponseDone | e.SummaryReady) and event.usd:
        return replace(event, usd=0.0)
    if isinstance(event, e.TranscriptDone) and event.usd:
        return replace(event, usd=None)
    return event
