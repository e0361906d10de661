"""The rungs of one response: every event from `output_item.added` to `output_item.done`, in order.

Out of band (`conversation` None) the items are told in `response.*` events only.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from tui_voice.audio import pcm as pcm_format
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
from tui_voice.server.conversation import Conversation
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.items import ASSISTANT_MS_PER_TOKEN, Entry, Sound, Weight
from tui_voice.server.outbox import Outbox
from tui_voice.server.usage import Count

DELTA_MS = 100


class ResponseEmitter:
    """Builds the output items of one response. At most one message is open at a time."""

    def __init__(
        self,
        outbox: Outbox,
        response_id: str,
        conversation: Conversation | None,
        modality: str,
        form: AudioFormat,
    ) -> None:
        self._outbox, self._conversation = outbox, conversation
        self._modality, self._form = modality, form
        self._response_id = response_id
        self.entries: list[Entry] = []
        self._open: Entry | None = None
        self._text = ""
        self._made: list[str] = []
        """All texts and calls so far: a truncation takes them from the items, not from the bill."""
        self.voiced_ms = 0.0
        """How much audio was sent, over all items."""

    def text(self, delta: str) -> None:
        """More of a text message."""
        at = self._part()
        self._text += delta
        self._outbox.emit(ResponseOutputTextDelta(**at, delta=delta))

    def voice(self, delta: str, pcm: bytes, sent: bytes) -> None:
        """A clause: its words, its sound to keep (24 kHz) and to send (in the client's format)."""
        at = self._part()
        entry = self._opened()
        self._text += delta
        ms = pcm_format.duration_ms(pcm)
        self.voiced_ms += ms
        if entry.version == 0:  # truncated meanwhile: then nobody is to hear the rest
            kept = entry.sounds[0]
            kept.ms += ms
            kept.text = self._text
            kept.spans.append((kept.ms, delta))
            if kept.pcm is not None:
                kept.pcm += pcm
        self._outbox.emit(ResponseOutputAudioTranscriptDelta(**at, delta=delta))
        step = DELTA_MS * audio_formats.bytes_per_ms(self._form)
        for first in range(0, len(sent), step):
            self._outbox.emit(ResponseOutputAudioDelta(**at, delta=sent[first : first + step]))

    def call(self, call: ToolCall) -> None:
        """A function call, whole: upstream streams its arguments, here they come at once."""
        self.close("completed")
        call_id = self._outbox.ids("call")
        item = FunctionCall(
            id=self._outbox.ids("item"),
            object="realtime.item",
            status="in_progress",
            name=call.name,
            call_id=call_id,
            arguments="",
        )
        entry = Entry(item)
        self._add(entry)
        at: dict[str, Any] = {**self._place(), "item_id": entry.id, "call_id": call_id}
        self._outbox.emit(ResponseFunctionCallArgumentsDelta(**at, delta=call.arguments))
        self._outbox.emit(
            ResponseFunctionCallArgumentsDone(**at, arguments=call.arguments, name=call.name)
        )
        self._made.append(call.name + call.arguments)
        entry.item = replace(item, arguments=call.arguments, status="completed")
        entry.changed()
        self._done(entry)

    def close(self, status: str) -> None:
        """Ends the open message, if there is one: `completed` or `incomplete`."""
        entry, self._open = self._open, None
        if entry is None:
            return
        at = {**self._place(), "item_id": entry.id, "content_index": 0}
        text, self._text = self._text, ""
        self._made.append(text)
        if self._modality == "text":
            self._outbox.emit(ResponseOutputTextDone(**at, text=text))
            self._outbox.emit(ResponseContentPartDone(**at, part=TextPart(text=text)))
        else:
            self._outbox.emit(ResponseOutputAudioDone(**at))
            self._outbox.emit(ResponseOutputAudioTranscriptDone(**at, transcript=text))
            self._outbox.emit(ResponseContentPartDone(**at, part=AudioPart(transcript=text)))
        assert isinstance(entry.item, Message)
        if entry.version == 0:
            said = OutputText(text=text)
            voiced = OutputAudio(transcript=text)
            content = [said if self._modality == "text" else voiced]
            entry.item = replace(entry.item, content=content, status=status)
        else:
            entry.item = replace(entry.item, status=status)
        self._done(entry)

    def weight(self, count: Count) -> Weight:
        """Tokens of all that was made."""
        audio = math.ceil(self.voiced_ms / ASSISTANT_MS_PER_TOKEN)
        return Weight(sum(count(text) for text in (*self._made, self._text) if text), audio)

    @property
    def output(self) -> list[Item]:
        return [entry.item for entry in self.entries]

    def _opened(self) -> Entry:
        """The open message; a new one is announced."""
        if self._open is None:
            item = Message(
                role="assistant",
                content=[],
                id=self._outbox.ids("item"),
                object="realtime.item",
                status="in_progress",
            )
            self._open = Entry(item)
            self._add(self._open)
            written = self._modality == "text"
            empty: Any = TextPart() if written else AudioPart(transcript="")
            self._outbox.emit(
                ResponseContentPartAdded(
                    **self._place(), item_id=self._open.id, content_index=0, part=empty
                )
            )
            self._open.item = replace(item, content=[OutputText() if written else OutputAudio()])
            if not written:
                self._open.sounds[0] = Sound(bytearray(), text="")
        return self._open

    def _part(self) -> dict[str, Any]:
        entry = self._opened()
        return {**self._place(), "item_id": entry.id, "content_index": 0}

    def _place(self) -> dict[str, Any]:
        return {"response_id": self._response_id, "output_index": len(self.entries) - 1}

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._outbox.emit(ResponseOutputItemAdded(**self._place(), item=entry.item))
        if self._conversation is not None:
            previous = self._conversation.append(entry)
            self._outbox.emit(ConversationItemAdded(item=entry.item, previous_item_id=previous))

    def _done(self, entry: Entry) -> None:
        here = self._conversation
        if here is not None and here.get(entry.id) is entry:  # not deleted meanwhile
            previous = here.previous(entry)
            self._outbox.emit(ConversationItemDone(item=entry.item, previous_item_id=previous))
        self._outbox.emit(ResponseOutputItemDone(**self._place(), item=entry.item))
