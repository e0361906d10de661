"""An OpenAI-compatible chat server that answers as a test says, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
"""Takes path and JSON body (with the API key as `key`); returns status and body."""


@asynccontextmanager
async def chat_server(answer: Answer) -> AsyncIterator[str]:
    """A server on loopback; yields its address, which ends in `/v1`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-l")),
            0,
        )
        body = json.loads(await reader.readexactly(length)) if length else {}
        body["key"] = next((h[22:] for h in head.split("\r\n") if h.startswith("Author")), "")
        status, said = answer(head.split()[1], body)
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def completion(text: str | None, **usage: Any) -> dict[str, Any]:
    """Return the body of a chat completion."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return {**whole, "choices": [choice], **({"usage": usage} if usage else {})}
