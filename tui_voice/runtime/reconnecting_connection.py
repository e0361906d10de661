"""The line to the server: opened, kept, renewed before its end, and opened again when it breaks.

A new line knows nothing of the talk. `ConnectionOpened` says that it is ready to be told; what the
conversation then wants created goes out on it before any sound does, so nothing overtakes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.close_reasons import CloseReason
from tui_voice.realtime.link import Target
from tui_voice.realtime.profile import Profile
from tui_voice.realtime.replies import Heard
from tui_voice.runtime.backoff import Backoff
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.sleep_detection import until, woken
from tui_voice.runtime.timeouts import ConnectionTimeouts


class Line:
    """`target` may start a server; `adapter` makes a fresh one; `hear` gets what the server says,
    `post` what happens to the line.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        target: Callable[[], Awaitable[Target]],
        adapter: Callable[[], Adapter],
        hear: Callable[[Heard], None],
        post: Callable[[e.Event], None],
        patience: ConnectionTimeouts | None = None,
    ) -> None:
        self._profile = profile
        self._target = target
        self._adapter = adapter
        self._hear = hear
        self._post = post
        self._patience = patience or ConnectionTimeouts()
        self._quiet = asyncio.Event()
        self._retry = asyncio.Event()
        self._spare: Connection | None = None  # opened ahead of the end of the other
        self._cut: tuple[str, ...] = ()  # replies that the end of the last line cut off
        self._closing: set[asyncio.Task[None]] = set()
        self.connection: Connection | None = None
        self.retry_at: float | None = None
        """When (`time.monotonic()`) the next try is, while one is waited for."""

    async def run(self) -> None:
        """Until cancelled. After an end that trying again would not mend it waits for
        `retry_now`.
        """
        outage = Backoff(self._patience)
        try:
            while True:
                try:
                    connection = await self._open(outage)
                    outage.opened()
                    await self._hold(connection)
                except CloseReason as end:
                    reason = end
                except TuiVoiceError as error:
                    reason = CloseReason(str(error), fatal=True, hint=error.hint)
                delay, news = outage.failed(reason, spare=self._spare is not None)
                self._retry.clear()
                if news:
                    self._post(
                        e.ConnectionLost(
                            reason=reason.reason,
                            code=reason.code,
                            hint=reason.hint,
                            retry_in=delay,
                            cut=self._cut,
                        )
                    )
                self._cut = ()
                await self._until_retry(delay)
        finally:
            if self._spare is not None:
                await self._spare.close()
            await asyncio.gather(*self._closing, return_exceptions=True)

    async def _until_retry(self, delay: float | None) -> None:
        """Until it is time, or the user asks, or the machine wakes up, which is a new beginning."""
        self.retry_at = None if delay is None else time.monotonic() + delay
        asked = asyncio.create_task(self._retry.wait())
        woke = asyncio.create_task(woken(self._patience.tick))
        try:
            waited = {asked} if delay is None else {asked, woke}
            await asyncio.wait(waited, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.retry_at = None
            asked.cancel()
            woke.cancel()
            await asyncio.gather(asked, woke, return_exceptions=True)

    def retry_now(self) -> None:
        """The user does not want to wait."""
        self._retry.set()

    def quiet(self, is_quiet: bool) -> None:
        """Whether now is a good moment to change lines: nobody speaks, nothing is pending."""
        if is_quiet:
            self._quiet.set()
        else:
            self._quiet.clear()

    async def _open(self, outage: Backoff) -> Connection:
        if outage.tells_opening:
            self._post(e.ConnectionOpening())
        spare, self._spare = self._spare, None
        return spare or await self._connect(outage.open_s)

    async def _connect(self, open_s: float | None = None) -> Connection:
        target = await self._target()
        adapter = self._adapter()
        return await Connection.connect(target, self._profile, adapter, self._patience, open_s)

    async def _hold(self, connection: Connection) -> None:
        """Uses it, and in time another in its place, until it breaks: raises `CloseReason`."""
        if connection.plain:
            self._post(
                e.Noticed(
                    text="The server did not take reasoning effort, noise reduction or language: "
                    "the talk goes on without them."
                )
            )
        while True:
            fresh = await self._until_renewed(connection)
            closing = asyncio.create_task(connection.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            connection = fresh
            self._post(e.Noticed(text="The server session was renewed before its end."))

    async def _until_renewed(self, connection: Connection) -> Connection:
        self.connection = connection
        self._post(connection.opened)
        running = asyncio.create_task(connection.run(self._hear))
        renewing = asyncio.create_task(self._renew(connection.opened.expires_at))
        proving = asyncio.create_task(self._prove(connection))
        try:
            while True:
                await asyncio.wait(
                    {running, renewing, proving}, return_when=asyncio.FIRST_COMPLETED
                )
                if running.done():
                    await running  # raises why
                if proving.done():
                    await proving
                await renewing
                if self._spare is not None and self._quiet.is_set():
                    fresh, self._spare = self._spare, None
                    return fresh
                renewing = asyncio.create_task(self._until_quiet())  # somebody was faster
        except CloseReason:
            await connection.close()
            raise
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            self.connection, self._cut = None, connection.adapter.unfinished()
            for task in (running, renewing, proving):
                task.cancel()
            await asyncio.gather(running, renewing, proving, return_exceptions=True)

    async def _prove(self, connection: Connection) -> None:
        """After each sleep of the machine: raises `CloseReason` if the connection is dead."""
        while True:
            await woken(self._patience.tick)
            await connection.prove(self._patience.probe)

    async def _renew(self, expires_at: float | None) -> None:
        """Waits for the end of the server session to come near, opens a spare line, then waits
        for a silence. A try that failed is repeated as long as there is a talk.
        """
        if expires_at is None:
            await asyncio.get_running_loop().create_future()  # never
        lifetime = max(0.0, (expires_at or 0.0) - time.time())
        await until(time.time() + max(lifetime / 2, lifetime - self._patience.rollover))
        attempt = 0
        while self._spare is None:
            try:
                self._spare = await self._connect()
            except (CloseReason, TuiVoiceError):
                attempt += 1
                await asyncio.sleep(self._patience.back_off(attempt, 0.0, told=True))
        await self._until_quiet()

    async def _until_quiet(self) -> None:
        await self._quiet.wait()
