"""A client tied to an engine in memory: no socket, the same frames."""

from __future__ import annotations

from types import TracebackType

from tui_voice.realtime.wire import decode_server, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import ServerEvent
from tui_voice.server.connection import Connection
from tui_voice.server.interfaces import Engines
from tui_voice.server.limits import Limits
from tui_voice.server.workers import Workers


class InMemoryLink:
    """`async with InMemoryLink(engines) as link: await link.send(event); async for event in link`.

    Every event is encoded and decoded on its way, so that what passes here passes a socket.
    Several links may share `workers`.
    """

    def __init__(
        self,
        engines: Engines | None = None,
        model: str = "local",
        limits: Limits | None = None,
        *,
        workers: Workers | None = None,
        transcription_only: bool = False,
    ) -> None:
        if workers is None and engines is None:
            raise ValueError("either engines or workers")
        self._engines, self._workers, self._own = engines, workers, workers is None
        self._model, self._limits = model, limits
        self._transcription_only = transcription_only
        self.connection: Connection | None = None

    async def __aenter__(self) -> InMemoryLink:
        if self._workers is None:
            assert self._engines is not None
            self._workers = Workers(self._engines)
        self.connection = Connection(
            self._workers, self._model, self._limits, self._transcription_only
        )
        self.connection.equip()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.connection is not None
        assert self._workers is not None
        self.connection.end()
        if self._own:
            self._workers.close()

    async def send(self, event: ClientEvent) -> None:
        await self.send_raw(encode(event))

    async def send_raw(self, frame: bytes | str) -> None:
        """A frame as it is, which may be wrong."""
        assert self.connection is not None, "inside `async with` only"
        await self.connection.receive(frame)

    async def receive(self) -> ServerEvent:
        """The next event. Raises `StopAsyncIteration` when the server closed the connection."""
        return await self.__anext__()

    def __aiter__(self) -> InMemoryLink:
        return self

    async def __anext__(self) -> ServerEvent:
        assert self.connection is not None, "inside `async with` only"
        frame = await self.connection.next_frame()
        if frame is None:
            raise StopAsyncIteration
        return decode_server(frame)
