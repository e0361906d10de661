"""Why a WebSocket was closed or refused, in one sentence, and what the user can do about it."""

from __future__ import annotations

import websockets

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


def handshake_refused(status: int, place: str, key_hint: str) -> CloseReason:
    """Returns what it means that a server answered the handshake with this HTTP status."""
    if status in (401, 403):
        return CloseReason(f"{place} refused the key (HTTP {status})", status, True, key_hint)
    if status == 404:
        text = f"{place} does not know this address or model (HTTP 404)"
        return CloseReason(text, status, True, _MODEL)
    if status == 429:
        return CloseReason(f"{place} is limiting requests (HTTP 429)", status)
    if 400 <= status < 500 and status != 408:
        hint = "Check the address given to `--backend`."
        return CloseReason(f"{place} answered HTTP {status}", status, True, hint)
    return CloseReason(f"{place} answered HTTP {status}", status)


def _fatal(name: str, message: str, key_hint: str, number: int | None) -> CloseReason | None:
    if name not in FATAL:
        return None
    meaning, hint = FATAL[name]
    return CloseReason(message or meaning, number, True, hint or key_hint)
