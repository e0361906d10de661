"""Decides when a sound cue is due: listening, thinking for more than 2 s, done, error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.conversation.states import State

if TYPE_CHECKING:
    from tui_voice.audio.cues import Cue
    from tui_voice.conversation.conversation import Snapshot

THINKING_S = 2.0
"""Seconds of waiting for a reply after which a cue says that it is being made."""


class CueSequence:
    """Gets every snapshot, on the loop; `play` is called with each cue."""

    def __init__(self, play: Callable[[Cue], object]) -> None:
        self._play = play
        self._state = State.IDLE
        self._open = False
        self._errors = 0
        self._problems = 0
        """Warnings and errors before the reply that is awaited or spoken."""
        self._thinking: asyncio.TimerHandle | None = None

    def snapshot_changed(self, now: Snapshot) -> None:
        """Plays what has changed since the last snapshot."""
        before, self._state = self._state, now.state
        was_open, self._open = self._open, now.situation.microphone.open
        severities = [notice.severity for notice in now.ledger.notices]
        errors, problems = severities.count("error"), len(severities) - severities.count("info")
        ended = before in (State.SPEAKING, State.AWAITING) and now.state is State.IDLE
        if errors > self._errors or (ended and problems > self._problems):
            self._play("error")
        elif self._open and not was_open:
            self._play("listening")
        elif ended:
            self._play("done")
        self._errors = errors
        if now.state not in (State.SPEAKING, State.AWAITING):
            self._problems = problems
        if before is not now.state:
            self._wait(now.state is State.AWAITING)

    def _wait(self, waits: bool) -> None:
        if self._thinking is not None:
            self._thinking.cancel()
            self._thinking = None
        if waits:
            loop = asyncio.get_running_loop()
            self._thinking = loop.call_later(THINKING_S, self._play, "thinking")
