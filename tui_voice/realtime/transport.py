"""The WebSocket to a Realtime server, and why it could not be opened."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tui_voice.protocol.close_reason import CloseReason
from tui_voice.realtime.close_reasons import handshake_refused

OPENAI_URL = "wss://api.openai.com/v1/realtime"
CLOSE_TIMEOUT_S = 1.0
"""Seconds to wait for the answer to our close: a dead connection gives none."""


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
            connection = await connect(
                address.url,
                additional_headers=dict(address.headers),
                open_timeout=open_timeout_s,
                compression=None,  # base64 audio hardly compresses, and trying takes a whole core
                max_size=None,
                ping_interval=ping_s,
                ping_timeout=ping_s,
                close_timeout=CLOSE_TIMEOUT_S,
            )
        except websockets.InvalidStatus as error:
            raise handshake_refused(
                error.response.status_code, address.public_url, address.key_hint
            ) from None
        except (websockets.InvalidProxy, websockets.ProxyError) as error:
            raise CloseReason(
                f"the proxy refused the connection to {address.public_url} ({error})",
                hint="See the variables HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
            ) from None
        except websockets.InvalidHandshake as error:
            raise _no_handshake(error, address) from None
        except TimeoutError:
            text = f"{address.public_url} did not answer within {open_timeout_s:g} s"
            raise CloseReason(
                text, hint="Is it the right address, and is the network up?"
            ) from None
        except OSError as error:
            raise _no_network(error, address) from None
        except (websockets.InvalidURI, ValueError) as error:
            raise CloseReason(
                f"{address.public_url} is not a websocket address ({error})",
                fatal=True,
                hint="It should look like ws://127.0.0.1:8765/v1/realtime.",
            ) from None
        return cls(connection)

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


def _printable(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _no_handshake(error: websockets.InvalidHandshake, address: ServerAddress) -> CloseReason:
    if isinstance(error.__cause__, EOFError | ConnectionError):
        return CloseReason(f"{address.public_url} closed the connection before it was open")
    return CloseReason(
        f"{address.public_url} is not a Realtime server ({error})",
        fatal=True,
        hint="Check the address given to `--backend`.",
    )


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
    """Returns whether the server is on this machine."""
    host = urlsplit(address.url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _failed_locally(error: OSError) -> bool:
    """Returns whether the attempt failed on this machine already: no name, route or device."""
    return isinstance(error, socket.gaierror) or error.errno in (
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
    )
