"""Keeps a session connected: it connects, reconnects after a loss, and hands over in time.

A handover replaces a connection before the server ends its session: a second connection is opened
in advance and takes over as soon as nobody speaks. A new server session has no items:
`ConnectionOpened` makes the conversation create them, and those messages are queued before any
audio.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.protocol.client import ProtocolClient
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import Incoming
from tui_voice.runtime.backoff import Backoff
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.sleep_detection import wait_for_wake, wait_until
from tui_voice.runtime.timeouts import ConnectionTimeouts

ESSENTIAL_ONLY = (
    "The server did not accept reasoning effort, noise reduction or language: "
    "the session continues without them."
)
RELEASED = "Talk or type to connect again."
HANDED_OVER = "The server session was replaced before its time limit."


class ReconnectingConnection:
    """Keeps one connection open, and opens the next one when it ends.

    `new_client` returns a client that is not open yet, and may start a server for it. `on_incoming`
    gets what the server sends; `post` gets the events of the connection.
    """

    def __init__(
        self,
        new_client: Callable[[], Awaitable[ProtocolClient]],
        on_incoming: Callable[[Incoming], None],
        post: Callable[[e.Event], None],
        timeouts: ConnectionTimeouts | None = None,
    ) -> None:
        self._new_client = new_client
        self._on_incoming = on_incoming
        self._post = post
        self._timeouts = timeouts or ConnectionTimeouts()
        self._backoff = Backoff(self._timeouts)
        self._quiet = asyncio.Event()
        self._retry = asyncio.Event()
        self._release = asyncio.Event()
        self._release_reason = ""
        self._spare: Connection | None = None  # opened in advance, for the handover
        self._cut_replies: tuple[str, ...] = ()  # items that the last loss cut off
        self._closing: set[asyncio.Task[None]] = set()
        self.current: Connection | None = None
        """The connection in use; None while there is none."""
        self.retry_at: float | None = None
        """Time (`time.monotonic()`) of the next attempt while it is waited for."""

    async def run(self) -> None:
        """Stays connected until it is cancelled. After a fatal loss it waits for `retry_now`."""
        backoff = self._backoff
        try:
            while True:
                try:
                    connection = await self._open(backoff)
                    backoff.opened()
                    await self._use(connection, backoff.probation_s)
                except CloseReason as close_reason:
                    reason = close_reason
                except TuiVoiceError as error:
                    reason = CloseReason(str(error), fatal=True, hint=error.hint)
                released = self._release.is_set()
                if released:
                    reason = CloseReason(self._release_reason, fatal=True, hint=RELEASED)
                    backoff.released()
                    if self._spare is not None:
                        await self._spare.close()
                        self._spare = None
                following = backoff.failed(reason, has_spare=self._spare is not None)
                self._retry.clear()
                self._release.clear()
                if following.report:
                    self._post(
                        e.ConnectionLost(
                            reason=reason.reason,
                            code=reason.code,
                            hint=following.hint,
                            retry_in=following.delay_s,
                            cut=self._cut_replies,
                            released=released,
                        )
                    )
                self._cut_replies = ()
                if reason.retry_after_s and following.delay_s:
                    await self._wait_as_asked(following.delay_s)
                else:
                    await self._wait_to_retry(following.delay_s)
        finally:
            if self._spare is not None:
                await self._spare.close()
            await asyncio.gather(*self._closing, return_exceptions=True)

    def retry_now(self) -> None:
        """Ends the wait for the next attempt: the user wants it now."""
        self._retry.set()

    def release(self, reason: str) -> None:
        """Closes the connection until `retry_now`. `reason`: a sentence for the user."""
        if self.current is not None:
            self._release_reason = reason
            self._release.set()

    def set_quiet(self, is_quiet: bool) -> None:
        """Sets whether a handover may happen now: it must not interrupt speech or pending work."""
        if is_quiet:
            self._quiet.set()
        else:
            self._quiet.clear()

    async def _wait_to_retry(self, delay_s: float | None) -> None:
        """Waits until the delay is over, the user wants a connection or this machine wakes up,
        whichever comes first. `delay_s` None: only the user ends the wait.
        """
        self.retry_at = None if delay_s is None else time.monotonic() + delay_s
        retry = asyncio.create_task(self._retry.wait())
        wake = asyncio.create_task(wait_for_wake(self._timeouts.sleep_check_s))
        try:
            waited = {retry} if delay_s is None else {retry, wake}
            await asyncio.wait(waited, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.retry_at = None
            retry.cancel()
            wake.cancel()
            await asyncio.gather(retry, wake, return_exceptions=True)

    async def _wait_as_asked(self, delay_s: float) -> None:
        """Waits as long as the server asked for (`Retry-After`); nothing ends this wait early."""
        self.retry_at = time.monotonic() + delay_s
        try:
            await wait_until(time.time() + delay_s)
        finally:
            self.retry_at = None

    async def _open(self, backoff: Backoff) -> Connection:
        if backoff.reports_opening:
            self._post(e.ConnectionOpening())
        spare, self._spare = self._spare, None
        return spare or await self._connect(backoff.open_timeout_s)

    async def _connect(self, open_timeout_s: float | None = None) -> Connection:
        client = await self._new_client()
        return await Connection.open(client, self._timeouts, open_timeout_s)

    async def _use(self, connection: Connection, probation_s: float) -> None:
        """Uses the connection, and after a handover its successor, until one is lost: raises
        `CloseReason`. `probation_s`: it must last so many seconds before it is used.
        """
        if connection.session.essential_only:
            self._post(e.Noticed(text=ESSENTIAL_ONLY))
        while True:
            try:
                successor = await self._use_until_handover(connection, probation_s)
            except BaseException:
                await connection.close()  # also where a cancellation has cut a close short
                raise
            probation_s = 0.0
            closing = asyncio.create_task(connection.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            connection = successor
            self._post(e.Noticed(text=HANDED_OVER))

    async def _use_until_handover(self, connection: Connection, probation_s: float) -> Connection:
        """Returns the connection that takes over; raises `CloseReason` where this one is lost."""
        running = asyncio.create_task(connection.run(self._received))
        if probation_s:
            try:
                async with asyncio.timeout(probation_s):
                    await asyncio.shield(running)  # raises the reason
            except TimeoutError:
                pass  # it has lasted
            except BaseException:
                running.cancel()
                await asyncio.gather(running, connection.close(), return_exceptions=True)
                raise
        self.current = connection
        self._post(connection.opened_event)
        preparing = asyncio.create_task(self._prepare_handover(connection.session.expires_at))
        checking = asyncio.create_task(self._check_after_sleep(connection))
        releasing = asyncio.create_task(self._release.wait())
        tasks = [running, preparing, checking, releasing]
        try:
            while True:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    await running  # raises the reason
                if checking.done():
                    await checking  # raises the reason
                if releasing.done():
                    raise CloseReason(self._release_reason)
                await preparing
                if self._spare is not None and self._quiet.is_set():
                    break
                # Somebody began to speak before this task was resumed.
                tasks.remove(preparing)
                preparing = asyncio.create_task(self._wait_for_quiet())
                tasks.append(preparing)
        except (CloseReason, asyncio.CancelledError):
            await connection.close()
            raise
        finally:
            self.current, self._cut_replies = None, connection.unfinished_replies()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # Taken after all waiting: a cancellation would lose it, and `run` closes a spare one.
        successor, self._spare = self._spare, None
        assert successor is not None, "it was there, and only this task takes it"
        return successor

    def _received(self, incoming: Incoming) -> None:
        if isinstance(incoming, e.ResponseDone) and incoming.status == "completed":
            self._backoff.reply_completed()
        self._on_incoming(incoming)

    async def _check_after_sleep(self, connection: Connection) -> None:
        """Raises `CloseReason` where the connection is dead after a sleep of this machine."""
        while True:
            await wait_for_wake(self._timeouts.sleep_check_s)
            await connection.check_alive(self._timeouts.alive_s)

    async def _prepare_handover(self, expires_at: float | None) -> None:
        """Opens the spare connection in time before `expires_at`, then waits until it is quiet.

        An attempt that failed is repeated as long as this connection lasts.
        """
        if expires_at is None:
            await asyncio.get_running_loop().create_future()  # never
        lifetime_s = max(0.0, (expires_at or 0.0) - time.time())
        wait_s = max(lifetime_s / 2, lifetime_s - self._timeouts.handover_s)
        await wait_until(time.time() + wait_s)
        attempt = 0
        while self._spare is None:
            try:
                self._spare = await self._connect()
            except (CloseReason, TuiVoiceError):
                attempt += 1
                await asyncio.sleep(self._timeouts.retry_delay_s(attempt, 0.0, answered=True))
        await self._wait_for_quiet()

    async def _wait_for_quiet(self) -> None:
        await self._quiet.wait()
