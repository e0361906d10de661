"""One conversation item as the server stores it: the wire item, its audio, what the model reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from tui_voice.audio import pcm
from tui_voice.realtime.wire.items import (
    ContentPart,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    Item,
    Message,
    OutputAudio,
    words,
)
from tui_voice.realtime.wire.session import AudioFormat
from tui_voice.server import audio_formats
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.usage import (
    ASSISTANT_MS_PER_TOKEN,
    USER_MS_PER_TOKEN,
    CountTokens,
    TokenCount,
)


@dataclass(slots=True)
class StoredAudio:
    """The audio of one content part."""

    sound: bytearray | None
    """24 kHz s16le; None once it was deleted because the connection stored too much audio."""
    duration_ms: float = 0.0
    text: str | None = None
    """The transcript that the model reads; None until the audio is transcribed."""
    clauses: list[tuple[float, str]] = field(default_factory=list)
    """Of assistant audio: the ms at which each clause ends, and its text."""


@dataclass(slots=True, eq=False)
class ItemRecord:
    """`item` never contains audio; `audio` does, by content index."""

    item: Item
    audio: dict[int, StoredAudio] = field(default_factory=dict)
    version: int = 0
    """Counts changes of what the model reads; a prompt cached before a change ends at this item."""
    is_dropped: bool = False
    """The server truncated the item out of the model's window."""
    _tokens: TokenCount | None = None

    @property
    def id(self) -> str:
        return str(self.item.id)

    @property
    def is_transcribed(self) -> bool:
        """All audio of the item has a transcript, so a reply can be made from it."""
        return all(stored.text is not None for stored in self.audio.values())

    @property
    def is_assistant_message(self) -> bool:
        return isinstance(self.item, Message) and self.item.role == "assistant"

    def tokens(self, count_tokens: CountTokens) -> TokenCount:
        """Returns the tokens that a response pays for reading the item.

        User audio has one token per 100 ms and no text; assistant audio has one token per 50 ms
        and its transcript as text tokens.
        """
        if self._tokens is not None:
            return self._tokens
        ms_per_token = ASSISTANT_MS_PER_TOKEN if self.is_assistant_message else USER_MS_PER_TOKEN
        audio = sum(math.ceil(each.duration_ms / ms_per_token) for each in self.audio.values())
        tokens = TokenCount(count_tokens(self._counted_text()), audio)
        if getattr(self.item, "status", None) != "in_progress":  # an item in progress still grows
            self._tokens = tokens
        return tokens

    def mark_changed(self) -> None:
        """Records that the model now reads something else."""
        self.version += 1
        self._tokens = None

    def _counted_text(self) -> str:
        match self.item:
            case Message(content=content):
                return "".join(words(part) for part in content if not isinstance(part, InputAudio))
            case FunctionCall(name=name, arguments=arguments):
                return name + arguments
            case FunctionCallOutput(output=output):
                return output
        return ""

    def as_turn(self, function_names: dict[str, str]) -> ContextTurn:
        """Returns what the language model reads. `function_names`: by call id."""
        match self.item:
            case FunctionCall(name=name, arguments=arguments, call_id=call_id):
                return ContextTurn(self.id, "tool_call", arguments, name, str(call_id))
            case FunctionCallOutput(output=output, call_id=call_id):
                name = function_names.get(call_id, "")
                return ContextTurn(self.id, "tool_output", output, name, call_id)
            case Message(role=role, content=content):
                return ContextTurn(self.id, role, self._read_text(content))
        raise AssertionError("items of other types are not admitted")

    def _read_text(self, content: Sequence[ContentPart]) -> str:
        texts = [
            (self.audio[index].text or "") if index in self.audio else words(part)
            for index, part in enumerate(content)
        ]
        return " ".join(text for text in texts if text)

    def with_audio(self, audio_format: AudioFormat) -> Item:
        """Returns the item with its audio in it, for `conversation.item.retrieved`."""
        if not isinstance(self.item, Message):
            return self.item
        parts: list[Any] = list(self.item.content)
        for index, stored in self.audio.items():
            if stored.sound is not None:
                encoded = audio_formats.encode(bytes(stored.sound), audio_format)
                parts[index] = replace(parts[index], audio=encoded)
        return replace(self.item, content=parts)

    def set_transcript(self, index: int, text: str) -> None:
        """Puts the transcript into the wire item, so that the client can retrieve it."""
        assert isinstance(self.item, Message)
        parts: list[Any] = list(self.item.content)
        parts[index] = replace(parts[index], transcript=text)
        self.item = replace(self.item, content=parts)

    def cut_audio(self, index: int, end_ms: int) -> None:
        """Deletes the assistant audio after `end_ms` and the transcript on the wire item.

        The model goes on reading the words that were spoken until then: all complete clauses, and
        of the interrupted clause the first words in proportion to the time.
        """
        assert isinstance(self.item, Message)
        stored = self.audio[index]
        stored.text = _text_until(stored.clauses, end_ms)
        stored.clauses = [(end, text) for end, text in stored.clauses if end <= end_ms]
        stored.duration_ms = float(end_ms)
        if stored.sound is not None:
            del stored.sound[end_ms * pcm.BYTES_PER_MS :]
        parts: list[Any] = list(self.item.content)
        parts[index] = OutputAudio(transcript=UNSET)
        self.item = replace(self.item, content=parts)
        self.mark_changed()


def _text_until(clauses: list[tuple[float, str]], end_ms: int) -> str:
    """Returns the words spoken before `end_ms`."""
    spoken: list[str] = []
    start = 0.0
    for end, text in clauses:
        share = 1.0 if end <= end_ms else max(0.0, (end_ms - start) / (end - start))
        words_of_clause = text.split()
        spoken += words_of_clause[: math.floor(len(words_of_clause) * share)]
        start = end
    return " ".join(spoken)
