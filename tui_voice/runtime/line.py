"""The line to the server: opened, configured, read, kept, and opened again when it breaks.

A new line knows nothing of the talk. `LinkOpened` says that it is ready to be told; what the
conversation then wants created goes out on it before any sound does, so nothing overtakes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from websockets import ConnectionClosed

from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.link import Link, LinkEnd, Target, explain_close
from tui_voice.realtime.profile import Profile, configure
from tui_voice.realtime.replies import Heard
from tui_voice.realtime.wire import ClientEvent, decode_server, encode, server
from tui_voice.runtime.outbox import Outbox

FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 15.0
CONFIGURE_TIMEOUT_S = 15.0
ROLLOVER_BEFORE_S = 300.0
"""A server session is left so long before its own end, at the first silence."""


def back_off(attempt: int) -> float:
    """Seconds before try number `attempt` (0 is the first): doubling, capped, with full jitter
    on the upper half, so that many clients do not come back at once.
    """
    delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempt, 10))
    return float(delay * (0.5 + random.random() / 2))


class Connection:
    """One configured connection: its socket, its adapter, what waits to be sent on it."""

    def __init__(self, link: Link, adapter: Adapter) -> None:
        self.link = link
        self.adapter = adapter
        self.outbox = Outbox()
        self.opened: e.LinkOpened | None = None

    async def set_up(self, profile: Profile) -> e.LinkOpened:
        """Waits for `session.created` and our `session.updated`. A server that refuses what only
        some models know (reasoning, noise reduction) is asked again without it.
        """
        plain = False
        session_id, expires_at = "", None
        async for frame in self.link.frames():
            event = decode_server(frame)
            match event:
                case (
                    server.SessionCreated(session=session) | server.SessionUpdated(session=session)
                ):
                    session_id = session.id if isinstance(session.id, str) else session_id
                    if isinstance(session.expires_at, int):
                        expires_at = float(session.expires_at)
                    if isinstance(event, server.SessionUpdated):
                        break
                    await self.link.send(encode(configure(profile)))
                case server.Error(error=error):
                    self.adapter.fatal = error
                    if error.event_id == "update" and not plain:
                        plain = True
                        await self.link.send(encode(configure(profile.plain())))
                    elif error.event_id == "update":
                        raise LinkEnd(
                            f"the server refused our settings: {error.message}",
                            fatal=True,
                            hint="Look at them with `tui-voice config show`.",
                        )
        self.opened = e.LinkOpened(
            server_session_id=session_id, model=profile.model, expires_at=expires_at
        )
        return self.opened

    async def write(self) -> None:
        while True:
            await self.link.send(await self.outbox.get())

    def send(self, event: ClientEvent) -> None:
        self.outbox.put(encode(event))


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
    ) -> None:
        self._profile = profile
        self._target = target
        self._adapter = adapter
        self._hear = hear
        self._post = post
        self._quiet = asyncio.Event()
        self._retry = asyncio.Event()
        self.connection: Connection | None = None

    async def run(self) -> None:
        """Until cancelled, or until an end after which trying again is of no use."""
        attempt = 0
        while True:
            try:
                connection = await self._open()
                attempt = 0
                await self._serve(connection)
                continue
            except LinkEnd as end:
                reason = end
            except TuiVoiceError as error:
                reason = LinkEnd(str(error), fatal=True, hint=error.hint)
            delay = None if reason.fatal else back_off(attempt)
            self._lost(reason, delay)
            self._retry.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._retry.wait(), delay)
            attempt += 1

    def retry_now(self) -> None:
        """The user does not want to wait."""
        self._retry.set()

    def quiet(self, is_quiet: bool) -> None:
        """Whether now is a good moment to change lines: nobody speaks, nothing is pending."""
        if is_quiet:
            self._quiet.set()
        else:
            self._quiet.clear()

    def _lost(self, end: LinkEnd, delay: float | None) -> None:
        self.connection = None
        self._post(e.LinkLost(reason=end.reason, code=end.code, hint=end.hint, retry_in=delay))

    async def _open(self) -> Connection:
        self._post(e.LinkOpening())
        return await self._connect()

    async def _connect(self) -> Connection:
        target = await self._target()
        connection = Connection(await Link.open(target), self._adapter())
        try:
            async with asyncio.timeout(CONFIGURE_TIMEOUT_S):
                await connection.set_up(self._profile)
        except TimeoutError:
            await connection.link.close()
            raise LinkEnd(f"{target.place} opened a line and then said nothing") from None
        except ConnectionClosed as error:
            raise self._explained(error, connection.adapter) from None
        except BaseException:
            await connection.link.close()
            raise
        return connection

    async def _serve(self, connection: Connection) -> None:
        """Reads and writes until the line breaks (raises `LinkEnd`) or is rolled over."""
        fresh: Connection | None = connection
        while fresh is not None:
            connection, fresh = fresh, None
            assert connection.opened is not None  # set up before
            writing = asyncio.create_task(connection.write())
            reading = asyncio.create_task(self._read(connection))
            rolling = asyncio.create_task(self._roll_over(connection))
            self.connection = connection
            self._post(connection.opened)
            tasks = {writing, reading, rolling}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if reading.done() or writing.done():
                    await (reading if reading.done() else writing)
                fresh = await rolling
                self._post(e.Noticed(text="The server session was renewed before its end."))
            except ConnectionClosed as error:
                raise self._explained(error, connection.adapter) from None
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await connection.link.close()

    async def _read(self, connection: Connection) -> None:
        async for frame in connection.link.frames():
            for heard in connection.adapter.receive(decode_server(frame)):
                self._hear(heard)

    async def _roll_over(self, connection: Connection) -> Connection:
        """Waits for the end of the server session to come near, then for a silence, and has a
        second connection ready. A failed try is repeated as long as there is time.
        """
        assert connection.opened is not None
        expires_at = connection.opened.expires_at
        if expires_at is None:
            await asyncio.Event().wait()
            raise AssertionError  # never: the event is never set
        lifetime = max(0.0, expires_at - time.time())
        await asyncio.sleep(max(lifetime / 2, lifetime - ROLLOVER_BEFORE_S))
        while True:
            try:
                fresh = await self._connect()
            except (LinkEnd, TuiVoiceError):
                await asyncio.sleep(back_off(6))
                continue
            await self._quiet.wait()
            return fresh

    def _explained(self, error: ConnectionClosed, adapter: Adapter) -> LinkEnd:
        last = adapter.fatal
        return explain_close(error, (last.code or "") if last else "", last.message if last else "")
