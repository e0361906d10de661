"""A turn, and the turns of a talk in order, as values that share what did not change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, Protocol

from tui_voice.conversation.events import Modality, Role
from tui_voice.conversation.values import evolve

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
    if text.isascii():  # as many bytes as letters
        return math.ceil(len(text) / CHARACTERS_PER_TOKEN)
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
        return ITEM_OVERHEAD + estimate_text_tokens(self.heard_text)

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
        end = cut if " " not in self.text else max(end, 0)  # not every script parts its words
        return self.text[:end] if cut < len(self.text) else self.text

    @property
    def interrupted(self) -> bool:
        return self.heard_ms is not None

    @property
    def in_window(self) -> bool:
        return self.wire_id is not None

    @property
    def loose(self) -> bool:
        """It still hangs on the line: a new server session changes something about it."""
        return self.wire_id is not None or self.stuck or self.words == "open"


CHUNK = 64
"""Turns that stand together."""


Place = tuple[int, int]
"""Where a turn stands: the number of its chunk, and its number there."""


class Stretch(Protocol):
    """Some turns in a row, and what is asked of them again and again."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Turn]: ...
    def __reversed__(self) -> Iterator[Turn]: ...
    def __getitem__(self, index: int, /) -> Turn: ...

    @property
    def held(self) -> tuple[Turn, ...]:
        """Those that the model has now."""

    @property
    def loose(self) -> bool:
        """Whether a new line changes something about any of them."""


class Chunk(tuple[Turn, ...]):
    """A stretch that lives as long as nothing in it changes, so a long talk is searched by
    chunks, not by turns.
    """

    @cached_property
    def held(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self if turn.wire_id is not None)

    @cached_property
    def loose(self) -> bool:
        return any(turn.loose for turn in self)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each is, by its own id and by that of the item that holds it; the newest counts."""
        found: dict[str, int] = {}
        for index, turn in enumerate(self):
            if turn.wire_id is not None:
                found[turn.wire_id] = index
            found[turn.id] = index
        return found


class Turns:
    """Turns in order: immutable, and a change copies one chunk of 64, not the whole talk."""

    __slots__ = ("_chunks", "_length")
    _chunks: Sequence[Stretch]

    def __init__(self, chunks: tuple[tuple[Turn, ...], ...] = (), length: int = 0) -> None:
        """`chunks` as another gave them, or plain tuples of at most 64 turns."""
        ours = all(type(chunk) is Chunk for chunk in chunks[:1])
        self._chunks = chunks if ours else tuple(map(Chunk, chunks))  # type: ignore[assignment]  # looked at above
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
        newest = True
        for chunk in reversed(self._chunks):
            # The newest chunk changes at nearly every fact: what it holds is not worth keeping.
            yield from _held_backwards(chunk) if newest else reversed(chunk.held)
            newest = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Turns):
            return NotImplemented
        return self._chunks is other._chunks or (
            self._length == other._length and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        return hash((self._length, self.last))

    def __repr__(self) -> str:
        return f"Turns({list(self)!r})"

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The turns as they are held: a chunk in which nothing changed stays the same object."""
        return self._chunks  # type: ignore[return-value]  # drafts, which have others, say so

    @property
    def last(self) -> Turn | None:
        return self._chunks[-1][-1] if self._chunks else None

    def get(self, item_id: str | None) -> Turn | None:
        """By its own id or by the id of the item that holds it now. Newest first."""
        place = self.find(item_id)
        return None if place is None else self._chunks[place[0]][place[1]]

    def __getitem__(self, place: Place) -> Turn:
        return self._chunks[place[0]][place[1]]

    def after(self, item_id: str | None) -> Iterator[Turn]:
        """The turns behind the one of this name, in order; none where nothing has it."""
        place = self.find(item_id)
        if place is not None:
            yield from islice(self._chunks[place[0]], place[1] + 1, None)
            for chunk in islice(self._chunks, place[0] + 1, None):
                yield from chunk

    def append(self, turn: Turn) -> Turns:
        chunks = self.chunks
        if chunks and len(chunks[-1]) < CHUNK:
            return Turns((*chunks[:-1], Chunk((*chunks[-1], turn))), self._length + 1)
        return Turns((*chunks, Chunk((turn,))), self._length + 1)

    def insert_after(self, previous_id: str | None, turn: Turn) -> Turns:
        """Behind the turn that `previous_id` names; at the end where nothing has that name."""
        place = self.find(previous_id)
        if place is None or place == (len(self._chunks) - 1, len(self._chunks[-1]) - 1):
            return self.append(turn)
        c, i = place
        chunk = self.chunks[c]
        return self._with(c, Chunk((*chunk[: i + 1], turn, *chunk[i + 1 :])), 1)

    def remove(self, item_id: str) -> Turns:
        place = self.find(item_id)
        if place is None:
            return self
        c, i = place
        chunk = self.chunks[c]
        return self._with(c, Chunk((*chunk[:i], *chunk[i + 1 :])), -1)

    def put(self, place: Place, turn: Turn) -> Turns:
        """The same with `turn` in place of the one that stands there."""
        c, i = place
        chunk = self.chunks[c]
        return self._with(c, Chunk((*chunk[:i], turn, *chunk[i + 1 :])), 0)

    def change(self, item_id: str, **fields: Any) -> Turns:
        """The same with some fields of one turn replaced; itself where there is no such turn."""
        place = self.find(item_id)
        return self if place is None else self.put(place, evolve(self[place], **fields))

    def map_loose(self, function: Callable[[Turn], Turn]) -> Turns:
        """Every loose turn through `function`; chunks without any stay the same objects."""
        chunks = (
            Chunk(function(turn) if turn.loose else turn for turn in chunk)
            if chunk.loose
            else chunk
            for chunk in self.chunks
        )
        return Turns(tuple(chunks), self._length)

    def _with(self, c: int, chunk: Chunk, more: int) -> Turns:
        chunks = self.chunks
        kept = (chunk,) if chunk else ()
        return Turns((*chunks[:c], *kept, *chunks[c + 1 :]), self._length + more)

    def find(self, item_id: str | None) -> Place | None:
        """Where the turn of this name stands until the next change; None where nothing has it."""
        if item_id is None or not self._chunks:
            return None
        chunks = self.chunks
        newest = len(chunks) - 1
        if (place := place_in(chunks[newest], item_id)) is not None:
            return newest, place
        for c in range(newest - 1, -1, -1):
            place = chunks[c].places.get(item_id)
            if place is not None:
                return c, place
        return None


def place_in(stretch: Stretch, item_id: str) -> int | None:
    """The newest turn of this name, looked for from the end: there, nearly all changes are."""
    for index in range(len(stretch) - 1, -1, -1):
        turn = stretch[index]
        if turn.id == item_id or turn.wire_id == item_id:  # noqa: PLR1714  (twice as fast)
            return index
    return None


def _held_backwards(stretch: Stretch) -> Iterator[Turn]:
    for turn in reversed(stretch):
        if turn.wire_id is not None:
            yield turn
