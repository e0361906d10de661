"""A client that is connected to a `ClientConnection` in memory: no socket, but the same frames."""

from __future__ import annotations

from types import TracebackType

from tui_voice.realtime.wire import decode_server, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import ServerEvent
from tui_voice.server.client_connection import ClientConnection
from tui_voice.server.limits import SessionLimits
from tui_voice.server.workers import EngineWorkers


class InMemoryClient:
    """Use: `async with InMemoryClient(workers) as client: await client.send(event)`, then
    `async for event in client`.

    Every event is encoded and decoded on its way, as over a socket.
    """

    def __init__(
        self, workers: EngineWorkers, model: str = "local", limits: SessionLimits | None = None
    ) -> None:
        self._workers, self._model, self._limits = workers, model, limits
        self._connection: ClientConnection | None = None

    @property
    def connection(self) -> ClientConnection:
        assert self._connection is not None, "inside `async with` only"
        return self._connection

    async def __aenter__(self) -> InMemoryClient:
        self._connection = ClientConnection(self._workers, self._model, self._limits)
        self._connection.prepare_engines()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.end()

    async def send(self, event: ClientEvent) -> None:
        await self.send_frame(encode(event))

    async def send_frame(self, frame: bytes | str) -> None:
        """Sends a frame that may be no event at all."""
        await self.connection.receive(frame)

    async def receive(self) -> ServerEvent:
        """Returns the next event; raises `StopAsyncIteration` when the server has closed."""
        return await self.__anext__()

    def __aiter__(self) -> InMemoryClient:
        return self

    async def __anext__(self) -> ServerEvent:
        frame = await self.connection.next_frame()
        if frame is None:
            raise StopAsyncIteration
        return decode_server(frame)
