"""A server in the middle that lets every frame through, and at one chosen step does harm.

A step is a message by its direction, its type and its number: `Step("down", "response.done", 1)`
is the first `response.done` on its way to the client. Harm is done once, right before the
message would be passed on.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Direction = Literal["up", "down"]
Harm = Literal["cut", "late cut", "garble", "stall", "delay", "1006", "1011", "1012", "1013"]
HARMS: tuple[Harm, ...] = (
    "cut",
    "late cut",
    "garble",
    "stall",
    "delay",
    "1011",
    "1012",
    "1013",
)
DELAY_S = 0.15
PassOn = Callable[[Direction, str | bytes], list[str | bytes]]
"""What is sent on in place of a frame."""


@dataclass(frozen=True)
class Step:
    direction: Direction
    type: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.direction} {self.type} {self.number}"


@dataclass
class Proxy:
    """`seen`: every step that passed, in order."""

    upstream: str
    step: Step | None = None
    harm: Harm = "cut"
    pass_on: PassOn = lambda _direction, frame: [frame]
    done: bool = False
    connections: int = 0
    seen: list[Step] = field(default_factory=list)
    url: str = ""
    stalled: list[Any] = field(default_factory=list)
    _open: list[ServerConnection] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _counts: Counter[tuple[Direction, str]] = field(default_factory=Counter)

    async def reached(self, count: int) -> None:
        """Waits until so many lines are open at once."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: len(self._open) == count)

    def cut_oldest(self) -> None:
        self._open[0].transport.abort()

    async def _serve(self, client: ServerConnection) -> None:
        self.connections += 1
        self._open.append(client)
        try:
            await self._tell()
            await self._join(client)
        finally:
            self._open.remove(client)
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _join(self, client: ServerConnection) -> None:
        assert client.request is not None
        query = client.request.path.partition("?")[2]
        async with connect(
            f"{self.upstream}?{query}", compression=None, max_size=None, max_queue=None
        ) as server:
            pumps = {
                asyncio.create_task(self._pump("up", client, server, client)),
                asyncio.create_task(self._pump("down", server, client, client)),
            }
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await client.close()

    async def _pump(
        self,
        direction: Direction,
        source: ServerConnection | ClientConnection,
        sink: ServerConnection | ClientConnection,
        client: ServerConnection,
    ) -> None:
        with suppress(ConnectionClosed):
            async for frame in source:
                step = self._count(direction, frame)
                if step == self.step and not self.done:
                    self.done = True
                    if await self._harmed(client, sink, frame):
                        return
                for message in self.pass_on(direction, frame):
                    await sink.send(message)
        # A close by the server is passed on with its words.
        if direction == "down" and source.close_code not in (None, 1006):
            await client.close(source.close_code or 1000, source.close_reason or "")

    def _count(self, direction: Direction, frame: str | bytes) -> Step:
        kind = json.loads(frame)["type"]
        self._counts[direction, kind] += 1
        step = Step(direction, kind, self._counts[direction, kind])
        self.seen.append(step)
        return step

    async def _harmed(
        self,
        client: ServerConnection,
        sink: ServerConnection | ClientConnection,
        frame: str | bytes,
    ) -> bool:
        """Whether nothing passes any more on this connection."""
        match self.harm:
            case "delay":
                await asyncio.sleep(DELAY_S)
                return False
            case "cut" | "1006":
                client.transport.abort()
            case "late cut":  # it arrives, but its answer never does
                await sink.send(frame)
                client.transport.abort()
            case "garble":
                client.transport.write(b"\xff\xff no websocket speaks so \x00")
                await client.wait_closed()
            case "stall":  # half open: nothing comes any more, not even an answer to a ping
                transport: Any = client.transport
                transport.resume_reading = lambda: None  # whatever the library wants
                transport.pause_reading()
                self.stalled.append(transport)
                await client.wait_closed()
            case code:
                await client.close(int(code), "by the proxy")
        return True


@asynccontextmanager
async def between(
    upstream: str,
    step: Step | None = None,
    harm: Harm = "cut",
    pass_on: PassOn = lambda _direction, frame: [frame],
) -> AsyncIterator[Proxy]:
    """A proxy before `upstream`; its `url` is for the client."""
    proxy = Proxy(upstream, step, harm, pass_on)
    async with serve(
        proxy._serve,
        "127.0.0.1",
        0,
        compression=None,
        max_size=None,
        max_queue=None,
        ping_interval=None,
    ) as socket:
        proxy.url = f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"
        yield proxy
        for transport in proxy.stalled:
            transport.abort()
