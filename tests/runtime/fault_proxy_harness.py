"""A proxy between client and server that causes one fault at one chosen message.

A step names the message by direction, type and number: `Step("down", "response.done", 1)` is the
first `response.done` on its way to the client. The fault happens once, right before that message
would be passed on; all other messages pass unchanged.
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

from tests.patience_harness import patience

Direction = Literal["up", "down"]
Fault = Literal[
    "cut",
    "late cut",
    "garble",
    "stall",
    "delay",
    "1006",
    "1011",
    "1012",
    "1013",
    "double",
    "drop",
    "reorder",
    "spoil",
]
FAULTS: tuple[Fault, ...] = (
    "cut",
    "late cut",
    "garble",
    "stall",
    "delay",
    "1011",
    "1012",
    "1013",
)
"""`cut`: the TCP connection is aborted before the message arrives; `late cut`: right after it.
`garble`: bytes that are no WebSocket frame. `stall`: nothing passes any more. `delay`: the message
arrives `DELAY_S` later. A number: the server's close code.
"""
MESSAGE_FAULTS: tuple[Fault, ...] = ("drop", "double", "reorder", "spoil")
"""Faults of one message on a connection that lasts. `drop`: the message never arrives. `double`: it
arrives twice. `reorder`: it arrives after the next one of its direction. `spoil`: half of it
arrives, which is no JSON.
"""
DELAY_S = 0.15
PassOn = Callable[[Direction, str | bytes], list[str | bytes]]
"""Returns the frames that are sent on in place of one frame."""


@dataclass(frozen=True)
class Step:
    """The message number `number` of its type; `up` is from client to server."""

    direction: Direction
    type: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.direction} {self.type} {self.number}"


@dataclass
class FaultProxy:
    """`seen`: every message that passed, in order. `done`: the fault has happened."""

    upstream: str
    step: Step | None = None
    fault: Fault = "cut"
    pass_on: PassOn = lambda _direction, frame: [frame]
    done: bool = False
    connections: int = 0
    seen: list[Step] = field(default_factory=list)
    url: str = ""
    stalled: list[Any] = field(default_factory=list)
    _held: dict[Direction, str | bytes] = field(default_factory=dict)
    _open: list[ServerConnection] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _counts: Counter[tuple[Direction, str]] = field(default_factory=Counter)

    async def reached(self, count: int) -> None:
        """Waits until so many connections are open at once."""
        async with asyncio.timeout(patience(30)), self._changed:
            await self._changed.wait_for(lambda: len(self._open) == count)

    def cut_oldest(self) -> None:
        """Ends the connection that was opened first, as a network failure does."""
        self._open[0].transport.abort()

    def cut_all(self) -> None:
        """Ends all connections; while the client replaces a connection, it has two."""
        for connection in self._open:
            connection.transport.abort()

    async def handle(self, client: ServerConnection) -> None:
        self.connections += 1
        self._open.append(client)
        try:
            await self._notify()
            await self._join(client)
        finally:
            self._open.remove(client)
            await self._notify()

    async def _notify(self) -> None:
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
                frames = [frame]
                if step == self.step and not self.done:
                    self.done = True
                    if self.fault in MESSAGE_FAULTS:
                        frames = self._changed_frames(direction, frame)
                    elif await self._cause_fault(client, sink, frame):
                        return
                elif direction in self._held:
                    frames = [frame, self._held.pop(direction)]
                for one in frames:
                    for message in self.pass_on(direction, one):
                        await sink.send(message)
        # A close by the server is passed on with its code and reason.
        if direction == "down" and source.close_code not in (None, 1006):
            await client.close(source.close_code or 1000, source.close_reason or "")

    def _changed_frames(self, direction: Direction, frame: str | bytes) -> list[str | bytes]:
        """Returns what is sent now in place of the frame with the fault."""
        match self.fault:
            case "double":
                return [frame, frame]
            case "spoil":
                return [frame[: len(frame) // 2]]
            case "reorder":
                self._held[direction] = frame
        return []

    def _count(self, direction: Direction, frame: str | bytes) -> Step:
        kind = json.loads(frame)["type"]
        self._counts[direction, kind] += 1
        step = Step(direction, kind, self._counts[direction, kind])
        self.seen.append(step)
        return step

    async def _cause_fault(
        self,
        client: ServerConnection,
        sink: ServerConnection | ClientConnection,
        frame: str | bytes,
    ) -> bool:
        """Returns whether the connection is unusable after the fault."""
        match self.fault:
            case "delay":
                await asyncio.sleep(DELAY_S)
                return False
            case "cut" | "1006":
                client.transport.abort()
            case "late cut":  # the message arrives, but its answer never does
                await sink.send(frame)
                client.transport.abort()
            case "garble":
                client.transport.write(b"\xff\xff this is no WebSocket frame \x00")
                await client.wait_closed()
            case "stall":  # half open: nothing is read any more, not even a ping is answered
                transport: Any = client.transport
                transport.resume_reading = lambda: None  # the library must not resume it
                transport.pause_reading()
                self.stalled.append(transport)
                await client.wait_closed()
            case code:
                await client.close(int(code), "by the proxy")
        return True


@asynccontextmanager
async def fault_proxy(
    upstream: str,
    step: Step | None = None,
    fault: Fault = "cut",
    pass_on: PassOn = lambda _direction, frame: [frame],
    process_request: Any = None,
) -> AsyncIterator[FaultProxy]:
    """Runs a proxy in front of `upstream`; the client connects to its `url`. `process_request`: as
    in `websockets.serve`; it may refuse the handshake.
    """
    proxy = FaultProxy(upstream, step, fault, pass_on)
    async with serve(
        proxy.handle,
        "127.0.0.1",
        0,
        compression=None,
        max_size=None,
        max_queue=None,
        ping_interval=None,
        process_request=process_request,
    ) as socket:
        proxy.url = f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"
        yield proxy
        for transport in proxy.stalled:
            transport.abort()
