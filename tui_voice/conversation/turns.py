"""A turn, and the turns of a talk in order, as values that share what did not change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from tui_voice.conversation.events import Modality, Role

USER_TOKENS_PER_SECOND = 10.0
"""User audio: 1 token per 100 ms (OpenAI, "Managing costs", Realtime guide)."""
ASSISTANT_TOKENS_PER_SECOND = 20.0
"""Assistant audio: 1 token per 50 ms (the same page)."""
CHARACTERS_PER_TOKEN = 4.3
"""English text in o200k_base, measured over our own talks; only for figures shown with `~`."""
ITEM_OVERHEAD = 3
"""Tokens that an item weighs beside its content."""


def estimate_text_tokens(text: str) -> int:
    """Tokens of `text`, estimated. Scripts beyond Latin weigh by their UTF-8 bytes."""
    return math.ceil((len(text) + len(text.encode())) / 2 / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said once."""

    id: str
    """The item id by which it was first known; stays for ever."""
    role: Role
    at: float
    """Seconds since the talk was opened."""
    text: str = ""
    words: Literal["open", "done", "failed"] = "open"
    """Whether more words will come, all have come, or none will."""
    modality: Modality = "audio"
    """How the server holds it: sound, or words."""
    audio_ms: int = 0
    heard_ms: int | None = None
    """Of a reply that was interrupted: how much of it was heard. None: all of it."""
    wire_id: str | None = None
    """The item that holds it on the server now. None: the model does not have it."""
    spoken: bool = False
    """It once was sound (a textified turn still counts as spoken)."""
    pinned: bool = False
    pruned_in: str = ""
    """The compaction that took it from the model. "": none."""
    tool: str = ""
    call_id: str = ""
    response_id: str = ""
    stuck: bool = False
    """The server would not let us change it; we do not ask again on this line."""
    note: str = ""
    """What went wrong with it, in a few words: `not sent`, `not transcribed`."""

    @property
    def audio_tokens(self) -> int:
        """Audio tokens it weighs in the window (estimate; 0 once it is text)."""
        if self.modality == "text":
            return 0
        rate = USER_TOKENS_PER_SECOND if self.role == "user" else ASSISTANT_TOKENS_PER_SECOND
        ms = self.audio_ms if self.heard_ms is None else min(self.heard_ms, self.audio_ms)
        return math.ceil(ms / 1000 * rate)

    @property
    def text_tokens(self) -> int:
        """Text tokens it weighs (estimate). Transcripts of user audio are not model input."""
        if self.role == "user" and self.modality == "audio":
            return ITEM_OVERHEAD
        if self.role == "assistant" and self.modality == "audio" and self.heard_ms is not None:
            return ITEM_OVERHEAD  # truncation removes the transcript on the server
        return ITEM_OVERHEAD + estimate_text_tokens(self.text)

    @property
    def tokens(self) -> int:
        return self.text_tokens + self.audio_tokens

    @property
    def as_text_tokens(self) -> int:
        """What it would weigh as words."""
        return ITEM_OVERHEAD + estimate_text_tokens(self.heard_text)

    @property
    def heard_text(self) -> str:
        """The words that were heard: all, or of an interrupted reply the share by time."""
        if self.heard_ms is None or not self.audio_ms or self.heard_ms >= self.audio_ms:
            return self.text
        cut = round(len(self.text) * self.heard_ms / self.audio_ms)
        end = self.text.rfind(" ", 0, cut + 1)
        return self.text[: end if end > 0 else 0] if cut < len(self.text) else self.text

    @property
    def interrupted(self) -> bool:
        return self.heard_ms is not None

    @property
    def in_window(self) -> bool:
        return self.wire_id is not None


_CHUNK = 64


class Chunk(tuple[Turn, ...]):
    """Some turns, and what is asked of them again and again. It lives as long as nothing in it
    changes, so a long talk is searched by chunks, not by turns.
    """

    @cached_property
    def held(self) -> tuple[Turn, ...]:
        """Those that the model has now."""
        return tuple(turn for turn in self if turn.wire_id is not None)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each is, by its own id and by that of the item that holds it."""
        found = {turn.wire_id: i for i, turn in enumerate(self) if turn.wire_id is not None}
        return found | {turn.id: i for i, turn in enumerate(self)}


class Turns:
    """Turns in order: immutable, and a change copies one chunk of 64, not the whole talk."""

    __slots__ = ("_chunks", "_length")

    def __init__(self, chunks: tuple[tuple[Turn, ...], ...] = (), length: int = 0) -> None:
        """`chunks` as another gave them, or plain tuples of at most 64 turns."""
        ours = all(type(chunk) is Chunk for chunk in chunks[:1])
        self._chunks: tuple[Chunk, ...] = chunks if ours else tuple(map(Chunk, chunks))  # type: ignore[assignment]  # looked at above
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Turn]:
        for chunk in self._chunks:
            yield from chunk

    def __reversed__(self) -> Iterator[Turn]:
        for chunk in reversed(self._chunks):
            yield from reversed(chunk)

    def held(self) -> Iterator[Turn]:
        """The turns that the model has now, in order."""
        for chunk in self._chunks:
            yield from chunk.held

    def held_backwards(self) -> Iterator[Turn]:
        for chunk in reversed(self._chunks):
            yield from reversed(chunk.held)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Turns):
            return NotImplemented
        return self._chunks is other._chunks or (
            self._length == other._length and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        return hash((self._length, self._chunks[-1] if self._chunks else None))

    def __repr__(self) -> str:
        return f"Turns({list(self)!r})"

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The turns as they are held: a chunk in which nothing changed stays the same object."""
        return self._chunks

    @property
    def last(self) -> Turn | None:
        return self._chunks[-1][-1] if self._chunks else None

    def get(self, item_id: str | None) -> Turn | None:
        """By its own id or by the id of the item that holds it now. Newest first."""
        place = self._find(item_id)
        return None if place is None else self._chunks[place[0]][place[1]]

    def after(self, item_id: str | None) -> Iterator[Turn]:
        """The turns behind the one of this name, in order; none where nothing has it."""
        place = self._find(item_id)
        if place is not None:
            yield from self._chunks[place[0]][place[1] + 1 :]
            for chunk in self._chunks[place[0] + 1 :]:
                yield from chunk

    def append(self, turn: Turn) -> Turns:
        if self._chunks and len(self._chunks[-1]) < _CHUNK:
            return Turns((*self._chunks[:-1], Chunk((*self._chunks[-1], turn))), self._length + 1)
        return Turns((*self._chunks, Chunk((turn,))), self._length + 1)

    def insert_after(self, previous_id: str | None, turn: Turn) -> Turns:
        """Behind the turn that `previous_id` names; at the end where nothing has that name."""
        place = self._find(previous_id)
        if place is None or (last := self.last) is None or last.id == previous_id:
            return self.append(turn)
        c, i = place
        chunk = Chunk((*self._chunks[c][: i + 1], turn, *self._chunks[c][i + 1 :]))
        return Turns((*self._chunks[:c], chunk, *self._chunks[c + 1 :]), self._length + 1)

    def remove(self, item_id: str) -> Turns:
        place = self._find(item_id)
        if place is None:
            return self
        c, i = place
        chunk = Chunk((*self._chunks[c][:i], *self._chunks[c][i + 1 :]))
        kept = (chunk,) if chunk else ()
        return Turns((*self._chunks[:c], *kept, *self._chunks[c + 1 :]), self._length - 1)

    def change(self, item_id: str, **fields: Any) -> Turns:
        """The same with some fields of one turn replaced; itself where there is no such turn."""
        place = self._find(item_id)
        if place is None:
            return self
        c, i = place
        chunk = self._chunks[c]
        new = Chunk((*chunk[:i], replace(chunk[i], **fields), *chunk[i + 1 :]))
        return Turns((*self._chunks[:c], new, *self._chunks[c + 1 :]), self._length)

    def map(self, function: Callable[[Turn], Turn]) -> Turns:
        """Every turn through `function`; chunks in which nothing changed stay the same objects."""
        chunks = []
        for chunk in self._chunks:
            new = Chunk(function(turn) for turn in chunk)
            same = all(a is b for a, b in zip(chunk, new, strict=True))
            chunks.append(chunk if same else new)
        return Turns(tuple(chunks), self._length)

    def _find(self, item_id: str | None) -> tuple[int, int] | None:
        if item_id is None:
            return None
        for c in range(len(self._chunks) - 1, -1, -1):
            place = self._chunks[c].places.get(item_id)
            if place is not None:
                return c, place
        return None
