"""One conversation item as the server keeps it: the wire's view, the model's view, the sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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

USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50


@dataclass(slots=True)
class Sound:
    """One audio part: `pcm` at 24 kHz, gone (None) where the connection's store was full."""

    pcm: bytearray | None
    ms: float = 0.0
    text: str | None = None
    """What is said in it, as the model is told; None while it is still being written down."""
    spans: list[tuple[float, str]] = field(default_factory=list)
    """Of the model's own voice: each clause and the ms at which it ends."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Tokens by modality."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        return self.text + self.audio


@dataclass(slots=True)
class Entry:
    """`item` never holds audio; `sounds` does, by content index."""

    item: Item
    sounds: dict[int, Sound] = field(default_factory=dict)
    version: int = 0
    """Goes up when what the model reads of it changes: a cached prompt ends before it."""
    dropped: bool = False
    """Truncated out of the model's window by the server."""
    _weight: Weight | None = None

    @property
    def id(self) -> str:
        return str(self.item.id)

    @property
    def unwritten(self) -> bool:
        """Some of its sound has no words yet, so that no reply can be made from it."""
        return any(each.text is None for each in self.sounds.values())

    def weight(self, count: Callable[[str], int]) -> Weight:
        """What it costs to read: user audio a token per 100 ms, assistant audio per 50 ms and
        its transcript as text. `count`: tokens of a text."""
        if self._weight is not None:
            return self._weight
        ours = isinstance(self.item, Message) and self.item.role == "assistant"
        per = ASSISTANT_MS_PER_TOKEN if ours else USER_MS_PER_TOKEN
        audio = sum(math.ceil(each.ms / per) for each in self.sounds.values())
        found = Weight(count(self._read_text()), audio)
        if getattr(self.item, "status", None) != "in_progress":  # it still grows
            self._weight = found
        return found

    def changed(self) -> None:
        """The model would read it otherwise than before."""
        self.version += 1
        self._weight = None

    def _read_text(self) -> str:
        match self.item:
            case Message(content=content):
                texts = [words(p) for p in content if not isinstance(p, InputAudio)]
                return "".join(texts)
            case FunctionCall(name=name, arguments=arguments):
                return name + arguments
            case FunctionCallOutput(output=output):
                return output
        return ""

    def turn(self, names: dict[str, str]) -> ContextTurn:
        """What a language model is told. `names`: function names by call id."""
        match self.item:
            case FunctionCall(name=name, arguments=arguments, call_id=call_id):
                return ContextTurn(self.id, "tool_call", arguments, name, str(call_id))
            case FunctionCallOutput(output=output, call_id=call_id):
                name = names.get(call_id, "")
                return ContextTurn(self.id, "tool_output", output, name, call_id)
            case Message(role=role, content=content):
                return ContextTurn(self.id, role, self._said(content))
        raise AssertionError("items of other kinds are not admitted")

    def _said(self, content: Sequence[ContentPart]) -> str:
        said = [
            (self.sounds[i].text or "") if i in self.sounds else words(part)
            for i, part in enumerate(content)
        ]
        return " ".join(each for each in said if each)

    def with_audio(self, form: AudioFormat) -> Item:
        """The item with its sound in it, as `conversation.item.retrieved` shows it."""
        if not isinstance(self.item, Message):
            return self.item
        parts: list[Any] = list(self.item.content)
        for index, kept in self.sounds.items():
            if kept.pcm is not None:
                parts[index] = replace(
                    parts[index], audio=audio_formats.encode(bytes(kept.pcm), form)
                )
        return replace(self.item, content=parts)

    def show_transcript(self, index: int, text: str) -> None:
        """From now on the item carries its transcript."""
        assert isinstance(self.item, Message)
        parts: list[Any] = list(self.item.content)
        parts[index] = replace(parts[index], transcript=text)
        self.item = replace(self.item, content=parts)

    def cut(self, index: int, end_ms: int) -> None:
        """Forgets the model's voice after `end_ms`, and its transcript.

        The model keeps the words it has said by then: whole clauses, and of the one that was
        interrupted the share that was heard.
        """
        assert isinstance(self.item, Message)
        kept = self.sounds[index]
        kept.text = _heard(kept.spans, end_ms)
        kept.spans = [(end, text) for end, text in kept.spans if end <= end_ms]
        kept.ms = float(end_ms)
        if kept.pcm is not None:
            del kept.pcm[round(end_ms * pcm.BYTES_PER_MS) :]
        parts: list[Any] = list(self.item.content)
        parts[index] = OutputAudio(transcript=UNSET)
        self.item = replace(self.item, content=parts)
        self.changed()


def _heard(spans: list[tuple[float, str]], end_ms: float) -> str:
    heard: list[str] = []
    start = 0.0
    for end, text in spans:
        share = 1.0 if end <= end_ms else max(0.0, (end_ms - start) / (end - start))
        pieces = text.split()
        heard += pieces[: math.floor(len(pieces) * share)]
        start = end
    return " ".join(heard)
