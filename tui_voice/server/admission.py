"""Which items a client may create (the protocol's table of items), and in which words not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from tui_voice.realtime.wire.items import (
    MAX_ID_LENGTH,
    ContentPart,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    Message,
    OutputText,
)
from tui_voice.realtime.wire.session import AudioFormat
from tui_voice.server import audio_formats
from tui_voice.server.errors import RefusedError, missing, not_allowed, too_long, wrong_value
from tui_voice.server.ids import Ids
from tui_voice.server.items import Entry, Sound

_ALLOWED = {
    "system": ["input_text"],
    "user": ["input_text", "input_audio", "input_image"],
    "assistant": ["output_text", "output_audio"],
}
_KINDS = ["message", "function_call", "function_call_output"]


def admitted(
    item: Item, form: AudioFormat, ids: Ids, calls: Collection[str], path: str = "item"
) -> Entry:
    """The item as it will stand in the conversation. Raises `RefusedError`.

    `form`: of the audio in it; `calls`: the call ids that an output may answer.
    """
    if item.type not in _KINDS:
        raise not_allowed(item.type, _KINDS, f"{path}.type")
    chosen = item.id
    if isinstance(chosen, str):
        if len(chosen) > MAX_ID_LENGTH:
            raise too_long(f"{path}.id", MAX_ID_LENGTH, len(chosen))
        if chosen in ("", "root"):
            raise wrong_value(f"Invalid '{path}.id': '{chosen}' cannot be an id.", f"{path}.id")
    item_id = chosen if isinstance(chosen, str) else ids("item")
    common: dict[str, Any] = {"id": item_id, "object": "realtime.item", "status": "completed"}
    match item:
        case Message():
            return _message(replace(item, **common), form, path)
        case FunctionCall():
            call_id = item.call_id if item.call_id else ids("call")
            return Entry(replace(item, call_id=call_id, **common))
        case FunctionCallOutput() if item.call_id not in calls:
            raise wrong_value(
                f"Tool call id '{item.call_id}' not found in conversation.", f"{path}.call_id"
            )
    assert isinstance(item, FunctionCallOutput)
    return Entry(replace(item, **common))


def _message(item: Message, form: AudioFormat, path: str) -> Entry:
    if not item.content:
        raise wrong_value(
            f"Invalid '{path}.content': expected at least one part.", f"{path}.content"
        )
    sounds: dict[int, Sound] = {}
    parts: list[ContentPart] = []
    for index, part in enumerate(item.content):
        here = f"{path}.content[{index}]"
        if part.type not in _ALLOWED[item.role]:
            raise not_allowed(part.type, _ALLOWED[item.role], f"{here}.type")
        match part:
            case InputText():
                parts.append(part)
            case OutputText(text=str()):
                parts.append(part)
            case InputAudio():
                sounds[index] = _recording(part, form, here)
                parts.append(InputAudio(transcript=part.transcript or None))
            case InputImage():
                raise RefusedError(
                    "unsupported_content_type",
                    "This server's model cannot see images. Say in words what is in it.",
                    f"{here}.type",
                )
            case _:  # the model's voice cannot be given back to it
                raise missing(f"{here}.text")
    return Entry(replace(item, content=parts), sounds)


def _recording(part: InputAudio, form: AudioFormat, path: str) -> Sound:
    if not isinstance(part.audio, bytes):
        raise missing(f"{path}.audio")
    if not audio_formats.has_whole_samples(part.audio, form):
        raise wrong_value(
            f"Invalid '{path}.audio': expected whole 16-bit samples.", f"{path}.audio"
        )
    pcm = audio_formats.decode(part.audio, form)
    return Sound(bytearray(pcm), audio_formats.duration_ms(part.audio, form))
