"""A Realtime server that meets each `response.create` as a test says: answers, refuses, stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection, serve

Send = Callable[..., Awaitable[None]]


class Request(NamedTuple):
    """One `response.create`: how many there were so far, and its `event_id`."""

    number: int
    event_id: str


Behaviour = Callable[[Send, ServerConnection, Request], Awaitable[None]]
"""What a server does with one `response.create`."""


async def answer(
    send: Send, _connection: ServerConnection, request: Request, part: str = ""
) -> None:
    """Answers in full; `part`: only up to the words, or up to the sound."""
    number = request.number
    response = {"id": f"r{number}", "object": "realtime.response", "status": "in_progress"}
    item = {"id": f"a{number}", "type": "message", "role": "assistant", "content": []}
    place = {"response_id": f"r{number}", "item_id": f"a{number}", "content_index": 0}
    place |= {"output_index": 0}
    await send("response.created", response=response)
    await send("response.output_item.added", response_id=f"r{number}", output_index=0, item=item)
    await send("conversation.item.added", item=item, previous_item_id=None)
    await send("response.output_audio_transcript.delta", **place, delta="I hear you")
    if part == "words":
        return
    await send("response.output_audio.delta", **place, delta="AAAA" * 3200)
    if part == "sound":
        return
    await send("response.output_audio.done", **place)
    await send("response.output_audio_transcript.done", **place, transcript="I hear you.")
    await send("response.done", response=response | {"status": "completed", "output": []})


async def refuse(send: Send, _connection: ServerConnection, request: Request) -> None:
    error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Not now."}
    error["event_id"] = request.event_id
    await send("error", error=error)


async def fail(send: Send, _connection: ServerConnection, request: Request) -> None:
    reason = {"type": "failed", "error": {"code": "x", "message": "No model today."}}
    response = {"id": f"r{request.number}", "object": "realtime.response", "output": []}
    await send("response.created", response=response | {"status": "in_progress"})
    await send("response.done", response=response | {"status": "failed", "status_details": reason})


async def say_nothing(_send: Send, _connection: ServerConnection, _request: Request) -> None:
    """The response never comes."""


async def stop_midway(send: Send, connection: ServerConnection, request: Request) -> None:
    await answer(send, connection, request, part="words")


async def cut_midway(send: Send, connection: ServerConnection, request: Request) -> None:
    await answer(send, connection, request, part="sound")
    await asyncio.sleep(0.05)  # it is played
    connection.transport.abort()


async def add_a_stray_item(send: Send, connection: ServerConnection, request: Request) -> None:
    stray = {"id": f"s{request.number}", "type": "message", "role": "assistant", "content": []}
    await send("conversation.item.added", item=stray, previous_item_id=None)
    await answer(send, connection, request)


@asynccontextmanager
async def scripted_server(
    *behaviours: Behaviour, items: list[dict[str, Any]] | None = None
) -> AsyncIterator[str]:
    """A server that meets each `response.create` with the next behaviour, and then with answers.

    `items`: takes the items that a client creates; images are accepted, too.
    """
    script, count = list(behaviours), [0]

    async def handle(connection: ServerConnection) -> None:
        async def send(kind: str, **fields: Any) -> None:
            await connection.send(json.dumps({"type": kind, "event_id": "e", **fields}))

        session = {"type": "realtime", "id": "s"}
        await send("session.created", session=session)
        async for frame in connection:
            event = json.loads(frame)
            match event["type"]:
                case "session.update":
                    await send("session.updated", session=session)
                case "conversation.item.create":
                    item = event["item"] | {"status": "completed"}
                    if items is not None:
                        items.append(event["item"])
                    for kind in ("conversation.item.added", "conversation.item.done"):
                        await send(kind, item=item, previous_item_id=None)
                case "response.create":
                    count[0] += 1
                    await (script.pop(0) if script else answer)(
                        send, connection, Request(count[0], event.get("event_id", ""))
                    )

    async with serve(handle, "127.0.0.1", 0, ping_interval=None) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"
