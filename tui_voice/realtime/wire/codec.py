"""Decodes frames into events and encodes events into frames."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from .client import ClientEvent, InputAudioBufferAppend
from .schema import first_fault, without_invalid_parts
from .server import KnownServerEvent, ServerEvent, Unknown

_encoder = msgspec.json.Encoder()
_plain: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_server: msgspec.json.Decoder[KnownServerEvent] = msgspec.json.Decoder(KnownServerEvent)
_append = msgspec.json.Decoder(InputAudioBufferAppend)
_client_schema = inspect.type_info(ClientEvent)
_server_schema = inspect.type_info(KnownServerEvent)

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Raised by malformed or too deeply nested JSON; `MsgspecError` also by wrong types."""


class WireError(Exception):
    """Raised for a client's frame that is no valid event.

    `code`: error code of the API. `param`: path of the wrong field, or None. `event_id`: that of
    the client's event, or None.
    """

    def __init__(
        self, code: str, message: str, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id


def encode(event: msgspec.Struct) -> bytes:
    """Returns one JSON frame in UTF-8; unset fields are left out."""
    return _encoder.encode(event)


def decode_server(data: bytes | str) -> ServerEvent:
    """Returns the event of a server's frame; never raises.

    Unknown fields and invalid parts are left out. An event that cannot be decoded even so is
    `Unknown`, with type "" where it has no readable type.
    """
    try:
        return _server.decode(data)
    except _UNREADABLE:
        return _decode_valid_parts(data)


def _decode_valid_parts(data: bytes | str) -> ServerEvent:
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    try:
        frame = _plain.decode(data)
    except _UNREADABLE:
        return Unknown(type="", raw=raw)
    kind = frame.get("type") if isinstance(frame, dict) else None
    if not isinstance(kind, str):
        return Unknown(type="", raw=raw)
    try:
        event: ServerEvent = msgspec.convert(
            without_invalid_parts(_server_schema, frame), KnownServerEvent
        )
    except _UNREADABLE:
        return Unknown(type=kind, raw=raw)
    return event


def decode_client(data: bytes | str) -> ClientEvent:
    """Returns the event of a client's frame, checked strictly.

    Raises `WireError` with the first fault: for example an unknown field or a value that is not
    allowed.
    """
    try:
        return _append.decode(data)  # most frames are of this type
    except _UNREADABLE:
        pass
    try:
        frame = _plain.decode(data)
    except _UNREADABLE as error:
        raise WireError("invalid_json", f"The frame is not valid JSON: {error}.") from None
    if not isinstance(frame, dict):
        raise WireError("invalid_event", "An event must be a JSON object.")
    event_id = _event_id(frame)
    if fault := first_fault(_client_schema, frame):
        raise WireError(fault.code, fault.message, fault.param, event_id)
    event: ClientEvent = msgspec.convert(frame, ClientEvent)
    return event


def _event_id(frame: dict[str, Any]) -> str | None:
    event_id = frame.get("event_id")
    return event_id[:512] if isinstance(event_id, str) else None
