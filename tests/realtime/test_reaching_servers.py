"""Reaching a server through proxies, redirects, limits of requests, and with or without TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.proxy_harness import RecordingProxy
from tests.realtime.servers_harness import address, idle, plain_tcp, refusal, websocket
from tui_voice.realtime.close_reasons import retry_after_s
from tui_voice.realtime.transport import ServerAddress, WebSocketTransport

# ── proxies ──────────────────────────────────────────────────────────────────────────────────


async def test_loopback_is_reached_directly_whatever_proxy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RecordingProxy() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with websocket(idle) as url:
            await (await WebSocketTransport.open(address(url), 10, 10)).close()
    assert proxy.requests == []


async def test_another_address_is_reached_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with websocket(idle) as url:
        with RecordingProxy(("127.0.0.1", urlsplit(url).port or 0)) as proxy:
            monkeypatch.setenv("no_proxy", "")
            monkeypatch.setenv("all_proxy", proxy.url)
            elsewhere = address("ws://example.invalid/v1/realtime")
            await (await WebSocketTransport.open(elsewhere, 10, 10)).close()
    assert proxy.requests == ["CONNECT example.invalid:80 HTTP/1.1"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
async def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("no_proxy", "")
    with RecordingProxy() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//user:secret@"))
        end = await refusal(address("ws://example.invalid/v1/realtime"))
    assert f"the proxy {proxy.url} ({variable}) refused the connection" in end.reason
    assert "407" in end.reason
    assert "secret" not in end.reason
    assert variable in end.hint
    assert not end.fatal


async def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with RecordingProxy() as proxy:
        pass
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    end = await refusal(address("wss://example.invalid/v1/realtime"))
    assert end.reason.startswith(f"the proxy {proxy.url} (HTTPS_PROXY) does not answer")
    assert not end.fatal


@pytest.mark.parametrize("proxy", ["socks5h://127.0.0.1:9", "ftp://127.0.0.1:9"])
async def test_a_proxy_of_a_kind_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("ALL_PROXY", proxy)
    end = await refusal(address("wss://example.invalid/v1/realtime"))
    assert end.reason.startswith(f"the proxy {proxy} (ALL_PROXY) cannot be used")
    assert end.fatal


async def test_a_proxy_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    over = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with plain_tcp(silent) as url:
        place = url.replace("ws:", "http:").replace("/v1/realtime", "")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("https_proxy", place)
        end = await refusal(address("wss://example.invalid/v1/realtime"), open_timeout_s=0.05)
        over.set()
    assert f"did not answer through the proxy {place} (https_proxy)" in end.reason


# ── redirects and Retry-After ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_since_the_headers_hold_the_key(status: int) -> None:
    seen: list[Request] = []

    def keep(connection: ServerConnection, request: Request) -> Response:
        seen.append(request)
        return connection.respond(HTTPStatus.NOT_FOUND, "")

    async with websocket(idle, process_request=keep) as elsewhere:

        def redirect(connection: ServerConnection, _request: Request) -> Response:
            response = connection.respond(HTTPStatus(status), "")
            response.headers["Location"] = f"{elsewhere}?token=private"
            return response

        async with websocket(idle, process_request=redirect) as url:
            end = await refusal(ServerAddress(url, {"api-key": "sk-secret"}))
    assert seen == []
    assert f"redirects to {elsewhere}, which is not followed" in end.reason
    assert (end.code, end.fatal) == (status, True)
    assert "--backend" in end.hint


@pytest.mark.parametrize(
    ("header", "seconds"), [("20", 20), ("0", 0), (" 7 ", 7), ("-3", None), ("soon", None)]
)
async def test_the_wait_that_a_server_asks_for(header: str, seconds: float | None) -> None:
    def limit(connection: ServerConnection, _request: Request) -> Response:
        response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "")
        response.headers["Retry-After"] = header
        return response

    async with websocket(idle, process_request=limit) as url:
        end = await refusal(address(url))
    assert (end.fatal, end.retry_after_s) == (False, seconds)


def test_the_wait_may_be_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after_s(in_a_minute) == pytest.approx(60, abs=5)
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after_s("Wed, 99 Oct 2015 07:28:00 GMT") is None
    assert retry_after_s(None) is None


async def test_a_long_wait_is_left_to_the_user() -> None:
    def limit(connection: ServerConnection, _request: Request) -> Response:
        response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        response.headers["Retry-After"] = "7200"
        return response

    async with websocket(idle, process_request=limit) as url:
        end = await refusal(address(url))
    assert "asks for a wait of 120 minutes" in end.reason
    assert end.fatal


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl here to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_has_signed(tls: ssl.SSLContext) -> None:
    async with websocket(idle, ssl=tls) as url:
        end = await refusal(address(url.replace("ws://127.0.0.1", "wss://localhost")))
    assert "cannot prove who it is" in end.reason
    assert end.fatal


async def test_ws_in_place_of_wss_is_said(tls: ssl.SSLContext) -> None:
    async with websocket(idle, ssl=tls) as url:
        end = await refusal(address(url))
    assert end.reason == f"{url} speaks TLS only"
    assert "wss://" in end.hint
    assert end.fatal


async def test_ws_in_place_of_wss_is_said_where_the_server_explains_it_by_http_400(
    tls: ssl.SSLContext,
) -> None:
    """As nginx does: it answers a plain request on its TLS port."""

    async with websocket(idle, ssl=tls) as url:
        port = urlsplit(url).port or 0

        async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(65536)
            if first.startswith(b"GET"):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            else:
                behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)
                behind.write(first)
                writer.write(await behind_reader.read(65536))
                behind.write(await reader.read(65536))
                behind.close()
            await writer.drain()
            writer.close()

        async with plain_tcp(front) as front_url:
            end = await refusal(address(front_url))
    assert end.reason == f"{front_url} speaks TLS only"


async def test_wss_in_place_of_ws_is_said() -> None:
    async def answers_in_plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with websocket(idle) as resets, plain_tcp(answers_in_plain) as answers:
        for url in (resets.replace("ws:", "wss:"), answers.replace("ws:", "wss:")):
            end = await refusal(address(url))
            assert end.reason == f"{url} does not speak TLS"
            assert "ws://" in end.hint
            assert end.fatal
