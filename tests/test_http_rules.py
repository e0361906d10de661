"""Every HTTP client of the program reaches loopback directly, and follows no redirect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from tests.proxy_harness import RecordingProxy
from tui_voice.conversation import effects as x
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.runtime.writers import ModelWriter, WritingTask
from tui_voice.server.interfaces import ContextTurn, ReplyRequest
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.remote import SpeechUrl, WhisperUrl

KEY = "sk-secret"


def ask_chat(url: str) -> None:
    request = ReplyRequest(instructions="", turns=[ContextTurn("a", "user", "Hi")])
    list(ChatResponder(url, "m", KEY).reply(request, Event()))


def ask_for_a_summary(url: str) -> None:
    turns = (x.SourceTurn(item_id="a", role="user", text="I keep bees."),)
    source = x.RequestSummary(compaction_id="m", turns=turns, memory="", focus="")
    task = WritingTask(source=source, prompt="Summarise.", metadata=ResponseMetadata())
    asyncio.run(ModelWriter("m", KEY, url).write(task, _no_session))


async def _no_session(_request: object) -> Any:
    raise AssertionError("the session is not asked here")


CLIENTS: dict[str, Callable[[str], object]] = {
    "chat": ask_chat,
    "summary": ask_for_a_summary,
    "speech": lambda url: SpeechUrl(url, api_key=KEY).speak("Hi", "alloy", 1.0),
    "transcription": lambda url: WhisperUrl(url, api_key=KEY).transcribe(np.zeros(99, np.float32)),
}
each_client = pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)


class RecordingServer:
    """Answers every request with a redirect to `location`, or with HTTP 500 where that is None."""

    def __init__(self, location: str | None = None) -> None:
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.requests.append(f"{self.path} {dict(self.headers)}")
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(500 if location is None else 307)
                self.send_header("location", location or "")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Keeps the log out of the output of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> RecordingServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@each_client
@pytest.mark.parametrize("proxy_url", [None, "socks5h://127.0.0.1:9"], ids=["http", "socks"])
def test_loopback_is_reached_directly_whatever_proxy_is_named(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object], proxy_url: str | None
) -> None:
    with RecordingProxy() as proxy, RecordingServer() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy_url or proxy.url)
        with pytest.raises(TuiVoiceError):
            ask(server.url)
    assert proxy.requests == []
    assert server.requests


@each_client
def test_a_proxy_that_fails_is_named(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object]
) -> None:
    monkeypatch.setenv("no_proxy", "")
    with RecordingProxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
    for url in ("http://example.invalid/v1", "http://192.0.2.1/v1"):
        with pytest.raises(TuiVoiceError, match=rf"the proxy {proxy.url} \(http_proxy\)"):
            ask(url)


@each_client
def test_a_redirect_is_not_followed_since_the_headers_hold_the_key(
    ask: Callable[[str], object],
) -> None:
    with (
        RecordingServer() as elsewhere,
        RecordingServer(elsewhere.url) as server,
        pytest.raises(TuiVoiceError, match=f"redirects to {elsewhere.url}") as caught,
    ):
        ask(server.url)
    assert KEY in server.requests[0]
    assert elsewhere.requests == []
    assert KEY not in str(caught.value)
