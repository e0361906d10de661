"""The WebSocket against real servers on the loopback interface, each with another fault."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
import websockets
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.realtime.servers_harness import (
    OPENAI_HINT,
    address,
    idle,
    plain_tcp,
    refusal,
    websocket,
)
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.realtime.close_reasons import closed
from tui_voice.realtime.transport import ServerAddress, WebSocketTransport, with_query


async def test_frames_go_both_ways_as_text() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for frame in connection:
            assert isinstance(frame, str)
            await connection.send(frame.upper())

    async with websocket(echo) as url:
        transport = await WebSocketTransport.open(address(url), 10, 10)
        await transport.send(b'{"type":"a"}')
        assert await transport.receive() == b'{"TYPE":"A"}'
        await transport.close()


async def test_the_key_is_sent_as_a_header_and_the_beta_is_not_requested() -> None:
    seen: list[Request] = []

    async def keep_request(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)

    async with websocket(keep_request) as url:
        transport = await WebSocketTransport.open(
            address(with_query(url, model="gpt-realtime-2.1")), 10, 10
        )
        with pytest.raises(websockets.ConnectionClosed):
            await transport.receive()
    [request] = seen
    assert request.path == "/v1/realtime?model=gpt-realtime-2.1"
    assert request.headers["Authorization"] == "Bearer sk-secret"
    assert "OpenAI-Beta" not in request.headers


@pytest.mark.parametrize(
    ("status", "fatal", "reason", "hint"),
    [
        (401, True, "refused the key (HTTP 401)", "OPENAI_API_KEY"),
        (403, True, "refused the key (HTTP 403)", "OPENAI_API_KEY"),
        (404, True, "does not know this address or model", "--model"),
        (429, False, "is limiting requests", ""),
        (400, True, "answered HTTP 400", "--backend"),
        (408, False, "answered HTTP 408", ""),
        (500, False, "answered HTTP 500", ""),
        (503, False, "answered HTTP 503", ""),
    ],
)
async def test_a_handshake_that_is_refused(
    status: int, fatal: bool, reason: str, hint: str
) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "no\n")

    async with websocket(idle, process_request=refuse) as url:
        end = await refusal(address(url))
    assert (end.code, end.fatal) == (status, fatal)
    assert reason in end.reason
    assert hint in end.hint
    assert bool(hint) is bool(end.hint)


async def test_no_server_at_the_address() -> None:
    async with plain_tcp(lambda _r, _w: asyncio.sleep(0)) as url:
        pass
    end = await refusal(address(url))
    assert end.reason == f"no server answers at {url}"
    assert not end.fatal


async def test_a_server_that_does_not_answer_the_handshake() -> None:
    over = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with plain_tcp(silent) as url:
        end = await refusal(address(url), open_timeout_s=0.05)
        over.set()
    assert "did not answer within 0.05 s" in end.reason
    assert (end.fatal, bool(end.hint)) == (False, True)


async def test_a_connection_that_is_closed_during_the_handshake_is_tried_again() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.close()

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    for handler in (hang_up, reset):
        async with plain_tcp(handler) as url:
            end = await refusal(address(url))
        assert "closed the connection before it was open" in end.reason
        assert not end.fatal


@pytest.mark.parametrize("answer", [b"220 mail ready\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_a_server_that_speaks_another_protocol(answer: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with plain_tcp(other) as url:
        end = await refusal(address(url))
    if answer.startswith(b"HTTP"):
        assert "HTTP 200" in end.reason
    else:
        assert "is not a Realtime server" in end.reason
        assert end.fatal
        assert end.hint


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "nonsense", "ws://127.0.0.1:99999/"])
async def test_an_address_that_is_none(url: str) -> None:
    end = await refusal(address(url))
    assert "not a websocket address" in end.reason
    assert end.fatal
    assert "ws://" in end.hint


async def test_a_host_that_does_not_exist() -> None:
    end = await refusal(address("ws://nowhere.invalid/v1/realtime"))
    assert "no network to ws://nowhere.invalid/v1/realtime" in end.reason
    assert not end.fatal


async def test_a_key_with_characters_that_no_key_can_contain() -> None:
    async with websocket(idle) as url:
        end = await refusal(ServerAddress(url, {"Authorization": "Bearer sk-…"}))
    assert end.reason == "the key contains characters that no key can contain"
    assert end.fatal


async def test_a_connection_lost_during_the_tls_handshake() -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with plain_tcp(reset) as url:
        end = await refusal(address(url.replace("ws:", "wss:")))
    assert "closed the connection before it was open" in end.reason
    assert not end.fatal


async def end_of(
    code: int, reason: str, key_hint: str = OPENAI_HINT, error: tuple[str, str] = ("", "")
) -> CloseReason:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with websocket(leave) as url:
        transport = await WebSocketTransport.open(address(url), 10, 10)
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await transport.receive()
    return closed(caught.value, key_hint, *error)


@pytest.mark.parametrize(
    ("code", "said", "error", "fatal", "reason", "hint"),
    [
        (
            3000,
            "invalid_request_error.invalid_api_key",
            ("invalid_api_key", "Incorrect API key provided."),
            True,
            "Incorrect API key provided.",
            "OPENAI_API_KEY",
        ),
        (3000, "", ("", ""), True, "the server refused the session", "OPENAI_API_KEY"),
        (
            4000,
            "invalid_request_error.invalid_model",
            ("", ""),
            True,
            "the server does not know this model",
            "--model",
        ),
        (
            4000,
            "invalid_request_error.beta_api_shape_disabled",
            ("", ""),
            True,
            "the server refused this version of the protocol",
            "version",
        ),
        (4000, "go away", ("", ""), True, "go away", ""),
        (
            1001,
            "Your session hit the maximum duration of 60 minutes.",
            ("", ""),
            False,
            "the server's time limit for one session was reached",
            "",
        ),
        (1000, "", ("session_expired", "x"), False, "the server's time limit", ""),
        (1001, "", ("", ""), False, "the server went away", ""),
        (
            1011,
            "keepalive ping timeout",
            ("", ""),
            False,
            "the server had an internal error: keep",
            "",
        ),
        (1012, "", ("", ""), False, "the server is restarting", ""),
        (1013, "try later", ("", ""), False, "the server is overloaded: try later", ""),
        (1000, "", ("server_error", "Oh dear."), False, "closed the connection: Oh dear.", ""),
        (4999, "", ("", ""), False, "the server closed the connection (4999)", ""),
        (1000, "", ("insufficient_quota", "Pay."), True, "Pay.", "billing"),
    ],
)
async def test_why_an_open_connection_ended(
    code: int, said: str, error: tuple[str, str], fatal: bool, reason: str, hint: str
) -> None:
    end = await end_of(code, said, error=error)
    assert (end.code, end.fatal) == (code, fatal)
    assert reason in end.reason
    assert hint in end.hint
    assert bool(hint) is bool(end.hint)


async def test_a_connection_that_breaks() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with websocket(vanish) as url:
        transport = await WebSocketTransport.open(address(url), 10, 10)
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await transport.receive()
    end = closed(caught.value)
    assert (end.reason, end.code, end.fatal) == ("the connection broke", None, False)
    quota = closed(caught.value, OPENAI_HINT, "insufficient_quota", "")
    assert (quota.reason, quota.fatal) == ("the account has no quota left", True)


async def silent_after_handshake(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Completes the handshake, then answers nothing, not even a ping."""
    request = await reader.readuntil(b"\r\n\r\n")
    [key] = [
        line[19:] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: ")
    ]
    from websockets.utils import accept_key

    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(key.decode()).encode() + b"\r\n\r\n"
    )
    while await reader.read(65536):
        pass
    writer.close()


async def test_a_half_open_connection_is_noticed() -> None:
    async with plain_tcp(silent_after_handshake) as url:
        transport = await WebSocketTransport.open(address(url), 10, ping_s=0.05)
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await transport.receive()
    assert closed(caught.value).reason == "the server stopped answering"


async def test_a_close_that_is_not_answered_is_not_waited_for() -> None:
    async with plain_tcp(silent_after_handshake) as url:
        transport = await WebSocketTransport.open(address(url), 10, 10)
        await asyncio.wait_for(transport.close(), 5)


def test_an_address_is_shown_without_its_secret_parts() -> None:
    secret = ServerAddress("wss://me:pass@example.org:1/v1?model=m&key=k", {})
    assert secret.public_url == "wss://example.org:1/v1"
    assert with_query("ws://h/p?a=1", model="x y") == "ws://h/p?a=1&model=x+y"
