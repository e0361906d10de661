"""The order in which a turn's and a reply's events come, and what is said to bring them about."""

from __future__ import annotations

from typing import Any

from tests.server.desk import SILENCE, Desk
from tests.server.engines import speech

TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
LADDER = [
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


def spoken(text: str, before: int = 1000, after: int = 800) -> bytes:
    """Speech with so many ms of silence around it."""
    return SILENCE * before + speech(text) + SILENCE * after


def vad(**fields: Any) -> dict[str, Any]:
    return {"type": "server_vad", **fields}


def response_of(desk: Desk) -> dict[str, Any]:
    """The newest response that is done."""
    found = desk.last("response.done")["response"]
    assert isinstance(found, dict)
    return found
