"""Servers on the loopback interface, each with another fault, and why they cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tui_voice.protocol.close_reason import CloseReason
from tui_voice.realtime.transport import ServerAddress, WebSocketTransport

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def websocket(handler: Handler, **options: object) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, **options) as server:  # type: ignore[arg-type]  # passed on
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"


@asynccontextmanager
async def plain_tcp(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"


OPENAI_HINT = "Check OPENAI_API_KEY, or talk offline."


def address(url: str, key_hint: str = OPENAI_HINT) -> ServerAddress:
    return ServerAddress(url, {"Authorization": "Bearer sk-secret"}, key_hint)


async def refusal(
    address: ServerAddress, open_timeout_s: float = 10, ping_s: float = 10
) -> CloseReason:
    """Returns why the server cannot be reached; the key must not be in it."""
    with pytest.raises(CloseReason) as caught:
        await WebSocketTransport.open(address, open_timeout_s, ping_s)
    end = caught.value
    assert "sk-secret" not in f"{end} {end.hint}"
    assert str(end) == end.reason
    return end


async def idle(connection: ServerConnection) -> None:
    await connection.wait_closed()
