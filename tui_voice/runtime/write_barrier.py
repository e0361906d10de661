"""No reply is asked for, and nothing is deleted on the server, before what was said is on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from tui_voice.conversation import effects as x

PATIENCE_S = 2.0
"""A disk that hangs for longer does not stop the talk."""

_WAITING = (x.CreateResponse, x.DeleteItem)
_AT_ONCE = (
    x.OpenMicrophone,
    x.CloseMicrophone,
    x.MuteMicrophone,
    x.InterruptPlayback,
    x.Reconnect,
    x.RequestSummary,
    x.AnswerTool,
)
"""What tells the server nothing that the order of messages could matter to."""


class WriteBarrier:
    """Carries out effects in their order with `perform`; before those that must not outrun the
    disk, `sync` is waited for (its future: True on disk, False held in memory because the disk
    does not take it, which stops nobody). On the session's loop.
    """

    def __init__(
        self,
        sync: Callable[[], Future[bool]],
        perform: Callable[[x.Effect], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._sync = sync
        self._perform = perform
        self._loop = loop
        self._held: deque[x.Effect] = deque()
        self._number = 0  # of the wait
        self._waiting: asyncio.TimerHandle | None = None

    def __call__(self, effect: x.Effect) -> None:
        if isinstance(effect, _AT_ONCE):
            self._perform(effect)
            return
        self._held.append(effect)
        if self._waiting is None:
            self._go_on(synced=False)

    def forget(self) -> None:
        """The line is gone: what was meant for it is asked for anew on the next, and does not wait
        for what the old one waited for: sound, which waits for nothing, would overtake it.
        """
        self._held.clear()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _go_on(self, *, synced: bool) -> None:
        while self._held:
            if isinstance(self._held[0], _WAITING) and not synced:
                self._wait()
                return
            self._perform(self._held.popleft())

    def _wait(self) -> None:
        self._number += 1
        number = self._number
        self._waiting = self._loop.call_later(PATIENCE_S, self._waited, number)
        self._sync().add_done_callback(lambda _: self._done(number))

    def _done(self, number: int) -> None:
        """From the journal's thread."""
        with suppress(RuntimeError):  # the loop is closed: the talk is over
            self._loop.call_soon_threadsafe(self._waited, number)

    def _waited(self, number: int) -> None:
        if self._waiting is not None and number == self._number:  # else: we went on without it
            self._waiting.cancel()
            self._waiting = None
            self._go_on(synced=True)
