"""Why there is no line (any more), in a sentence, and what the user can do about it."""

from __future__ import annotations

import websockets

_MODEL = "Name another with `--model`, such as gpt-realtime-2.1."
_QUOTA = "See your plan and billing with the provider, or talk offline with `--backend local`."
_UPDATE = "This server speaks another version of the protocol than this program."

FATAL: dict[str, tuple[str, str]] = {
    "invalid_api_key": ("the server refused the key", ""),
    "missing_model": ("the server wants a model to be named", _MODEL),
    "invalid_model": ("the server does not know this model", _MODEL),
    "model_not_found": ("the server does not know this model", _MODEL),
    "beta_api_shape_disabled": ("the server refused how we speak to it", _UPDATE),
    "insufficient_quota": ("the account has no quota left", _QUOTA),
    "account_deactivated": ("the account is deactivated", _QUOTA),
    "billing_hard_limit_reached": ("the account's spending limit is reached", _QUOTA),
    "credit_balance_exhausted": ("the account's credit is used up", _QUOTA),
}
"""Error codes after which trying again is of no use: what they mean, and the remedy ("" for the
key's, which depends on the service)."""

_CLOSES = {
    1000: "the server closed the line",
    1001: "the server went away",
    1009: "the server found a message too large",
    1011: "the server failed inside",
    1012: "the server is restarting",
    1013: "the server is overloaded",
}


class CloseReason(Exception):  # noqa: N818  (an end, not always an error)
    """Why there is no line. `code`: of the close, or the HTTP status. `fatal`: trying again is of
    no use before the user does something. `cheap`: the try never left this machine, so that it
    can be repeated often.
    """

    def __init__(
        self,
        reason: str,
        code: int | None = None,
        fatal: bool = False,
        hint: str = "",
        cheap: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.fatal = fatal
        self.hint = hint
        self.cheap = cheap


def closed(
    error: websockets.ConnectionClosed, key_hint: str = "", code: str = "", message: str = ""
) -> CloseReason:
    """Why an open line ended. `key_hint`: see `Target`. `code`, `message`: of an `error` event
    right before the end.
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
    usual = _CLOSES.get(number, f"the server closed the line ({number})")
    detail = said or message
    return CloseReason(f"{usual}: {detail}" if detail else usual, number)


def refused(status: int, place: str, key_hint: str) -> CloseReason:
    """Why a server answered the handshake with this HTTP status."""
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
