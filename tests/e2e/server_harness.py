"""Servers in a process or a thread, and a proxy that can inspect the conversation of one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.runtime.session_harness import toy_server


@contextmanager
def running(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Runs the server in a thread; the value is its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()

    def result_of(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    async def end_all_tasks() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        with ExitStack() as stack:
            url = result_of(server.__aenter__())
            stack.callback(lambda: result_of(end_all_tasks()))
            stack.callback(lambda: result_of(server.__aexit__(None, None, None)))
            yield url
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@asynccontextmanager
async def accepting_server(key: str) -> AsyncIterator[str]:
    """Accepts clients with the key, and replies with the user's words."""
    async with toy_server(api_key=key) as server:
        yield server.url


class ServerProcess:
    """`tui-voice serve --port 0 --speech-on-demand ARGUMENTS`, until it is closed."""

    def __init__(self, env: Mapping[str, str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tui_voice", "serve", "--port", "0"),
                *("--exit-on-stdin-eof", "--speech-on-demand", *arguments),
            ],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        """The address, which the server prints as soon as it accepts connections."""

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class InspectingProxy:
    """Connects each client of `url` to `server_url`, and asks the server questions of its own.

    The messages between client and server pass unchanged, except that replies get a limit of
    tokens where there is `reply_tokens`: each token takes the small chat model 17 ms of processor
    time. The proxy sends its questions on the same connection, and keeps their answers from the
    client.
    """

    def __init__(self, server_url: str, *, reply_tokens: int | None = None) -> None:
        self._server_url, self._reply_tokens = server_url, reply_tokens
        self._loop = asyncio.new_event_loop()
        self._questions = 0
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._upstream: Any = None
        self._order: list[str] = []
        self._ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self.url = self._ready.result(20)

    def retrieve(self, item_id: str) -> dict[str, Any]:
        """Returns the server's `conversation.item.retrieved`, or its `error`."""
        return asyncio.run_coroutine_threadsafe(self._ask(item_id), self._loop).result(20)

    def first_item(self) -> str:
        """Returns the id of the first item of the server's conversation.

        The proxy derives the order from the `previous_item_id` of the server's events.
        """
        return self._order[0]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)

    async def _ask(self, item_id: str) -> dict[str, Any]:
        self._questions += 1
        event_id = f"proxy:{self._questions}"
        answer = asyncio.get_running_loop().create_future()
        self._answers[event_id] = self._answers[item_id] = answer
        question = {"type": "conversation.item.retrieve", "event_id": event_id, "item_id": item_id}
        await self._upstream.send(json.dumps(question))
        try:
            return await answer
        finally:
            del self._answers[event_id], self._answers[item_id]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        listening = await serve(self._connect, "127.0.0.1", 0, max_size=None)
        port = next(iter(listening.sockets)).getsockname()[1]
        self._ready.set_result(f"ws://127.0.0.1:{port}/v1/realtime")
        await self._end.wait()
        listening.close()
        await listening.wait_closed()

    async def _connect(self, client: ServerConnection) -> None:
        query = client.request.path.partition("?")[2] if client.request else ""
        async with connect(f"{self._server_url}?{query}", max_size=None) as server:
            self._upstream = server
            to_client = asyncio.create_task(self._pass_to_client(server, client))
            try:
                async for message in client:
                    await server.send(self._limited(message))
            except ConnectionClosed:
                pass
            finally:
                to_client.cancel()

    def _limited(self, message: str | bytes) -> str | bytes:
        """Returns the client's message, with the limit where it asks for a reply."""
        event = json.loads(message)
        response = event.setdefault("response", {})
        is_reply = event["type"] == "response.create" and response.get("conversation") != "none"
        if self._reply_tokens is None or not is_reply:
            return message
        response["max_output_tokens"] = self._reply_tokens
        return json.dumps(event)

    async def _pass_to_client(self, server: Any, client: ServerConnection) -> None:
        async for message in server:
            event = json.loads(message)
            self._update_order(event)
            if not self._is_answer(event):
                await client.send(message)

    def _update_order(self, event: dict[str, Any]) -> None:
        if event["type"] == "conversation.item.added":
            previous = event.get("previous_item_id")
            place = self._order.index(previous) + 1 if previous in self._order else 0
            self._order.insert(place, event["item"]["id"])
        elif event["type"] == "conversation.item.deleted":
            self._order.remove(event["item_id"])

    def _is_answer(self, event: dict[str, Any]) -> bool:
        """Returns whether the event answers a question of the proxy.

        An error has the event id of the question, a retrieved item its own id.
        """
        if event["type"] == "conversation.item.retrieved":
            key = event["item"]["id"]
        elif event["type"] == "error":
            key = event["error"].get("event_id")
        else:
            return False
        answer = self._answers.get(key)
        if answer is None or answer.done():
            return False
        answer.set_result(event)
        return True
