"""Pauses a session that has reached the user's cost limit."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot


class Budget:
    """Pauses the session each time it has cost another `limit` USD. None: never."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._next: float | None = None
        """USD at which the next pause is due."""

    def exceeded(self, now: Snapshot) -> list[e.Event]:
        """Returns the events of a pause if one is due: the microphone closes, a notice says why."""
        if self._limit is None:
            return []
        spent = now.ledger.cost
        if self._next is None:  # a resumed session starts with what it cost earlier
            self._next = (spent // self._limit + 1) * self._limit
        if spent < self._next:
            return []
        self._next = (spent // self._limit + 1) * self._limit
        notice = e.Noticed(
            text=f"This session has cost ${spent:.2f}; your limit is ${self._limit:.2f} at a "
            "time. It is paused: talk or type to continue.",
            severity="warning",
        )
        reached = e.CostLimitReached(usd=round(spent, 6), limit_usd=self._limit)
        released = [e.TalkReleased()] if now.situation.microphone.open else []
        return [*released, reached, notice]
