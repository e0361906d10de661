"""A wire between the app and the server that lets a test look at the server's conversation.

What the app and the server tell each other passes unchanged; questions of the test's own go to the
server on the same connection, and their answers do not reach the app.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class Serve:
    """`tui-voice serve --port 0 ARGUMENTS`, until closed."""

    def __init__(self, env: Mapping[str, str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tui_voice", "serve", "--port", "0"),
                *("--exit-on-stdin-eof", *arguments),
            ],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        """The address, as it is printed once it accepts."""

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Tap:
    """Listens at `url`, connects each caller to `server`."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._questions = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._upstream: Any = None
        self._order: list[str] = []
        self._ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()
        self.url = self._ready.result(20)

    def retrieve(self, item_id: str) -> dict[str, Any]:
        """`conversation.item.retrieved`, or the `error`, that the server answers with."""
        return asyncio.run_coroutine_threadsafe(self._ask(item_id), self._loop).result(20)

    def first(self) -> str:
        """The item that stands first in the server's conversation now, as its own events tell:
        each says behind which other an item was put.
        """
        return self._order[0]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)

    async def _ask(self, item_id: str) -> dict[str, Any]:
        self._questions += 1
        event_id = f"tap:{self._questions}"
        answer = asyncio.get_running_loop().create_future()
        self._waiting[event_id] = self._waiting[item_id] = answer
        question = {"type": "conversation.item.retrieve", "event_id": event_id, "item_id": item_id}
        await self._upstream.send(json.dumps(question))
        try:
            return await answer
        finally:
            del self._waiting[event_id], self._waiting[item_id]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        listening: SocketServer = await serve(self._pass, "127.0.0.1", 0, max_size=None)
        port = next(iter(listening.sockets)).getsockname()[1]
        self._ready.set_result(f"ws://127.0.0.1:{port}/v1/realtime")
        await self._end.wait()
        listening.close()
        await listening.wait_closed()

    async def _pass(self, app: ServerConnection) -> None:
        query = app.request.path.partition("?")[2] if app.request else ""
        async with connect(f"{self._server}?{query}", max_size=None) as server:
            self._upstream = server
            downwards = asyncio.create_task(self._down(server, app))
            try:
                async for message in app:
                    await server.send(message)
            except ConnectionClosed:
                pass
            finally:
                downwards.cancel()

    async def _down(self, server: Any, app: ServerConnection) -> None:
        async for message in server:
            if not self._mine(message):
                await app.send(message)

    def _mine(self, message: str) -> bool:
        """Whether it answers a question of ours: by the error's event id, or the item's."""
        event = json.loads(message)
        if event["type"] == "conversation.item.added":
            before = event.get("previous_item_id")
            place = self._order.index(before) + 1 if before in self._order else 0
            self._order.insert(place, event["item"]["id"])
        elif event["type"] == "conversation.item.deleted":
            self._order.remove(event["item_id"])
        if event["type"] == "conversation.item.retrieved":
            key = event["item"]["id"]
        elif event["type"] == "error":
            key = event["error"].get("event_id")
        else:
            return False
        answer = self._waiting.get(key)
        if answer is None or answer.done():
            return False
        answer.set_result(event)
        return True
