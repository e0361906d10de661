"""Why a WebSocket was closed or refused, in one sentence, and what the user can do about it."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import websockets
from websockets.http11 import Response

from tui_voice.protocol.close_reason import CloseReason

_MODEL = "Name another with `--model`, such as gpt-realtime-2.1."
_QUOTA = "See your plan and billing with the provider, or talk offline with `--backend local`."
_UPDATE = "This server speaks another version of the protocol than this program."

FATAL: dict[str, tuple[str, str]] = {
    "invalid_api_key": ("the server refused the key", ""),
    "missing_model": ("the server requires the name of a model", _MODEL),
    "invalid_model": ("the server does not know this model", _MODEL),
    "model_not_found": ("the server does not know this model", _MODEL),
    "beta_api_shape_disabled": ("the server refused this version of the protocol", _UPDATE),
    "insufficient_quota": ("the account has no quota left", _QUOTA),
    "account_deactivated": ("the account is deactivated", _QUOTA),
    "billing_hard_limit_reached": ("the account's spending limit is reached", _QUOTA),
    "credit_balance_exhausted": ("the account's credit is used up", _QUOTA),
}
"""Error codes after which another attempt fails as well: what each means, and its remedy ("" for
the remedy of a wrong key, which depends on the service).
"""

LONGEST_WAIT_S = 900.0
"""Where a server asks for a longer wait, in seconds, only the user begins the next attempt."""

_CLOSES = {
    1000: "the server closed the connection",
    1001: "the server went away",
    1009: "the server found a message too large",
    1011: "the server had an internal error",
    1012: "the server is restarting",
    1013: "the server is overloaded",
}


def closed(
    error: websockets.ConnectionClosed, key_hint: str = "", code: str = "", message: str = ""
) -> CloseReason:
    """Returns why an open connection ended. `key_hint`: what to do where the server refused the
    key. `code`, `message`: of the `error` event that came right before the end.
    """
    frame = error.rcvd
    if frame is None:
        unanswered = error.sent is not None and error.sent.code == 1011
        broke = "the server stopped answering" if unanswered else "the connection broke"
        return _fatal(code, message, key_hint, None) or CloseReason(broke)
    number, said = frame.code, frame.reason or ""
    prefix, _, named = said.rpartition(".")
    name = named if prefix == "invalid_request_error" else code
    if end := _fatal(name, message, key_hint, number):
        return end
    if number in (3000, 4000):
        text = message or said or "the server refused the session"
        return CloseReason(text, number, True, key_hint if number == 3000 else "")
    if "maximum duration" in said or code == "session_expired":
        return CloseReason("the server's time limit for one session was reached", number)
    usual = _CLOSES.get(number, f"the server closed the connection ({number})")
    detail = said or message
    return CloseReason(f"{usual}: {detail}" if detail else usual, number)


def handshake_refused(response: Response, place: str, key_hint: str) -> CloseReason:
    """Returns what it means that a server answered the handshake with this HTTP response."""
    status = response.status_code
    if 300 <= status < 400:
        return _redirect(response, place)
    if status in (401, 403):
        return CloseReason(f"{place} refused the key (HTTP {status})", status, True, key_hint)
    if status == 404:
        text = f"{place} does not know this address or model (HTTP 404)"
        return CloseReason(text, status, True, _MODEL)
    text = f"{place} answered HTTP {status}"
    if 400 <= status < 500 and status not in (408, 425, 429):
        return CloseReason(text, status, True, "Check the address given to `--backend`.")
    if status == 429:
        text = f"{place} is limiting requests (HTTP 429)"
    wait_s = retry_after_s(response.headers.get("Retry-After"))
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        text += f", and asks for a wait of {wait_s / 60:.0f} minutes"
        return CloseReason(text, status, True, "Try again then, or talk with another backend.")
    return CloseReason(text, status, retry_after_s=wait_s)


def retry_after_s(header: str | None) -> float | None:
    """Returns the seconds that a `Retry-After` header asks for: a number, or an HTTP date.

    None where there is no header that can be read. Source: RFC 9110, 10.2.3.
    """
    if header is None:
        return None
    text = header.strip()
    try:
        if text.isascii() and text.isdigit():
            return float(text[:9])
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _redirect(response: Response, place: str) -> CloseReason:
    """A redirect is not followed: the headers of the request hold the key."""
    location = urlsplit(response.headers.get("Location", ""))
    target = urlunsplit(
        (location.scheme, location.netloc.rpartition("@")[2], location.path, "", "")
    )
    return CloseReason(
        f"{place} redirects to {target or 'another address'}, which is not followed: the key would "
        "go there",
        response.status_code,
        True,
        "If you trust that address, give it to `--backend`.",
    )


def _fatal(name: str, message: str, key_hint: str, number: int | None) -> CloseReason | None:
    if name not in FATAL:
        return None
    meaning, hint = FATAL[name]
    return CloseReason(message or meaning, number, True, hint or key_hint)
