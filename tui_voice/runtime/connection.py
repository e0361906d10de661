"""One connection to a server: opened, configured, and what waits to be sent on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets import ConnectionClosed

from tui_voice.conversation import events as e
from tui_voice.realtime import close_reasons
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.close_reasons import CloseReason
from tui_voice.realtime.link import Link, Target
from tui_voice.realtime.profile import Profile, configure
from tui_voice.realtime.replies import Again, Heard
from tui_voice.realtime.wire import ClientEvent, decode_server, encode, server
from tui_voice.runtime.outbox import Outbox
from tui_voice.runtime.timeouts import ConnectionTimeouts


class Connection:
    """See `connect`. `opened`: the fact that it is ready. `plain`: the server did not take all
    that was asked of it, so that only the essential is in force.
    """

    def __init__(self, link: Link, adapter: Adapter, key_hint: str) -> None:
        self.adapter = adapter
        self.opened = e.ConnectionOpened()
        self.plain = False
        self._link = link
        self._key_hint = key_hint
        self._outbox = Outbox()

    @classmethod
    async def connect(
        cls,
        target: Target,
        profile: Profile,
        adapter: Adapter,
        patience: ConnectionTimeouts,
        open_s: float | None = None,
    ) -> Connection:
        """`open_s`: how long it may take instead of `patience.open`. Raises `CloseReason` with why
        there is no line.
        """
        link = await Link.open(target, open_s or patience.open, patience.ping)
        connection = cls(link, adapter, target.key_hint)
        try:
            async with asyncio.timeout(patience.configure):
                await connection._configure(profile)
        except TimeoutError:
            await link.close()
            error = adapter.last_error
            raise CloseReason(
                (error.message if error else "")
                or f"{target.place} opened a line and then said nothing"
            ) from None
        except ConnectionClosed as closed:
            raise connection._end(closed) from None
        except BaseException:
            await link.close()
            raise
        return connection

    async def _configure(self, profile: Profile) -> None:
        """Waits for `session.created` and our `session.updated`. A server that refuses what only
        some models know (reasoning, noise reduction) is asked again without it.
        """
        session_id, expires_at = "", None
        while True:
            event = decode_server(await self._link.receive())
            match event:
                case (
                    server.SessionCreated(session=session) | server.SessionUpdated(session=session)
                ):
                    session_id = session.id if isinstance(session.id, str) else session_id
                    if isinstance(session.expires_at, int):
                        expires_at = float(session.expires_at)
                    if isinstance(event, server.SessionUpdated):
                        self.opened = e.ConnectionOpened(
                            server_session_id=session_id,
                            model=profile.model,
                            expires_at=expires_at,
                        )
                        return
                    await self._link.send(encode(configure(profile)))
                case server.Error(error=error):
                    self.adapter.last_error = error
                    if _about_settings(error):
                        await self._refused(profile, error)

    async def _refused(self, profile: Profile, error: server.ErrorDetail) -> None:
        if self.plain:
            raise CloseReason(
                f"the server refused our settings: {error.message}",
                fatal=True,
                hint="Look at them with `tui-voice config show`.",
            )
        self.plain = True
        await self._link.send(encode(configure(profile.plain())))

    @property
    def dropped(self) -> int:
        """Frames of sound that the line was too slow for."""
        return self._outbox.dropped

    def send(self, event: ClientEvent, *, sound: bool = False) -> None:
        """Queues one message; sound that has waited too long is left out."""
        self._outbox.put(encode(event), sound=sound)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        """Reads and writes until cancelled, or until the line breaks: raises `CloseReason`."""
        writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read(hear))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            # What has come is read to its end before a failure to write is believed: the
            # server's last words say why.
            if not reading.done():
                await asyncio.wait({reading}, timeout=1)
            await (reading if reading.done() else writing)
        except ConnectionClosed as closed:
            raise self._end(closed) from None
        finally:
            writing.cancel()
            reading.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)

    async def prove(self, within_s: float) -> None:
        """Raises `CloseReason` where the other end does not answer in time."""
        try:
            if await self._link.lives(within_s):
                return
        except ConnectionClosed as closed:
            raise self._end(closed) from None
        raise CloseReason("the line did not outlive the machine's sleep")

    async def close(self) -> None:
        await self._link.close()

    async def _write(self) -> None:
        while True:
            await self._link.send(await self._outbox.get())

    async def _read(self, hear: Callable[[Heard], None]) -> None:
        while True:
            for heard in self.adapter.receive(decode_server(await self._link.receive())):
                if isinstance(heard, Again):
                    for message in heard.messages:
                        self.send(message)
                else:
                    hear(heard)

    def _end(self, closed: ConnectionClosed) -> CloseReason:
        last = self.adapter.last_error
        code, message = (last.code or "", last.message) if last else ("", "")
        return close_reasons.closed(closed, self._key_hint, code, message)


def _about_settings(error: server.ErrorDetail) -> bool:
    """Whether it answers our `session.update`, also where it does not give its id back."""
    named = error.event_id == "update"
    return named or (error.event_id is None and (error.param or "").startswith("session"))
