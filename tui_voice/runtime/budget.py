"""What a talk may cost before it pauses: money is never spent while nobody looks."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot


class Budget:
    """`limit`: USD; None: no limit. Each time a talk has cost that much more it is paused."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._next: float | None = None

    def exceeded(self, now: Snapshot) -> list[e.Event]:
        """The facts of the pause, when one is due: the microphone closes, and why is said."""
        if self._limit is None:
            return []
        spent = now.ledger.cost
        if self._next is None:  # what earlier runs spent has been asked about then
            self._next = (spent // self._limit + 1) * self._limit
        if spent < self._next:
            return []
        self._next = (spent // self._limit + 1) * self._limit
        facts: list[e.Event] = [e.TalkReleased()] if now.situation.microphone.open else []
        facts.append(
            e.Noticed(
                text=f"This talk has cost ${spent:.2f}; your limit is ${self._limit:.2f} at a "
                "time. It is paused: talk or type to go on.",
                severity="warning",
            )
        )
        return facts
