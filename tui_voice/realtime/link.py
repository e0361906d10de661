"""The websocket to a Realtime server: how it opens, and how to say why it did not or broke."""

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

from tui_voice.realtime.close_reasons import CloseReason, refused

OPENAI_URL = "wss://api.openai.com/v1/realtime"
OPEN_TIMEOUT_S = 15.0
CLOSE_TIMEOUT_S = 1.0
PING_S = 15.0
"""A line that leaves a ping unanswered for so long is taken for broken; pinged as often."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server to talk to. `headers` may hold a key: never log them."""

    url: str
    headers: Mapping[str, str]
    key_hint: str = "Check the key for this server."
    """What the user can do when the service refuses the key."""

    @property
    def place(self) -> str:
        """The address without query, name or password, fit to be shown."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))


def with_query(url: str, **query: str) -> str:
    """`url` with more query parameters."""
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, joined, ""))


class Link:
    """One open connection: text frames in and out."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(
        cls, target: Target, open_timeout_s: float = OPEN_TIMEOUT_S, ping_s: float = PING_S
    ) -> Link:
        """Connects; raises `CloseReason` with the reason and what to do about it."""
        if any(not _printable(value) for value in target.headers.values()):
            # Checked here, since the library's own complaint would quote the key.
            text = "the key has characters that no key has"
            raise CloseReason(text, fatal=True, hint="Copy it once more.")
        try:
            connection = await connect(
                target.url,
                additional_headers=dict(target.headers),
                open_timeout=open_timeout_s,
                compression=None,  # base64 of noise does not compress, and costs a core
                max_size=None,
                ping_interval=ping_s,
                ping_timeout=ping_s,
                close_timeout=CLOSE_TIMEOUT_S,  # a line that is dead says no goodbye
            )
        except websockets.InvalidStatus as error:
            raise refused(error.response.status_code, target.place, target.key_hint) from None
        except (websockets.InvalidProxy, websockets.ProxyError) as error:
            raise CloseReason(
                f"the proxy does not let us through to {target.place} ({error})",
                hint="See the variables HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
            ) from None
        except websockets.InvalidHandshake as error:
            raise _no_handshake(error, target) from None
        except TimeoutError:
            text = f"{target.place} did not answer within {open_timeout_s:g} s"
            raise CloseReason(
                text, hint="Is it the right address, and is the network up?"
            ) from None
        except OSError as error:
            raise _no_network(error, target) from None
        except (websockets.InvalidURI, ValueError) as error:
            raise CloseReason(
                f"{target.place} is not a websocket address ({error})",
                fatal=True,
                hint="It should look like ws://127.0.0.1:8765/v1/realtime.",
            ) from None
        return cls(connection)

    async def send(self, frame: bytes) -> None:
        """One text frame; waits while the line is full. Raises `ConnectionClosed`."""
        await self._connection.send(frame, text=True)

    async def receive(self) -> bytes:
        """The next frame. Raises `ConnectionClosed` when the line has ended."""
        return await self._connection.recv(decode=False)

    async def lives(self, within_s: float) -> bool:
        """Whether the other end answers a ping in time. Raises `ConnectionClosed`."""
        answered = await self._connection.ping()
        try:
            await asyncio.wait_for(answered, within_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Says goodbye; waits for the answer no longer than a second."""
        await self._connection.close()


def _printable(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _no_handshake(error: websockets.InvalidHandshake, target: Target) -> CloseReason:
    if isinstance(error.__cause__, EOFError | ConnectionError):
        return CloseReason(f"{target.place} hung up before the line was open")
    return CloseReason(
        f"{target.place} is not a Realtime server ({error})",
        fatal=True,
        hint="Check the address given to `--backend`.",
    )


def _no_network(error: OSError, target: Target) -> CloseReason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CloseReason(
            f"{target.place} cannot prove who it is ({error.verify_message})",
            fatal=True,
            hint="Check the address, the clock of this machine, and SSL_CERT_FILE.",
        )
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return CloseReason(
            f"nobody answers at {target.place}", cheap=_is_near(target) or _gone(error)
        )
    if isinstance(error, ConnectionError):
        return CloseReason(
            f"{target.place} hung up before the line was open", cheap=_is_near(target)
        )
    text = f"no network to {target.place} ({error.strerror or error})"
    return CloseReason(text, cheap=_gone(error))


def _is_near(target: Target) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(target.url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _gone(error: OSError) -> bool:
    """Whether this machine itself knows of no way there: no name, no route, no device."""
    return isinstance(error, socket.gaierror) or error.errno in (
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
    )
