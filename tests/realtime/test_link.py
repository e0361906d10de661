"""The websocket against real servers on loopback that behave badly, each in its own way."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tui_voice.realtime.close_reasons import CloseReason, closed
from tui_voice.realtime.link import Link, Target, with_query

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


def target(url: str, key_hint: str = OPENAI_HINT) -> Target:
    return Target(url, {"Authorization": "Bearer sk-secret"}, key_hint)


async def why_not(target: Target, **patience: float) -> CloseReason:
    with pytest.raises(CloseReason) as caught:
        await Link.open(target, **patience)
    end = caught.value
    assert "sk-secret" not in f"{end} {end.hint}"
    assert str(end) == end.reason
    return end


async def idle(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_frames_go_both_ways_as_text() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for frame in connection:
            assert isinstance(frame, str)
            await connection.send(frame.upper())

    async with websocket(echo) as url:
        link = await Link.open(target(url))
        await link.send(b'{"type":"a"}')
        assert await link.receive() == b'{"TYPE":"A"}'
        await link.close()


async def test_the_key_goes_as_a_header_and_the_beta_is_not_asked_for() -> None:
    seen: list[Request] = []

    async def look(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)

    async with websocket(look) as url:
        link = await Link.open(target(with_query(url, model="gpt-realtime-2.1")))
        with pytest.raises(websockets.ConnectionClosed):
            await link.receive()
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
async def test_refused_at_the_door(status: int, fatal: bool, reason: str, hint: str) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "no\n")

    async with websocket(idle, process_request=refuse) as url:
        end = await why_not(target(url))
    assert (end.code, end.fatal) == (status, fatal)
    assert reason in end.reason
    assert hint in end.hint
    assert bool(hint) is bool(end.hint)


async def test_nobody_there() -> None:
    async with plain_tcp(lambda _r, _w: asyncio.sleep(0)) as url:
        pass
    end = await why_not(target(url))
    assert end.reason == f"nobody answers at {url}"
    assert not end.fatal


async def test_a_server_that_says_nothing() -> None:
    over = asyncio.Event()

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with plain_tcp(mute) as url:
        end = await why_not(target(url), open_timeout_s=0.05)
        over.set()
    assert "did not answer within 0.05 s" in end.reason
    assert (end.fatal, bool(end.hint)) == (False, True)


async def test_a_server_that_hangs_up_is_not_given_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    for rude in (hang_up, reset):
        async with plain_tcp(rude) as url:
            end = await why_not(target(url))
        assert "hung up" in end.reason
        assert not end.fatal


@pytest.mark.parametrize("answer", [b"220 mail ready\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_something_else_listens_there(answer: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with plain_tcp(other) as url:
        end = await why_not(target(url))
    if answer.startswith(b"HTTP"):
        assert "HTTP 200" in end.reason
    else:
        assert "is not a Realtime server" in end.reason
        assert end.fatal
        assert end.hint


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "nonsense", "ws://127.0.0.1:99999/"])
async def test_no_address(url: str) -> None:
    end = await why_not(target(url))
    assert "not a websocket address" in end.reason
    assert end.fatal
    assert "ws://" in end.hint


async def test_no_such_host() -> None:
    end = await why_not(target("ws://nowhere.invalid/v1/realtime"))
    assert "no network to ws://nowhere.invalid/v1/realtime" in end.reason
    assert not end.fatal


async def test_a_key_that_cannot_be_one() -> None:
    async with websocket(idle) as url:
        end = await why_not(Target(url, {"Authorization": "Bearer sk-…"}))
    assert end.reason == "the key has characters that no key has"
    assert end.fatal


async def test_a_line_cut_before_it_is_secured() -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with plain_tcp(reset) as url:
        end = await why_not(target(url.replace("ws:", "wss:")))
    assert "hung up" in end.reason
    assert not end.fatal


async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        await writer.drain()
        writer.close()

    async with plain_tcp(refuse) as url:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("http_proxy", url.replace("ws:", "http:").replace("/v1/realtime", ""))
        end = await why_not(target("ws://example.invalid/v1/realtime"))
    assert "proxy" in end.reason
    assert not end.fatal


async def test_a_server_that_cannot_prove_who_it_is(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    try:
        await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl here to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with websocket(idle, ssl=context) as url:
        end = await why_not(target(url.replace("ws://127.0.0.1", "wss://localhost")))
    assert "cannot prove who it is" in end.reason
    assert end.fatal


async def end_of(
    code: int, reason: str, key_hint: str = OPENAI_HINT, error: tuple[str, str] = ("", "")
) -> CloseReason:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with websocket(leave) as url:
        link = await Link.open(target(url))
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await link.receive()
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
            "the server refused how we speak to it",
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
        (1011, "keepalive ping timeout", ("", ""), False, "the server failed inside: keep", ""),
        (1012, "", ("", ""), False, "the server is restarting", ""),
        (1013, "try later", ("", ""), False, "the server is overloaded: try later", ""),
        (1000, "", ("server_error", "Oh dear."), False, "closed the line: Oh dear.", ""),
        (4999, "", ("", ""), False, "the server closed the line (4999)", ""),
        (1000, "", ("insufficient_quota", "Pay."), True, "Pay.", "billing"),
    ],
)
async def test_why_an_open_line_ended(
    code: int, said: str, error: tuple[str, str], fatal: bool, reason: str, hint: str
) -> None:
    end = await end_of(code, said, error=error)
    assert (end.code, end.fatal) == (code, fatal)
    assert reason in end.reason
    assert hint in end.hint
    assert bool(hint) is bool(end.hint)


async def test_a_line_that_breaks() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with websocket(vanish) as url:
        link = await Link.open(target(url))
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await link.receive()
    end = closed(caught.value)
    assert (end.reason, end.code, end.fatal) == ("the connection broke", None, False)
    quota = closed(caught.value, OPENAI_HINT, "insufficient_quota", "")
    assert (quota.reason, quota.fatal) == ("the account has no quota left", True)


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Opens as a websocket server does, then answers nothing, not even a ping."""
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


async def test_a_half_open_line_is_noticed() -> None:
    async with plain_tcp(deaf) as url:
        link = await Link.open(target(url), ping_s=0.05)
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await link.receive()
    assert closed(caught.value).reason == "the server stopped answering"


async def test_a_goodbye_that_is_not_answered_is_not_waited_for() -> None:
    async with plain_tcp(deaf) as url:
        link = await Link.open(target(url))
        await asyncio.wait_for(link.close(), 5)


def test_an_address_is_shown_without_what_is_secret_in_it() -> None:
    secret = Target("wss://me:pass@example.org:1/v1?model=m&key=k", {})
    assert secret.place == "wss://example.org:1/v1"
    assert with_query("ws://h/p?a=1", model="x y") == "ws://h/p?a=1&model=x+y"
