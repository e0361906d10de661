"""Holds back effects that must not happen before the events so far are on disk.

A reply is requested, and an item is deleted on the server, only after what the user said is saved:
a crash right after that loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from tui_voice.conversation import effects as x

DISK_TIMEOUT_S = 2.0
"""The longest wait for the disk. After it the effects are performed in any case."""

_AFTER_SYNC = (x.CreateResponse, x.DeleteItem)
_IMMEDIATE = (
    x.OpenMicrophone,
    x.CloseMicrophone,
    x.MuteMicrophone,
    x.InterruptPlayback,
    x.Reconnect,
    x.RequestSummary,
    x.AnswerTool,
    x.StopTools,
)
"""Effects whose order among the messages to the server does not matter."""


class WriteBarrier:
    """Performs effects in their order, on the session's event loop.

    `sync` starts writing to disk; its future is True once the data is there, or False where the
    disk does not take it and the data stays in memory. Both let the effects continue.
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
        self._waiting: deque[x.Effect] = deque()
        self._sync_number = 0
        self._timeout: asyncio.TimerHandle | None = None
        """Set while a sync is awaited."""

    def perform(self, effect: x.Effect) -> None:
        """Performs the effect now, or once the disk has what it depends on."""
        if isinstance(effect, _IMMEDIATE):
            self._perform(effect)
            return
        self._waiting.append(effect)
        if self._timeout is None:
            self._perform_waiting(synced=False)

    def drop_waiting(self) -> None:
        """Forgets the effects that wait, because their connection is gone.

        The conversation asks for them again on the next connection. They must not wait for the
        sync of the old one, since audio does not wait and would be sent before them.
        """
        self._waiting.clear()
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _perform_waiting(self, *, synced: bool) -> None:
        while self._waiting:
            if isinstance(self._waiting[0], _AFTER_SYNC) and not synced:
                self._start_sync()
                return
            self._perform(self._waiting.popleft())

    def _start_sync(self) -> None:
        self._sync_number += 1
        number = self._sync_number
        self._timeout = self._loop.call_later(DISK_TIMEOUT_S, self._sync_ended, number)
        self._sync().add_done_callback(lambda _: self._sync_done(number))

    def _sync_done(self, number: int) -> None:
        """Called in the journal's thread."""
        with suppress(RuntimeError):  # the loop is closed: the session is over
            self._loop.call_soon_threadsafe(self._sync_ended, number)

    def _sync_ended(self, number: int) -> None:
        """The sync is done or has timed out; only the first of both counts."""
        if self._timeout is not None and number == self._sync_number:
            self._timeout.cancel()
            self._timeout = None
            self._perform_waiting(synced=True)
