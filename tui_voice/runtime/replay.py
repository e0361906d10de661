"""A recorded talk played through the same door: facts at their recorded pace, nothing sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.runtime.session import Session
from tui_voice.runtime.session_handle import Meters

LONGEST_PAUSE_S = 3.0
"""A pause in the talk is not waited out longer than this, divided by the speed."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A replay writes nothing down; `path` is the journal it plays."""

    path: Path
    unsaved: int = 0

    def append(self, _event: e.Event) -> None:
        """It is in the journal already."""

    def sync(self) -> Future[bool]:
        done: Future[bool] = Future()
        done.set_result(True)
        return done

    def finish(self) -> None:
        """Nothing is open."""


class ReplayBackend:
    """`speed` 1 is as it was; 0 is at once."""

    def __init__(self, events: Sequence[e.Event], speed: float = 1.0) -> None:
        self._events = events
        self._speed = speed

    async def start(self, post: Callable[[e.Event], None]) -> None:
        before = self._events[0].at if self._events else 0.0
        for event in self._events:
            pause = min(event.at - before, LONGEST_PAUSE_S)
            before = event.at
            if self._speed > 0 and pause > 0:
                await asyncio.sleep(pause / self._speed)
            post(event)
        await asyncio.Event().wait()  # the last picture stays until the door is closed

    def perform(self, effect: x.Effect) -> None:
        """What it led to is in the journal, too."""

    def seen(self, now: Snapshot) -> None:
        """Nobody waits for a silence."""

    def meters(self) -> Meters:
        return Meters()

    async def retrieve(self, _item_id: str) -> str | None:
        """There is no server."""
        return None

    async def stop(self) -> None:
        """Nothing runs."""


class Replayed(Session):
    """A `SessionHandle` to the past: keys that would change the talk do nothing."""

    def post(self, event: e.Event) -> None:
        """What was said cannot be changed by watching it."""


def replay(path: Path, events: Sequence[e.Event], speed: float = 1.0) -> Replayed:
    """The talk of these facts, running. `SessionClosed` is left out, so the last picture stays as
    the user saw it.
    """
    shown = [event for event in events if not isinstance(event, e.SessionClosed)]
    session_id = next(
        (event.id for event in shown if isinstance(event, e.SessionOpened)), path.stem
    )
    return Replayed(
        session_id, Conversation(), Unrecorded(path), ReplayBackend(shown, speed), keep_stamps=True
    ).start()
