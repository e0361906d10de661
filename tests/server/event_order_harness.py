"""The order of events of a spoken turn and of a spoken response, and helpers to cause them."""

from __future__ import annotations

from typing import Any

from tests.server.protocol_harness import SILENCE, ProtocolClient
from tests.server.toy_engines_harness import speech

TURN_EVENTS = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
RESPONSE_EVENTS = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def speech_with_silence(text: str, before: int = 1000, after: int = 800) -> bytes:
    """Returns speech with `before` and `after` ms of silence around it."""
    return SILENCE * before + speech(text) + SILENCE * after


def server_vad(**fields: Any) -> dict[str, Any]:
    return {"type": "server_vad", **fields}


def last_response(client: ProtocolClient) -> dict[str, Any]:
    """Returns the response of the newest `response.done`."""
    response = client.last_event("response.done")["response"]
    assert isinstance(response, dict)
    return response
