"""What servers send, as JSON frames through the real decoder, and what we send, as JSON."""

from __future__ import annotations

import base64
import json
from typing import Any

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.replies import Answer
from tui_voice.realtime.wire import ClientEvent, decode_client, decode_server, encode

MS = bytes(48)
"""One millisecond of silence: s16le, mono, 24 kHz."""


def price(usage: e.Usage) -> float:
    return usage.input / 1000 + usage.output / 100


def adapter(**fields: Any) -> Adapter:
    given = {"price": price, "transcription_price": lambda s, t: s + t / 10, **fields}
    return Adapter(**given)


def heard(adapter: Adapter, type: str, **fields: Any) -> list[Answer]:
    """What one frame of a server amounts to."""
    frame = json.dumps({"type": type, "event_id": "event_1", **fields})
    return list(adapter.receive(decode_server(frame)))


def sent(adapter: Adapter, effect: x.Effect) -> list[dict[str, Any]]:
    return [plain(event) for event in adapter.send(effect)]


def plain(event: ClientEvent) -> dict[str, Any]:
    """A message of ours as a strict server reads it."""
    frame = encode(event)
    decode_client(frame)  # raises where a server would refuse it
    loaded: dict[str, Any] = json.loads(frame)
    return loaded


def refused(adapter: Adapter, code: str | None, message: str, event_id: str | None) -> list[Answer]:
    detail = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    return heard(adapter, "error", error={**detail, "event_id": event_id})


def message(item_id: str, role: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    item = {"id": item_id, "object": "realtime.item", "type": "message", "role": role}
    return {**item, "status": "completed", "content": list(content), **more}


def call(item_id: str, call_id: str, **more: Any) -> dict[str, Any]:
    item = {"id": item_id, "type": "function_call", "status": "completed", "name": "recall"}
    return {**item, "call_id": call_id, "arguments": '{"query":"cat"}', **more}


def pcm(ms: int) -> str:
    return base64.b64encode(MS * ms).decode()


def response(response_id: str, status: str, *output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": response_id, "status": status, "output": list(output), **more}


USAGE = {
    "total_tokens": 300,
    "input_tokens": 250,
    "output_tokens": 50,
    "input_token_details": {
        "text_tokens": 150,
        "audio_tokens": 90,
        "image_tokens": 10,
        "cached_tokens": 128,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 40},
}
