"""The WebSocket server: handshake, keys, close codes, invalid frames, lost clients."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.toy_engines_harness import LevelDetector, ToyEngines
from tui_voice.errors import BackendError
from tui_voice.server.access import foreign_header
from tui_voice.server.limits import SessionLimits
from tui_voice.server.realtime_server import RealtimeServer, ServerOptions, start_server


@pytest.fixture
def engines() -> ToyEngines:
    return ToyEngines()


@pytest.fixture
async def server(engines: ToyEngines) -> AsyncIterator[RealtimeServer]:
    server = await start_server("127.0.0.1", 0, engines)
    yield server
    await server.close()


async def receive(socket: ClientConnection) -> dict[str, Any]:
    event = json.loads(await socket.recv())
    assert isinstance(event, dict)
    return event


async def receive_until_closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int, str]:
    """Returns the remaining events, the close code and the close reason."""
    events = []
    try:
        while True:
            events.append(await receive(socket))
    except ConnectionClosed:
        assert socket.close_code is not None
        return events, socket.close_code, socket.close_reason or ""


async def connect_refused(url: str, **options: Any) -> tuple[str, int, str]:
    async with connect(url, **options) as socket:
        (error,), code, reason = await receive_until_closed(socket)
    assert error["type"] == "error"
    assert error["event_id"]
    return error["error"]["code"], code, reason


class TestHandshake:
    async def test_client_connects_with_any_model(self, server: RealtimeServer) -> None:
        assert server.url == f"ws://127.0.0.1:{server.port}/v1/realtime"
        assert server.host == "127.0.0.1"
        async with connect(f"{server.url}?model=anything") as socket:
            created = await receive(socket)
            assert created["type"] == "session.created"
            assert created["session"]["model"] == "anything"
            assert server.connections == 1

    async def test_path_of_azure_clients(self, server: RealtimeServer) -> None:
        url = server.url.replace("/v1/", "/openai/v1/")
        async with connect(f"{url}?model=m") as socket:
            assert (await receive(socket))["type"] == "session.created"

    async def test_slash_at_the_end_of_the_path(self, server: RealtimeServer) -> None:
        async with connect(f"{server.url}/?model=m") as socket:
            assert (await receive(socket))["type"] == "session.created"

    async def test_other_paths_are_not_found(self, server: RealtimeServer) -> None:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url.replace("realtime", "live"))
        assert caught.value.response.status_code == 404

    async def test_plain_http_needs_an_upgrade(self, server: RealtimeServer) -> None:
        url = server.url.replace("ws://", "http://")

        def fetch() -> int:
            try:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert await asyncio.to_thread(fetch) == 426

    async def test_missing_model_is_refused(self, server: RealtimeServer) -> None:
        assert await connect_refused(server.url) == (
            "missing_model",
            4000,
            "invalid_request_error.missing_model",
        )

    async def test_beta_header_is_refused(self, server: RealtimeServer) -> None:
        refusal = await connect_refused(
            f"{server.url}?model=m", additional_headers={"OpenAI-Beta": "realtime=v1"}
        )
        assert refusal == (
            "beta_api_shape_disabled",
            4000,
            "invalid_request_error.beta_api_shape_disabled",
        )

    async def test_transcription_session_needs_no_model(self, server: RealtimeServer) -> None:
        async with connect(f"{server.url}?intent=transcription") as socket:
            assert (await receive(socket))["session"]["type"] == "transcription"

    async def test_browsers_connect_with_subprotocols(self, server: RealtimeServer) -> None:
        protocols: Any = ["realtime", "openai-insecure-api-key.k"]
        async with connect(f"{server.url}?model=m", subprotocols=protocols) as socket:
            assert socket.subprotocol == "realtime"


class TestBrowsers:
    """A page of a web site must not reach a server on the machine of its reader."""

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example:80",
            "http://192.168.1.5:3000",
            "null",
            "file://",
            "http://[::1",
        ],
    )
    async def test_page_of_a_web_site_is_refused(self, server: RealtimeServer, origin: str) -> None:
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{server.url}?model=m", additional_headers={"Origin": origin})
        assert caught.value.response.status_code == 403
        assert origin in caught.value.response.body.decode()
        assert server.connections == 0

    async def test_two_origins_are_refused(self, server: RealtimeServer) -> None:
        headers = [("Origin", "http://localhost"), ("Origin", "https://evil.example")]
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{server.url}?model=m", additional_headers=headers)
        assert caught.value.response.status_code == 403

    @pytest.mark.parametrize(
        "origin",
        ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8", "http://a.localhost"],
    )
    async def test_page_of_this_machine_is_accepted(
        self, server: RealtimeServer, origin: str
    ) -> None:
        headers = {"Origin": origin}
        async with connect(f"{server.url}?model=m", additional_headers=headers) as socket:
            assert (await receive(socket))["type"] == "session.created"

    @pytest.mark.parametrize("host", ["evil.example", "192.168.1.5:8765", "127.0.0.1.evil.example"])
    async def test_foreign_host_name_is_refused(self, server: RealtimeServer, host: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            f"GET /v1/realtime?model=m HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert host.encode() in answer

    @pytest.mark.parametrize(
        ("host", "listening_on", "accepted"),
        [
            ("localhost:8765", "127.0.0.1", True),
            ("[::1]:8765", "::1", True),
            ("my-server", "my-server", True),
            ("192.168.1.5:8765", "0.0.0.0", True),
            (socket.gethostname(), "0.0.0.0", True),
            ("evil.example", "0.0.0.0", False),
            ("evil.example", "my-server", False),
        ],
    )
    def test_names_of_the_server(self, host: str, listening_on: str, accepted: bool) -> None:
        assert (foreign_header(Headers(Host=host), listening_on) is None) is accepted


class TestKey:
    @pytest.fixture
    async def url_with_key(self, engines: ToyEngines) -> AsyncIterator[str]:
        server = await start_server("127.0.0.1", 0, engines, ServerOptions(api_key="right"))
        yield f"{server.url}?model=m"
        await server.close()

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"api-key": ""}])
    async def test_wrong_key_is_refused(self, url_with_key: str, headers: dict[str, str]) -> None:
        assert await connect_refused(url_with_key, additional_headers=headers) == (
            "invalid_api_key",
            3000,
            "invalid_request_error.invalid_api_key",
        )

    @pytest.mark.parametrize(
        "options",
        [
            {"additional_headers": {"Authorization": "Bearer right"}},
            {"additional_headers": {"api-key": "right"}},
            {"subprotocols": ["realtime", "openai-insecure-api-key.right"]},
        ],
    )
    async def test_right_key_is_accepted(self, url_with_key: str, options: dict[str, Any]) -> None:
        async with connect(url_with_key, **options) as socket:
            assert (await receive(socket))["type"] == "session.created"


class TestFrames:
    @pytest.fixture
    async def socket(self, server: RealtimeServer) -> AsyncIterator[ClientConnection]:
        async with connect(f"{server.url}?model=m") as socket:
            await receive(socket)
            yield socket

    async def test_session_goes_on_after_invalid_frames(self, socket: ClientConnection) -> None:
        for frame, code in [
            (b"\x00\x01", "invalid_event"),
            ("not json", "invalid_json"),
            ("[]", "invalid_event"),
            ('{"type":"no.such.event","event_id":"mine"}', "invalid_value"),
        ]:
            await socket.send(frame)
            event = await receive(socket)
            assert event["type"] == "error"
            assert event["error"]["code"] == code
        assert event["error"]["event_id"] == "mine"
        await socket.send('{"type":"session.update","session":{"type":"realtime"}}')
        assert (await receive(socket))["type"] == "session.updated"

    async def test_frame_beyond_the_size_limit_closes_the_connection(
        self, server: RealtimeServer
    ) -> None:
        socket = await connect(f"{server.url}?model=m")
        await socket.send('"' + "x" * (22 * 2**20) + '"')
        _events, code, _reason = await receive_until_closed(socket)
        assert code == 1009


class TestDisconnect:
    async def test_lost_client_does_not_disturb_others(self, server: RealtimeServer) -> None:
        url = f"{server.url}?model=m"
        other = await connect(url)
        await receive(other)
        lost = await connect(url)
        await receive(lost)
        lost.transport.abort()
        await lost.wait_closed()
        await other.send('{"type":"response.cancel"}')
        assert (await receive(other))["type"] == "error"
        await other.close()
        await other.wait_closed()
        await server.close()
        assert server.connections == 0

    async def test_client_is_lost_while_frames_are_sent(self, server: RealtimeServer) -> None:
        socket = await connect(f"{server.url}?model=m", max_queue=1)
        await receive(socket)
        text = "x" * 100_000
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
        for _ in range(20):
            await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        socket.transport.abort()
        await socket.wait_closed()
        await server.close()
        assert server.connections == 0

    async def test_session_ends_at_its_maximum_duration(self, engines: ToyEngines) -> None:
        limits = SessionLimits(session_seconds=0.05)
        server = await start_server("127.0.0.1", 0, engines, ServerOptions(limits=limits))
        async with connect(f"{server.url}?model=m") as socket:
            _events, code, reason = await receive_until_closed(socket)
        assert code == 1001
        assert reason.startswith("Your session hit the maximum duration of ")
        await server.close()

    async def test_client_that_never_reads_is_disconnected(self, engines: ToyEngines) -> None:
        server = await start_server("127.0.0.1", 0, engines)
        socket = await connect(f"{server.url}?model=m", max_queue=1)
        create = {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "x" * 20_000}],
            },
        }

        async def flood() -> None:
            while True:
                await socket.send(json.dumps(create))

        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(flood(), 30)
        await socket.close()
        await server.close()

    async def test_shutdown_closes_connections_with_a_reason(self, engines: ToyEngines) -> None:
        server = await start_server("127.0.0.1", 0, engines)
        socket = await connect(f"{server.url}?model=m")
        await receive(socket)
        await server.close()
        _events, code, reason = await receive_until_closed(socket)
        assert (code, reason) == (1001, "The server is shutting down.")


class TestNumberOfConnections:
    async def test_one_too_many_is_refused_until_another_ends(self, engines: ToyEngines) -> None:
        server = await start_server("127.0.0.1", 0, engines, ServerOptions(max_connections=2))
        url = f"{server.url}?model=m"
        first, second = await connect(url), await connect(url)
        code, close_code, reason = await connect_refused(url)
        assert (code, close_code) == ("too_many_connections", 1013)
        assert reason == "invalid_request_error.too_many_connections"
        await first.close()
        while server.connections > 1:  # noqa: ASYNC110 (the server has no event for it)
            await asyncio.sleep(0)
        third = await connect(url)
        assert (await receive(third))["type"] == "session.created"
        await second.close()
        await third.close()
        await server.close()


class TestEngineLoading:
    async def test_server_accepts_before_engines_are_loaded(self) -> None:
        class SlowEngines(ToyEngines):
            def detector(self) -> LevelDetector:
                self.loaded.wait(10)
                return super().detector()

            def load(self) -> None:
                self.detector()

        engines = SlowEngines()
        server = await start_server("127.0.0.1", 0, engines)
        async with connect(f"{server.url}?model=m") as socket:
            assert (await receive(socket))["type"] == "session.created"
            await socket.send('{"type":"session.update","session":{"type":"realtime"}}')
            assert (await receive(socket))["type"] == "session.updated"
            await socket.send('{"type":"input_audio_buffer.clear"}')
            assert not server.loaded.is_set()
            engines.loaded.set()
            assert (await receive(socket))["type"] == "input_audio_buffer.cleared"
        await server.close()

    @pytest.mark.parametrize("late", [True, False])
    async def test_engines_that_cannot_be_loaded_close_connections(self, late: bool) -> None:
        class SlowEngines(ToyEngines):
            def load(self) -> None:
                self.loaded.wait(10)
                super().load()

            def detector(self) -> LevelDetector:
                self.loaded.wait(10)
                raise BackendError("Not installed.")

        engines = SlowEngines()
        engines.fails = "Not installed."
        server = await start_server("127.0.0.1", 0, engines)
        if late:
            engines.loaded.set()
            await server.failed
        async with connect(f"{server.url}?model=m") as socket:
            events = [await receive(socket)]
            engines.loaded.set()
            more, code, _reason = await receive_until_closed(socket)
            events += more
        assert [e["type"] for e in events] == ["session.created", "error"]
        assert events[1]["error"]["message"] == "Not installed."
        assert events[1]["error"]["type"] == "server_error"
        assert code == 1011
        assert str(await server.failed) == "Not installed."
        await server.close()

    async def test_any_exception_while_loading_is_reported(self) -> None:
        class BrokenEngines(ToyEngines):
            def load(self) -> None:
                raise OSError("no such file")

        server = await start_server("127.0.0.1", 0, BrokenEngines())
        assert "OSError: no such file" in str(await server.failed)
        await server.close()


async def test_used_port_is_an_error_with_a_hint(
    server: RealtimeServer, engines: ToyEngines
) -> None:
    with pytest.raises(BackendError, match=f"cannot listen on 127.0.0.1:{server.port}") as caught:
        await start_server("127.0.0.1", server.port, engines)
    assert "port 0" in caught.value.hint


async def test_ipv6_address_is_in_brackets(engines: ToyEngines) -> None:
    try:
        server = await start_server("::1", 0, engines)
    except BackendError:
        pytest.skip("this machine has no IPv6")
    assert server.url.startswith("ws://[::1]:")
    await server.close()


def test_server_may_close_while_engines_are_loading() -> None:
    class SlowEngines(ToyEngines):
        def load(self) -> None:
            self.loaded.wait(10)

    engines = SlowEngines()

    async def open_and_close() -> None:
        server = await start_server("127.0.0.1", 0, engines)
        await server.close()

    asyncio.run(open_and_close())
    (loading,) = [t for t in threading.enumerate() if t.name == "loading"]
    engines.loaded.set()
    loading.join(60)
    assert not loading.is_alive()
