"""A server behind `--llm-url` that is no chat server, breaks off or hangs: a failed response that
names it, and no other client waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from tests.patience_harness import patience
from tests.server.in_memory_client_harness import InMemoryClient
from tests.server.local.http_harness import chunk, serving, stream
from tests.server.local.turns_harness import turns
from tests.server.protocol_harness import ProtocolClient
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.errors import BackendError
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputText, Message
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.responder import LocalResponder
from tui_voice.server.workers import EngineWorkers

SSE = "text/event-stream"
WORDS = f"data: {json.dumps(chunk(content='Hello there, '))}\n\n".encode()


class ChatEngines(ToyEngines):
    """Toy engines whose replies are a chat server's."""

    def __init__(self, address: str, timeout_s: float = 40.0) -> None:
        super().__init__()
        chat = ChatResponder(f"http://{address}/v1", "m", timeout_s=timeout_s)
        self._chat = LocalResponder(_no_model, chat)

    def responder(self) -> Any:
        return self._chat


def _no_model() -> Any:
    raise AssertionError("the built-in model is not to be asked")


@contextmanager
def writing(write: Callable[[Any], None]) -> Iterator[str]:
    """Runs a server that sends the head of a stream, then what `write` writes to its file, and then
    closes the connection. Gives its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", SSE)
            self.send_header("content-length", "100000")
            self.end_headers()
            try:
                write(self.wfile)
            except OSError:
                return  # the client has left

        def log_message(self, *_arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def failure(address: str, timeout_s: float = 40.0) -> str:
    """Asks for a reply; returns the message of the failed response, without the server's name."""
    client = ProtocolClient(ChatEngines(address, timeout_s))
    client.ask("hello")
    response = client.last_event("response.done")["response"]
    assert response["status"] == "failed"
    message = str(response["status_details"]["error"]["message"])
    assert address in message
    client.ask("hello")  # the session goes on
    assert client.last_event("response.done")["response"]["status"] == "failed"
    return message


def answer(body: bytes, kind: str = SSE) -> Callable[[str, bytes], tuple[int, str, bytes]]:
    return lambda _path, _body: (200, kind, body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!DOCTYPE html><h1>It works!</h1>", "no chat, but with '<!DOCTYPE html>"),
        (b"", "it answered nothing"),
        (b"\n\n\n", "it answered nothing"),
        (b"data: [DONE]\n\n", "it answered nothing"),
        (WORDS, "broke off"),
        (b'data: {"choices": [{"del\n\n', "broken JSON"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', "out of memory"),
        (b'data: {"choices": [{"delta": "hello"}]}\n\n', "it answered with no chat"),
        (b"data: [1, 2]\n\n", "no chat, but with"),
        (b'{"choices": 7}', "it answered nothing"),
        (b'{"model": ', "broken JSON"),
        (b"\xff\xfe\x00", "it answered with no chat"),
        (b"Bad gateway", "no chat, but with 'Bad gateway'"),
    ],
)
def test_what_is_no_chat_is_a_failed_response_that_names_the_server(
    body: bytes, reason: str
) -> None:
    for kind in (SSE, "text/html"):
        with serving(answer(body, kind)) as address:
            assert reason in failure(address)


def test_a_stream_that_breaks_off_is_a_failed_response() -> None:
    with writing(lambda file: file.write(WORDS)) as address:
        assert "failed" in failure(address)


def test_a_server_that_hangs_is_a_failed_response() -> None:
    release = Event()
    with writing(lambda _file: release.wait(20) and None) as address:
        try:
            assert "no answer within" in failure(address, timeout_s=0.1)
        finally:
            release.set()


def test_a_server_that_only_keeps_the_connection_alive_is_left() -> None:
    left = Event()

    def trickle(file: Any) -> None:
        try:
            while True:
                file.write(b": keep-alive\n\n")
                left.wait(0.005)
        finally:
            left.set()

    with writing(trickle) as address:
        assert "no answer within" in failure(address, timeout_s=0.1)
        assert left.wait(10), "the connection is closed"


def test_a_server_that_never_ends_its_reply_is_left() -> None:
    def flood(file: Any) -> None:
        number = 0
        while True:
            number += 1
            text = json.dumps(chunk(content=f"This is sentence {number}. " * 20))
            file.write(f"data: {text}\n\n".encode())

    with writing(flood) as address:
        chat = ChatResponder(f"http://{address}/v1", "m")
        pieces = list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event()))
    assert sum(len(str(piece)) for piece in pieces) < 25_000


def test_a_list_of_models_that_is_none_is_an_error_that_names_the_server() -> None:
    with serving(answer(b"<h1>hello</h1>", "text/html")) as address:
        chat = ChatResponder(f"http://{address}/v1")
        with pytest.raises(BackendError, match=address):
            list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event()))


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [{"message": {"role": "assistant", "content": "Hello."}}]}',
        b'{\n"choices": [{\n"message": {"content": "Hello."}}]}',
        b'data: {"choices": null}\n\ndata: {"choices": [{"delta": {"content": "Hello."}, '
        b'"finish_reason": "stop"}]}\n\n',
        b": comment\r\n\r\nevent: x\r\ndata:"
        b'{"choices":[{"delta":{"content":"Hello."}}]}\r\n\r\ndata: [DONE]',
    ],
)
def test_forms_of_an_answer_that_are_understood(body: bytes) -> None:
    with serving(answer(body, "application/octet-stream")) as address:
        chat = ChatResponder(f"http://{address}/v1", "m")
        assert list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event())) == ["Hello."]


def test_calls_without_an_index_and_with_an_object_as_arguments() -> None:
    calls = [{"function": {"name": "recall", "arguments": {"query": "hotel"}}}]
    with serving(lambda _path, _body: stream(chunk(tool_calls=calls))) as address:
        chat = ChatResponder(f"http://{address}/v1", "m")
        pieces = list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event()))
    assert pieces == [ToolCall("recall", '{"query": "hotel"}')]


@pytest.mark.parametrize("length", [1, 2, 5, 1000])
def test_code_and_control_characters_are_not_spoken_wherever_they_are_cut(length: int) -> None:
    text = "\x1b]0;owned\x07\x1b[31m**Sure**, here:\n```python\nprint(1)\n```\nThat\x07 is `it`."
    chunks = [chunk(content=text[n : n + length]) for n in range(0, len(text), length)]
    with serving(lambda _path, _body: stream(*chunks)) as address:
        client = ProtocolClient(ChatEngines(address))
        client.ask("hello")
        spoken = " ".join(text for text, _, _ in client.engines.tts.calls)
        client.ask("hello", output_modalities=["text"])
        written = client.last_event("response.output_text.done")["text"]
    assert spoken == "**Sure**, here: That is `it`."
    assert written == "**Sure**, here:\n```python\nprint(1)\n```\nThat is `it`."


async def test_a_server_that_hangs_delays_no_other_client() -> None:
    """One client asks for eight replies that never come; the other one is answered."""
    release = Event()

    def hang(_path: str, body: bytes) -> tuple[int, str, bytes]:
        if b"hang" in body:
            release.wait(30)
        return stream(chunk(content="hello"))

    def turn(text: str) -> Message:
        return Message(role="user", content=[InputText(text=text)])

    with serving(hang) as address:
        workers = EngineWorkers(ChatEngines(address))
        async with InMemoryClient(workers) as one, InMemoryClient(workers) as two:
            for _ in range(8):
                asked = c.ResponseParams(conversation="none", input=[turn("hang")])
                await one.send(c.ResponseCreate(response=asked))
            await two.send(c.ConversationItemCreate(item=turn("hello")))
            await two.send(c.ResponseCreate())
            async with asyncio.timeout(patience(20)):
                async for event in two:
                    if isinstance(event, s.ResponseDone):
                        assert event.response.status == "completed"
                        break
        release.set()
        workers.close()
