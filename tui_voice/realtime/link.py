"""The websocket to a Realtime server: how it opens, and how to say why it did not or broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import websockets
from websockets.asyncio.client import ClientConnection, connect

OPENAI_URL = "wss://api.openai.com/v1/realtime"
OPEN_TIMEOUT_S = 15.0
FATAL_CODES = frozenset(
    {
        "invalid_api_key",
        "missing_model",
        "invalid_model",
        "model_not_found",
        "beta_api_shape_disabled",
        "insufficient_quota",
        "account_deactivated",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
    }
)
"""Error codes after which trying again is of no use."""

_KEY_HINT = "Check OPENAI_API_KEY, or talk offline with `--backend local`."
_MODEL_HINT = "Name another with `--model`, such as gpt-realtime-2.1."
_QUOTA_HINT = "See your plan and billing with the provider, or talk offline with `--backend local`."
_HINTS = {
    "invalid_api_key": _KEY_HINT,
    "missing_model": _MODEL_HINT,
    "invalid_model": _MODEL_HINT,
    "model_not_found": _MODEL_HINT,
    "insufficient_quota": _QUOTA_HINT,
    "account_deactivated": _QUOTA_HINT,
    "billing_hard_limit_reached": _QUOTA_HINT,
    "credit_balance_exhausted": _QUOTA_HINT,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A server to talk to. `headers` may hold a key: never log them."""

    url: str
    headers: Mapping[str, str]
    kind: str = "openai"

    @property
    def place(self) -> str:
        """The address without query, fit to be shown."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


@dataclass(frozen=True, slots=True)
class LinkEnd(Exception):  # noqa: N818  (an end, not always an error)
    """Why there is no line. `fatal`: trying again is of no use before the user does something."""

    reason: str
    code: int | None = None
    fatal: bool = False
    hint: str = ""

    def __str__(self) -> str:
        return self.reason


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
    async def open(cls, target: Target) -> Link:
        """Connects; raises `LinkEnd` with the reason and what to do about it."""
        try:
            connection = await connect(
                target.url,
                additional_headers=dict(target.headers),
                open_timeout=OPEN_TIMEOUT_S,
                compression=None,  # base64 of noise does not compress, and costs a core
                max_size=None,
                ping_interval=20,
                ping_timeout=20,
            )
        except websockets.InvalidStatus as error:
            raise _refused(error.response.status_code, target) from None
        except websockets.InvalidHandshake as error:
            raise LinkEnd(
                f"{target.place} is not a Realtime server ({error})",
                fatal=True,
                hint="Check the address given to `--backend`.",
            ) from None
        except (websockets.InvalidURI, ValueError) as error:
            raise LinkEnd(
                f"{target.place} is not a websocket address ({error})",
                fatal=True,
                hint="It should look like ws://127.0.0.1:8765/v1/realtime.",
            ) from None
        except TimeoutError:
            raise LinkEnd(f"{target.place} did not answer within {OPEN_TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise LinkEnd(_no_network(error, target)) from None
        return cls(connection)

    async def send(self, frame: bytes) -> None:
        """One text frame; waits while the line is full. Raises `ConnectionClosed`."""
        await self._connection.send(frame, text=True)

    async def frames(self) -> AsyncIterator[bytes]:
        """Text frames as bytes until the line ends; then raises `ConnectionClosed`."""
        while True:
            yield await self._connection.recv(decode=False)

    async def close(self) -> None:
        """Says goodbye; waits for the answer no longer than a second."""
        try:
            async with asyncio.timeout(1):
                await self._connection.close()
        except TimeoutError:
            self._connection.transport.abort()


def explain_close(error: websockets.ConnectionClosed, code: str = "", message: str = "") -> LinkEnd:
    """Why an open line ended. `code`, `message`: of the last `error` event before the end."""
    frame = error.rcvd
    number = frame.code if frame else None
    said = (frame.reason if frame else "") or ""
    name = said.rsplit(".", 1)[-1] if said.startswith("invalid_request_error.") else code
    fatal = name in FATAL_CODES or number in (3000, 4000)
    if number == 1001 and "maximum duration" in said:
        return LinkEnd("the server's time limit for one session was reached", number)
    if fatal:
        hint = _HINTS.get(name, _KEY_HINT if number == 3000 else _MODEL_HINT)
        return LinkEnd(message or said or "the server refused the session", number, True, hint)
    reason = said or message or ("the connection broke" if number is None else f"closed ({number})")
    return LinkEnd(reason, number)


def _refused(status: int, target: Target) -> LinkEnd:
    if status in (401, 403):
        return LinkEnd(f"{target.place} refused the key (HTTP {status})", status, True, _KEY_HINT)
    if status == 404:
        return LinkEnd(
            f"{target.place} does not know this address or model (HTTP 404)",
            status,
            True,
            _MODEL_HINT,
        )
    if status == 429:
        return LinkEnd(f"{target.place} is limiting requests (HTTP 429)", status)
    return LinkEnd(f"{target.place} answered HTTP {status}", status, fatal=400 <= status < 500)


def _no_network(error: OSError, target: Target) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return f"nobody answers at {target.place}"
    return f"no network to {target.place} ({error.strerror or error})"
