"""The WebSocket to a Realtime server, and why it could not be opened."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tui_voice.network import is_loopback, proxy_for
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.realtime.close_reasons import handshake_refused

OPENAI_URL = "wss://api.openai.com/v1/realtime"
CLOSE_TIMEOUT_S = 1.0
"""Seconds to wait for the answer to our close: a dead connection gives none."""
PROBE_TIMEOUT_S = 2.0
"""Seconds in which a server must answer the probe that finds out whether it speaks TLS."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""What OpenSSL calls an answer that is no TLS."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is. `headers` may hold the key: never log them."""

    url: str
    headers: Mapping[str, str]
    key_hint: str = "Check the key for this server."
    """What the user can do where the server refuses the key."""

    @property
    def public_url(self) -> str:
        """The address without query, user name and password, so that it can be shown."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))


def with_query(url: str, **query: str) -> str:
    """Returns `url` with these query parameters added."""
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, joined, ""))


class WebSocketTransport:
    """One open WebSocket: it sends and receives text frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(
        cls, address: ServerAddress, open_timeout_s: float, ping_s: float
    ) -> WebSocketTransport:
        """Connects. `ping_s`: seconds between two pings, and how long an answer may take.

        Raises `CloseReason` with the reason and what to do about it.
        """
        if any(not _printable(value) for value in address.headers.values()):
            # Checked here, since the library's own error message would quote the key.
            text = "the key contains characters that no key can contain"
            raise CloseReason(text, fatal=True, hint="Copy it once more.")
        try:
            return cls(await _connect(address, open_timeout_s, ping_s))
        except websockets.InvalidHandshake as error:
            swapped = _may_be_tls(error) and await _scheme_is_wrong(address)
            raise swapped or _no_handshake(error, address) from None
        except TimeoutError:
            proxy = proxy_for(address.url)
            through = f" through {proxy}" if proxy else ""
            hint = proxy.hint if proxy else "Is it the right address, and is the network up?"
            text = f"{address.public_url} did not answer{through} within {open_timeout_s:g} s"
            raise CloseReason(text, hint=hint) from None
        except OSError as error:
            swapped = _may_be_plain(error) and await _scheme_is_wrong(address)
            raise swapped or _no_network(error, address) from None
        except (websockets.InvalidURI, ValueError) as error:
            raise CloseReason(
                f"{address.public_url} is not a websocket address ({error})",
                fatal=True,
                hint="It should look like ws://127.0.0.1:8765/v1/realtime.",
            ) from None

    async def send(self, frame: bytes) -> None:
        """Sends one text frame; waits while the connection is congested. Raises
        `websockets.ConnectionClosed`.
        """
        await self._connection.send(frame, text=True)

    async def receive(self) -> bytes:
        """Returns the next frame. Raises `websockets.ConnectionClosed` at the end."""
        return await self._connection.recv(decode=False)

    async def answers_ping(self, timeout_s: float) -> bool:
        """Returns whether a ping is answered in time. Raises `websockets.ConnectionClosed`."""
        answered = await self._connection.ping()
        try:
            await asyncio.wait_for(answered, timeout_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Closes the WebSocket; waits at most `CLOSE_TIMEOUT_S` for the answer."""
        await self._connection.close()


class _ConnectWithoutRedirects(connect):
    """The library would follow a redirect with our headers, which hold the key."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def _connect(
    address: ServerAddress, open_timeout_s: float, ping_s: float
) -> ClientConnection:
    """Raises `CloseReason` where the proxy fails, and else what the library raises."""
    proxy = proxy_for(address.url)
    try:
        return await _ConnectWithoutRedirects(
            address.url,
            additional_headers=dict(address.headers),
            proxy=proxy.url if proxy else None,
            open_timeout=open_timeout_s,
            compression=None,  # base64 audio hardly compresses, and trying takes a whole core
            max_size=None,
            ping_interval=ping_s,
            ping_timeout=ping_s,
            close_timeout=CLOSE_TIMEOUT_S,
        )
    except (websockets.InvalidProxy, ImportError) as error:
        if proxy is None:
            raise
        raise CloseReason(f"{proxy} cannot be used ({error})", None, True, proxy.hint) from None
    except websockets.ProxyError as error:
        text = f"{proxy} refused the connection to {address.public_url} ({error})"
        raise CloseReason(text, hint=proxy.hint if proxy else "") from None
    except OSError as error:
        if proxy is None or isinstance(error, TimeoutError | ssl.SSLError):
            raise
        text = f"{proxy} does not answer ({error.strerror or error})"
        raise CloseReason(text, hint=proxy.hint, cheap=_failed_locally(error)) from None


def _printable(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _no_handshake(error: websockets.InvalidHandshake, address: ServerAddress) -> CloseReason:
    if isinstance(error, websockets.InvalidStatus):
        return handshake_refused(error.response, address.public_url, address.key_hint)
    if isinstance(error.__cause__, EOFError | ConnectionError):
        return CloseReason(f"{address.public_url} closed the connection before it was open")
    return CloseReason(
        f"{address.public_url} is not a Realtime server ({error})",
        fatal=True,
        hint="Check the address given to `--backend`.",
    )


def _may_be_tls(error: websockets.InvalidHandshake) -> bool:
    """Returns whether the failure may mean that we spoke plain HTTP to a server that expects TLS:
    it closes the connection, or answers HTTP 400.
    """
    if isinstance(error, websockets.InvalidStatus):
        return error.response.status_code == 400
    return isinstance(error.__cause__, EOFError | ConnectionError)


def _may_be_plain(error: OSError) -> bool:
    """Returns whether the failure may mean that we began TLS with a server that speaks plain HTTP:
    it closes the connection, or what it answers is no TLS.
    """
    if isinstance(error, ssl.SSLError):
        return error.reason in _NOT_TLS
    return isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)


async def _scheme_is_wrong(address: ServerAddress) -> CloseReason | None:
    """Returns that ws:// and wss:// are swapped in the address; None where they are not.

    The server is asked in the other way, without path, headers or key.
    """
    parts = urlsplit(address.url)
    if proxy_for(address.url) is not None:
        return None
    if parts.scheme == "ws" and await _answers(parts, tls=True):
        text, hint = f"{address.public_url} speaks TLS only", "Write wss:// in place of ws://."
    elif parts.scheme == "wss" and await _answers(parts, tls=False):
        text, hint = f"{address.public_url} does not speak TLS", "Write ws:// in place of wss://."
    else:
        return None
    return CloseReason(text, fatal=True, hint=hint)


async def _answers(parts: SplitResult, tls: bool) -> bool:
    """Returns whether the server completes a TLS handshake, or answers plain HTTP."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = parts.port or (80 if parts.scheme == "ws" else 443)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname, port, ssl=context if tls else None
            )
            try:
                if tls:
                    return True
                writer.write(f"GET / HTTP/1.1\r\nHost: {parts.hostname}\r\n\r\n".encode())
                return (await reader.read(64)).startswith(b"HTTP/")
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return False


def _no_network(error: OSError, address: ServerAddress) -> CloseReason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CloseReason(
            f"{address.public_url} cannot prove who it is ({error.verify_message})",
            fatal=True,
            hint="Check the address, the clock of this machine, and SSL_CERT_FILE.",
        )
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return CloseReason(
            f"no server answers at {address.public_url}",
            cheap=_is_on_this_machine(address) or _failed_locally(error),
        )
    if isinstance(error, ConnectionError):
        return CloseReason(
            f"{address.public_url} closed the connection before it was open",
            cheap=_is_on_this_machine(address),
        )
    text = f"no network to {address.public_url} ({error.strerror or error})"
    return CloseReason(text, cheap=_failed_locally(error))


def _is_on_this_machine(address: ServerAddress) -> bool:
    return is_loopback(urlsplit(address.url).hostname or "")


def _failed_locally(error: OSError) -> bool:
    """Returns whether the attempt failed on this machine already: no name, route or device."""
    return isinstance(error, socket.gaierror) or error.errno in (
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
    )
