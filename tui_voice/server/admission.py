"""Checks an item that a client creates, and turns it into a stored item."""

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
from tui_voice.server.errors import (
    RefusedError,
    invalid_value,
    missing_parameter,
    string_too_long,
    unsupported_value,
)
from tui_voice.server.ids import IdFactory
from tui_voice.server.item_list import ROOT
from tui_voice.server.item_record import ItemRecord, StoredAudio

_CONTENT_TYPES = {
    "system": ["input_text"],
    "user": ["input_text", "input_audio", "input_image"],
    "assistant": ["output_text", "output_audio"],
}
"""Content types that the protocol allows, by role."""
MAX_TEXT_CHARS = 2**18
"""Of one text: more than the model's window holds. A longer one would keep the event loop busy."""
_ITEM_TYPES = ["message", "function_call", "function_call_output"]


def admit_item(
    item: Item,
    input_format: AudioFormat,
    new_id: IdFactory,
    call_ids: Collection[str],
    path: str = "item",
) -> ItemRecord:
    """Returns the item as it will be stored; raises `RefusedError` where it is not allowed.

    `input_format`: of the audio in it. `call_ids`: the calls that an output may answer. `path`:
    where the item is in the client's event, for the error.
    """
    if item.type not in _ITEM_TYPES:
        raise unsupported_value(item.type, _ITEM_TYPES, f"{path}.type")
    _check_id(item.id, f"{path}.id")
    common: dict[str, Any] = {
        "id": item.id if isinstance(item.id, str) else new_id("item"),
        "object": "realtime.item",
        "status": "completed",
    }
    for name in ("arguments", "output"):
        check_length(getattr(item, name, ""), f"{path}.{name}")
    match item:
        case Message():
            return _admit_message(replace(item, **common), input_format, path)
        case FunctionCall():
            call_id = item.call_id if item.call_id else new_id("call")
            return ItemRecord(replace(item, call_id=call_id, **common))
        case FunctionCallOutput() if item.call_id not in call_ids:
            raise invalid_value(
                f"Tool call id '{item.call_id}' not found in conversation.", f"{path}.call_id"
            )
    assert isinstance(item, FunctionCallOutput)
    return ItemRecord(replace(item, **common))


def check_length(text: object, path: str) -> None:
    """Raises `RefusedError` for a text of more than `MAX_TEXT_CHARS`."""
    if isinstance(text, str) and len(text) > MAX_TEXT_CHARS:
        raise string_too_long(path, MAX_TEXT_CHARS, len(text))


def _check_id(item_id: object, path: str) -> None:
    """Raises `RefusedError` where the client chose an id that is too long or reserved."""
    if not isinstance(item_id, str):
        return
    if len(item_id) > MAX_ID_LENGTH:
        raise string_too_long(path, MAX_ID_LENGTH, len(item_id))
    if item_id in ("", ROOT):
        raise invalid_value(f"Invalid '{path}': '{item_id}' cannot be an id.", path)


def _admit_message(item: Message, input_format: AudioFormat, path: str) -> ItemRecord:
    if not item.content:
        raise invalid_value(
            f"Invalid '{path}.content': expected at least one part.", f"{path}.content"
        )
    audio: dict[int, StoredAudio] = {}
    parts: list[ContentPart] = []
    for index, part in enumerate(item.content):
        part_path = f"{path}.content[{index}]"
        if part.type not in _CONTENT_TYPES[item.role]:
            raise unsupported_value(part.type, _CONTENT_TYPES[item.role], f"{part_path}.type")
        match part:
            case InputText(text=text) | OutputText(text=str(text)):
                check_length(text, f"{part_path}.text")
                parts.append(part)
            case InputAudio():
                audio[index] = _store_audio(part, input_format, part_path)
                parts.append(InputAudio(transcript=part.transcript or None))
            case InputImage():
                raise RefusedError(
                    "unsupported_content_type",
                    "This server's model cannot see images. Describe the image in words.",
                    f"{part_path}.type",
                )
            case _:  # assistant audio cannot be created by a client
                raise missing_parameter(f"{part_path}.text")
    return ItemRecord(replace(item, content=parts), audio)


def _store_audio(part: InputAudio, input_format: AudioFormat, path: str) -> StoredAudio:
    if not isinstance(part.audio, bytes):
        raise missing_parameter(f"{path}.audio")
    if not audio_formats.has_whole_samples(part.audio, input_format):
        raise invalid_value(
            f"Invalid '{path}.audio': expected whole 16-bit samples.", f"{path}.audio"
        )
    sound = audio_formats.decode(part.audio, input_format)
    return StoredAudio(bytearray(sound), audio_formats.duration_ms(part.audio, input_format))
