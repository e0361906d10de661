"""JSON frames as a server sends them, read by the real decoder, and our messages as JSON."""

from __future__ import annotations

import base64
import json
from itertools import count
from typing import Any

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import Incoming, Outgoing, Resend
from tui_voice.protocol.session_config import Pricing
from tui_voice.realtime.event_translator import EventTranslator
from tui_voice.realtime.wire import ClientEvent, decode_client, decode_server, encode

_numbers = count()
MS = bytes(BYTES_PER_MS)
"""One millisecond of silence: 16-bit PCM, mono, 24 kHz."""


def price(usage: e.Usage) -> float:
    return usage.input / 1000 + usage.output / 100


def new_translator(
    *, audio: bool = True, manual: bool = False, uncertain_below: float = 0.0
) -> EventTranslator:
    """Returns a translator with prices that make the usage visible in the events."""
    pricing = Pricing(reply=price, transcription=lambda seconds, tokens: seconds + tokens / 10)
    return EventTranslator(
        audio=audio, manual=manual, pricing=pricing, uncertain_below=uncertain_below
    )


def received(translator: EventTranslator, type: str, **fields: Any) -> list[Incoming | Resend]:
    """Returns what one frame of a server means."""
    frame = json.dumps({"type": type, "event_id": f"event_{next(_numbers)}", **fields})
    return list(translator.receive(decode_server(frame)))


def encoded(translator: EventTranslator, outgoing: Outgoing) -> list[dict[str, Any]]:
    """Returns the messages for it as JSON."""
    return [as_json(event) for event in translator.encode(outgoing)]


def as_json(event: ClientEvent) -> dict[str, Any]:
    """Returns one of our messages as a strict server reads it."""
    frame = encode(event)
    decode_client(frame)  # raises where a server would refuse it
    loaded: dict[str, Any] = json.loads(frame)
    return loaded


def received_error(
    translator: EventTranslator, code: str | None, message: str, event_id: str | None
) -> list[Incoming | Resend]:
    """Returns what an `error` event means."""
    detail = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    return received(translator, "error", error={**detail, "event_id": event_id})


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
