"""One open connection: reads, writes, and the queue of frames that wait to be written.

It works with any `ProtocolClient` and does not know its wire format.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_voice.conversation import events as e
from tui_voice.protocol.client import ProtocolClient, ServerSessionInfo
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import Incoming, Outgoing, Resend
from tui_voice.runtime.outbox import Outbox
from tui_voice.runtime.timeouts import ConnectionTimeouts

LAST_MESSAGES_S = 1.0
"""Seconds that reading continues after a write has failed: the last messages may say why."""


class Connection:
    """A connection to a configured server session; made by `open`."""

    def __init__(self, client: ProtocolClient, session: ServerSessionInfo) -> None:
        self.session = session
        self._client = client
        self._outbox = Outbox()

    @classmethod
    async def open(
        cls,
        client: ProtocolClient,
        timeouts: ConnectionTimeouts,
        open_timeout_s: float | None = None,
    ) -> Connection:
        """Opens and configures `client`. `open_timeout_s`: instead of `timeouts.open_s`.

        Raises `CloseReason` where that fails; then everything is closed again.
        """
        await client.open(open_timeout_s or timeouts.open_s, timeouts.ping_s)
        try:
            return cls(client, await client.configure(timeouts.configure_s))
        except BaseException as error:
            if isinstance(error, CloseReason):
                error.answered = True
            await client.close()
            raise

    @property
    def opened_event(self) -> e.ConnectionOpened:
        """The event that says that the connection is ready."""
        return e.ConnectionOpened(
            server_session_id=self.session.server_session_id,
            model=self.session.model,
            expires_at=self.session.expires_at,
        )

    @property
    def dropped_frames(self) -> int:
        """Audio frames that were left out because the connection was too slow."""
        return self._outbox.dropped_frames

    def send(self, outgoing: Outgoing) -> None:
        """Queues the messages that carry this out."""
        for frame in self._client.encode(outgoing):
            self._outbox.put(frame)

    def append_audio(self, pcm: bytes) -> e.Event | None:
        """Queues audio of the microphone. Returns, about once a second of speech, an event with
        the length of the turn so far.
        """
        frame, grew = self._client.encode_audio(pcm)
        self._outbox.put(frame, audio=True)
        return grew

    async def run(self, on_incoming: Callable[[Incoming], None]) -> None:
        """Reads and writes until it is cancelled or the connection ends: raises `CloseReason`."""
        writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read(on_incoming))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await asyncio.wait({reading}, timeout=LAST_MESSAGES_S)
            await (reading if reading.done() else writing)
        finally:
            writing.cancel()
            reading.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)

    async def check_alive(self, timeout_s: float) -> None:
        """Raises `CloseReason` where the server does not answer in time."""
        await self._client.check_alive(timeout_s)

    def unfinished_replies(self) -> tuple[str, ...]:
        """Returns the ids of reply items of which some audio, but not the last, has come."""
        return self._client.unfinished_replies()

    async def close(self) -> None:
        await self._client.close()

    async def _write(self) -> None:
        while True:
            await self._client.write(await self._outbox.get())

    async def _read(self, on_incoming: Callable[[Incoming], None]) -> None:
        while True:
            for incoming in await self._client.receive():
                if isinstance(incoming, Resend):
                    self.send(incoming.effect)
                else:
                    on_incoming(incoming)
