"""Sends the events of a response's output items, from `response.output_item.added` to
`response.output_item.done`, in the order that the API has.

The items of an out-of-band response are sent in `response.*` events only; those of an ordinary
response are also added to the conversation and sent in `conversation.item.added` and `.done`.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from tui_voice.audio import pcm
from tui_voice.realtime.wire.items import (
    AudioPart,
    FunctionCall,
    Item,
    Message,
    OutputAudio,
    OutputText,
    TextPart,
)
from tui_voice.realtime.wire.server import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)
from tui_voice.realtime.wire.session import AudioFormat
from tui_voice.server import audio_formats
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord, StoredAudio
from tui_voice.server.output_queue import OutputQueue
from tui_voice.server.usage import ASSISTANT_MS_PER_TOKEN, CountTokens, TokenCount

DELTA_MS = 100
"""Audio in one `response.output_audio.delta`."""


class ResponseEmitter:
    """Builds the output items of one response; at most one message is open at a time.

    `items` is None for an out-of-band response.
    """

    def __init__(
        self,
        queue: OutputQueue,
        response_id: str,
        items: ItemList | None,
        modality: str,
        audio_format: AudioFormat,
    ) -> None:
        self._queue, self._items = queue, items
        self._modality, self._audio_format = modality, audio_format
        self._response_id = response_id
        self._records: list[ItemRecord] = []
        self._open_message: ItemRecord | None = None
        self._text = ""
        """Text of the open message."""
        self._closed_texts: list[str] = []
        """Texts and calls of closed items, for the token count: a truncation by the client takes
        text from the items, but not from the usage."""
        self.audio_ms = 0.0
        """Audio sent, over all items."""

    def add_text(self, delta: str) -> None:
        """Sends `response.output_text.delta`."""
        place = self._content_place()
        self._text += delta
        self._queue.send(ResponseOutputTextDelta(**place, delta=delta))

    def add_speech(self, delta: str, sound: bytes, encoded: bytes) -> None:
        """Sends one clause: `response.output_audio_transcript.delta`, then audio deltas.

        `sound` (24 kHz s16le) is stored; `encoded`, in the client's format, is sent.
        """
        place = self._content_place()
        record = self._message()
        self._text += delta
        ms = pcm.duration_ms(sound)
        self.audio_ms += ms
        if record.version == 0:  # the client has not truncated the item: store this clause, too
            stored = record.audio[0]
            stored.duration_ms += ms
            stored.text = self._text
            stored.clauses.append((stored.duration_ms, delta))
            if stored.sound is not None:
                stored.sound += sound
        self._queue.send(ResponseOutputAudioTranscriptDelta(**place, delta=delta))
        step = DELTA_MS * audio_formats.bytes_per_ms(self._audio_format)
        for start in range(0, len(encoded), step):
            self._queue.send(ResponseOutputAudioDelta(**place, delta=encoded[start : start + step]))

    def add_function_call(self, call: ToolCall) -> None:
        """Sends a function call with all its arguments in one delta."""
        self.close_message("completed")
        call_id = self._queue.new_id("call")
        item = FunctionCall(
            id=self._queue.new_id("item"),
            object="realtime.item",
            status="in_progress",
            name=call.name,
            call_id=call_id,
            arguments="",
        )
        record = ItemRecord(item)
        self._add_item(record)
        place: dict[str, Any] = {**self._place(), "item_id": record.id, "call_id": call_id}
        self._queue.send(ResponseFunctionCallArgumentsDelta(**place, delta=call.arguments))
        self._queue.send(
            ResponseFunctionCallArgumentsDone(**place, arguments=call.arguments, name=call.name)
        )
        self._closed_texts.append(call.name + call.arguments)
        record.item = replace(item, arguments=call.arguments, status="completed")
        record.mark_changed()
        self._finish_item(record)

    def close_message(self, status: str) -> None:
        """Sends the closing events of the open message, if there is one.

        `status`: `completed` or `incomplete`.
        """
        record, self._open_message = self._open_message, None
        if record is None:
            return
        place = {**self._place(), "item_id": record.id, "content_index": 0}
        text, self._text = self._text, ""
        self._closed_texts.append(text)
        if self._modality == "text":
            self._queue.send(ResponseOutputTextDone(**place, text=text))
            self._queue.send(ResponseContentPartDone(**place, part=TextPart(text=text)))
        else:
            self._queue.send(ResponseOutputAudioDone(**place))
            self._queue.send(ResponseOutputAudioTranscriptDone(**place, transcript=text))
            self._queue.send(ResponseContentPartDone(**place, part=AudioPart(transcript=text)))
        assert isinstance(record.item, Message)
        record.item = replace(record.item, status=status)
        if record.version == 0:  # a truncation by the client has set the content already
            is_text = self._modality == "text"
            part = OutputText(text=text) if is_text else OutputAudio(transcript=text)
            record.item = replace(record.item, content=[part])
        self._finish_item(record)

    def output_tokens(self, count_tokens: CountTokens) -> TokenCount:
        """Returns the tokens of everything sent so far."""
        audio = math.ceil(self.audio_ms / ASSISTANT_MS_PER_TOKEN)
        texts = (*self._closed_texts, self._text)
        return TokenCount(sum(count_tokens(text) for text in texts if text), audio)

    @property
    def output(self) -> list[Item]:
        """The items, for `response.done`."""
        return [record.item for record in self._records]

    def _message(self) -> ItemRecord:
        """Returns the open message; opens one and sends its first events where there is none."""
        if self._open_message is not None:
            return self._open_message
        item = Message(
            role="assistant",
            content=[],
            id=self._queue.new_id("item"),
            object="realtime.item",
            status="in_progress",
        )
        record = self._open_message = ItemRecord(item)
        self._add_item(record)
        is_text = self._modality == "text"
        empty_part: Any = TextPart() if is_text else AudioPart(transcript="")
        self._queue.send(
            ResponseContentPartAdded(
                **self._place(), item_id=record.id, content_index=0, part=empty_part
            )
        )
        record.item = replace(item, content=[OutputText() if is_text else OutputAudio()])
        if not is_text:
            record.audio[0] = StoredAudio(bytearray(), text="")
        return record

    def _content_place(self) -> dict[str, Any]:
        """Returns the fields that say where a delta belongs."""
        record = self._message()
        return {**self._place(), "item_id": record.id, "content_index": 0}

    def _place(self) -> dict[str, Any]:
        return {"response_id": self._response_id, "output_index": len(self._records) - 1}

    def _add_item(self, record: ItemRecord) -> None:
        self._records.append(record)
        self._queue.send(ResponseOutputItemAdded(**self._place(), item=record.item))
        if self._items is not None:
            previous_id = self._items.append(record)
            self._queue.send(ConversationItemAdded(item=record.item, previous_item_id=previous_id))

    def _finish_item(self, record: ItemRecord) -> None:
        if self._items is not None and self._items.contains(record):  # not deleted by the client
            previous_id = self._items.previous_id(record)
            self._queue.send(ConversationItemDone(item=record.item, previous_item_id=previous_id))
        self._queue.send(ResponseOutputItemDone(**self._place(), item=record.item))
