"""Plays a recorded session: its events at their recorded pace, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.turns import Turn
from tui_voice.runtime.session import Session
from tui_voice.runtime.session_handle import Meters

MAX_PAUSE_S = 3.0
"""A longer pause between two events is shortened to this, before the division by the speed."""


Play = Callable[[Path, Turn], float]
"""Plays the recorded sound of a turn of a journal; returns its seconds at once, 0 for none."""


def replay(
    path: Path, events: Sequence[e.Event], speed: float = 1.0, play: Play | None = None
) -> ReplayedSession:
    """Returns a running replay of `events`, the content of the journal `path`.

    `speed` 1 is real time; 0 plays everything at once. `SessionClosed` is left out, so that the
    last picture stays as the user saw it. `play`: plays the turns that were recorded, at speed 1.
    """
    shown = [event for event in events if not isinstance(event, e.SessionClosed)]
    opened = (event for event in shown if isinstance(event, e.SessionOpened))
    session_id = next((event.id for event in opened), path.stem)
    backend = ReplayBackend(shown, speed, path, play if speed == 1 else None)
    return ReplayedSession(
        session_id, Conversation(), NoLog(path), backend, keep_stamps=True
    ).start()


class ReplayedSession(Session):
    """A `SessionHandle` that ignores what the user does."""

    def post(self, event: e.Event) -> None:
        """Does nothing: a recorded session cannot be changed."""


@dataclass(frozen=True, slots=True)
class NoLog:
    """An `EventLog` that stores nothing, since the events come from the journal `path`."""

    path: Path
    unsaved: int = 0

    def append(self, _event: e.Event) -> None: ...

    def sync(self) -> Future[bool]:
        done: Future[bool] = Future()
        done.set_result(True)
        return done

    def finish(self) -> None: ...


class ReplayBackend:
    """A `SessionBackend` that posts recorded events and performs no effects."""

    def __init__(
        self,
        events: Sequence[e.Event],
        speed: float = 1.0,
        path: Path | None = None,
        play: Play | None = None,
    ) -> None:
        """`speed`, `play`: see `replay`. `path`: the journal."""
        self._events = events
        self._speed = speed
        self._path = path
        self._play = play
        self._played: set[str] = set()

    async def start(self, post: Callable[[e.Event], None]) -> None:
        before = self._events[0].at if self._events else 0.0
        turns = fold(self._events).turns if self._play is not None else None
        loop, sounds_until = asyncio.get_running_loop(), 0.0
        for event in self._events:
            # A pause is not shortened while a turn is played.
            longest = max(MAX_PAUSE_S, sounds_until - loop.time())
            pause = min(event.at - before, longest)
            before = event.at
            if self._speed > 0 and pause > 0:
                await asyncio.sleep(pause / self._speed)
            post(event)
            if turns is not None and isinstance(event, e.SpeechStarted | e.AudioReceived):
                seconds = await self._sound(turns.get(event.item_id))
                sounds_until = max(sounds_until, loop.time() + seconds)
        await asyncio.Event().wait()  # until the session is closed

    async def _sound(self, turn: Turn | None) -> float:
        """Plays a turn when its first event comes; returns the seconds that this takes."""
        if turn is None or turn.id in self._played or self._play is None or self._path is None:
            return 0.0
        self._played.add(turn.id)
        return await asyncio.to_thread(self._play, self._path, turn)

    def perform(self, effect: x.Effect) -> None:
        """Does nothing: what the effect led to is among the recorded events."""

    def snapshot_changed(self, snapshot: Snapshot) -> None: ...

    def meters(self) -> Meters:
        return Meters()

    async def retrieve(self, _item_id: str) -> str | None:
        """Returns None: there is no server."""
        return None

    async def stop(self) -> None: ...
