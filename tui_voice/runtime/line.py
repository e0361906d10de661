"""The line to the server: opened, kept, renewed before its end, and opened again when it breaks.

A new line knows nothing of the talk. `LinkOpened` says that it is ready to be told; what the
conversation then wants created goes out on it before any sound does, so nothing overtakes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.ends import LinkEnd
from tui_voice.realtime.link import Target
from tui_voice.realtime.profile import Profile
from tui_voice.realtime.replies import Heard
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.patience import Patience


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
        patience: Patience | None = None,
    ) -> None:
        self._profile = profile
        self._target = target
        self._adapter = adapter
        self._hear = hear
        self._post = post
        self._patience = patience or Patience()
        self._quiet = asyncio.Event()
        self._retry = asyncio.Event()
        self._spare: Connection | None = None  # opened ahead of the end of the other
        self._closing: set[asyncio.Task[None]] = set()
        self.connection: Connection | None = None

    async def run(self) -> None:
        """Until cancelled. After an end that trying again would not mend it waits for
        `retry_now`.
        """
        attempt, broken_at = 0, time.monotonic()
        try:
            while True:
                opened_at = None
                try:
                    connection = await self._open()
                    opened_at = time.monotonic()
                    await self._hold(connection)
                except LinkEnd as end:
                    reason = end
                except TuiVoiceError as error:
                    reason = LinkEnd(str(error), fatal=True, hint=error.hint)
                now = time.monotonic()
                if opened_at is not None:
                    broken_at = now
                    attempt = 0 if now - opened_at >= self._patience.proven else attempt
                delay = self._delay(reason, attempt, now - broken_at)
                self._post(
                    e.LinkLost(
                        reason=reason.reason, code=reason.code, hint=reason.hint, retry_in=delay
                    )
                )
                self._retry.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._retry.wait(), delay)
                attempt += 1
        finally:
            if self._spare is not None:
                await self._spare.close()
            await asyncio.gather(*self._closing, return_exceptions=True)

    def retry_now(self) -> None:
        """The user does not want to wait."""
        self._retry.set()

    def quiet(self, is_quiet: bool) -> None:
        """Whether now is a good moment to change lines: nobody speaks, nothing is pending."""
        if is_quiet:
            self._quiet.set()
        else:
            self._quiet.clear()

    def _delay(self, reason: LinkEnd, attempt: int, outage: float) -> float | None:
        if reason.fatal:
            return None
        if self._spare is not None:
            return 0.0
        return self._patience.back_off(attempt, outage, told=reason.code is not None)

    async def _open(self) -> Connection:
        self._post(e.LinkOpening())
        spare, self._spare = self._spare, None
        return spare or await self._connect()

    async def _connect(self) -> Connection:
        target = await self._target()
        return await Connection.connect(target, self._profile, self._adapter(), self._patience)

    async def _hold(self, connection: Connection) -> None:
        """Uses it, and in time another in its place, until the line breaks: raises `LinkEnd`."""
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
        try:
            while True:
                await asyncio.wait({running, renewing}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    await running  # raises why
                await renewing
                if self._spare is not None and self._quiet.is_set():
                    fresh, self._spare = self._spare, None
                    return fresh
                renewing = asyncio.create_task(self._until_quiet())  # somebody was faster
        except LinkEnd:
            await connection.close()
            raise
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            self.connection = None
            running.cancel()
            renewing.cancel()
            await asyncio.gather(running, renewing, return_exceptions=True)

    async def _renew(self, expires_at: float | None) -> None:
        """Waits for the end of the server session to come near, opens a spare line, then waits
        for a silence. A try that failed is repeated as long as there is a talk.
        """
        if expires_at is None:
            await asyncio.get_running_loop().create_future()  # never
        lifetime = max(0.0, (expires_at or 0.0) - time.time())
        await asyncio.sleep(max(lifetime / 2, lifetime - self._patience.rollover))
        attempt = 0
        while self._spare is None:
            try:
                self._spare = await self._connect()
            except (LinkEnd, TuiVoiceError):
                attempt += 1
                await asyncio.sleep(self._patience.back_off(attempt, 0.0, told=True))
        await self._until_quiet()

    async def _until_quiet(self) -> None:
        await self._quiet.wait()
