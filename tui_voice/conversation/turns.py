"""A turn, and the turns of a session in order. Both are immutable values.

The token rules are those of OpenAI's guide "Managing costs" (Realtime): one token per 100 ms of
user audio, one per 50 ms of assistant audio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from tui_voice.conversation.events import Modality, Role
from tui_voice.languages.token_estimate import estimate_text_tokens

USER_TOKENS_PER_SECOND = 10.0
"""Tokens of a second of user audio."""
ASSISTANT_TOKENS_PER_SECOND = 20.0
"""Tokens of a second of assistant audio."""
ITEM_OVERHEAD = 3
"""Tokens that an item weighs in addition to its content."""


class Turn(Struct, frozen=True, dict=True):
    """One entry of the ledger: what one side said once, or a function call or output.

    Its token counts are estimates by the rules of this module; see "Managing costs" in OpenAI's
    Realtime guide. They are kept (that needs `dict`): after each reply those of all turns in the
    window are added up several times.
    """

    id: str
    """The item id by which it was first known. It never changes."""
    role: Role
    at: float
    """When it began. Seconds since the session was opened."""
    text: str = ""
    words: Literal["open", "done", "failed"] = "open"
    """Whether more words will come, all have come, or none will."""
    modality: Modality = "audio"
    """How the server holds it: as audio or as text."""
    audio_ms: int = 0
    """Milliseconds of audio received or sent so far."""
    heard_ms: int | None = None
    """Of an interrupted reply: milliseconds that the user heard. None: it was not interrupted."""
    wire_id: str | None = None
    """Id of the item that holds it on the server now. None: the model does not have it."""
    spoken: bool = False
    """It was audio at first. A turn stays spoken when it is textified."""
    pinned: bool = False
    """The user wants it never to be pruned."""
    pruned_in: str = ""
    """Id of the compaction that pruned it. "": none."""
    tool: str = ""
    """Name of the function that is called. "": no call."""
    call_id: str = ""
    response_id: str = ""
    unchangeable: bool = False
    """The server refused to change it. It is not asked again on this connection."""
    charged: bool = False
    """Its transcription is counted in the cost. If it comes twice, it is not counted again."""
    after_silence: bool = False
    """The user was silent for `idle_timeout_ms`. Of the user: the silence that the server
    committed. Of the assistant: what the model then said by itself."""
    image: str = ""
    """SHA-256 of the image that it is; `text` names it. "": it is none."""
    image_tokens: int = 0
    """Tokens of the image (estimate)."""
    uncertain: tuple[tuple[int, int], ...] = ()
    """Words of `text` that may be wrong, as in `TranscriptDone`."""
    misheard: str = ""
    """The words before the user corrected them. "": the user did not."""
    outdated_id: str = ""
    """Id of the item whose words, or audio, are from before the correction."""
    note: str = ""
    """What went wrong with it, in a few words: "not sent", "not transcribed"."""
    ended_at: float | None = None
    """When the user had said its last word, or, where that is not known, when the turn ended.
    Seconds, as in `at`. None: not yet, or not the user's."""
    first_sound_s: float | None = None
    """Of a spoken reply: seconds from `ended_at` of the user's turn to the first audio that came.
    None: not known, or not the first item of the reply."""

    @cached_property
    def audio_tokens(self) -> int:
        """Audio tokens it weighs in the window (estimate; 0 once it is text)."""
        if self.modality == "text":
            return 0
        rate = USER_TOKENS_PER_SECOND if self.role == "user" else ASSISTANT_TOKENS_PER_SECOND
        ms = self.audio_ms if self.heard_ms is None else min(self.heard_ms, self.audio_ms)
        return math.ceil(ms / 1000 * rate)

    @cached_property
    def text_tokens(self) -> int:
        """Text tokens it weighs (estimate). A transcript of user audio is no input of the model."""
        if self.image:
            return ITEM_OVERHEAD + self.image_tokens
        if self.role == "user" and self.modality == "audio":
            return ITEM_OVERHEAD
        if self.role == "assistant" and self.modality == "audio" and self.heard_ms is not None:
            return ITEM_OVERHEAD  # truncation removes the transcript on the server
        return self.as_text_tokens

    @cached_property
    def tokens(self) -> int:
        return self.text_tokens + self.audio_tokens

    @cached_property
    def as_text_tokens(self) -> int:
        """Tokens it would weigh as text (estimate)."""
        return ITEM_OVERHEAD + estimate_text_tokens(self.heard_text)

    @property
    def heard_text(self) -> str:
        """The words that the user heard. Of an interrupted reply: a share of them, by time."""
        if self.heard_ms is None or not self.audio_ms or self.heard_ms >= self.audio_ms:
            return self.text
        cut = round(len(self.text) * self.heard_ms / self.audio_ms)
        end = self.text.rfind(" ", 0, cut + 1)
        end = cut if " " not in self.text else max(end, 0)  # not every script separates words
        return self.text[:end] if cut < len(self.text) else self.text

    @property
    def interrupted(self) -> bool:
        return self.heard_ms is not None

    @property
    def silence_remark(self) -> str:
        """What to show of a turn with `after_silence`; "" for any other."""
        if not self.after_silence:
            return ""
        spoke = self.role == "assistant"
        return "after silence" if spoke else f"silence of {self.audio_ms / 1000:.1f} s"

    @property
    def in_window(self) -> bool:
        return self.wire_id is not None

    @property
    def outdated(self) -> bool:
        """Whether the model has it as it was before the user corrected it."""
        return self.wire_id is not None and self.wire_id == self.outdated_id

    @property
    def server_bound(self) -> bool:
        """Whether a field of it has to change when the connection is lost."""
        return self.wire_id is not None or self.unchangeable or self.words == "open"


CHUNK = 64
"""Turns per chunk."""
AT_END = 8
"""Turns at the end of a session that are compared one by one."""

Place = tuple[int, int]
"""Position of a turn: number of its chunk, index in the chunk. Valid until the next change."""


class Chunk(tuple[Turn, ...]):
    """At most `CHUNK` turns in a row. Long sessions are searched by chunks, not by turns."""

    @cached_property
    def held(self) -> tuple[Turn, ...]:
        """The turns that the model has now."""
        return tuple(turn for turn in self if turn.wire_id is not None)

    @cached_property
    def server_bound(self) -> bool:
        return any(turn.server_bound for turn in self)

    @cached_property
    def places(self) -> dict[str, int]:
        """Index of each turn, by its own id and by its item's id. The newest turn wins."""
        found: dict[str, int] = {}
        for index, turn in enumerate(self):
            if turn.wire_id is not None:
                found[turn.wire_id] = index
            found[turn.id] = index
        return found


class Turns:
    """The turns of a session in order. A change copies one chunk of 64 turns, not all of them."""

    __slots__ = ("_count", "chunks")

    def __init__(self, chunks: tuple[Chunk, ...] = (), count: int | None = None) -> None:
        """`count`: how many turns that are, where it is known."""
        self.chunks = chunks
        """The turns as they are stored, without empty chunks. A chunk in which nothing changed
        stays the same object."""
        self._count = count

    @classmethod
    def of(cls, turns: list[Turn]) -> Turns:
        """These turns, in this order."""
        return cls(tuple(Chunk(turns[i : i + CHUNK]) for i in range(0, len(turns), CHUNK)))

    def __len__(self) -> int:
        if self._count is None:
            self._count = sum(map(len, self.chunks))
        return self._count

    def __bool__(self) -> bool:
        return bool(self.chunks)

    def __iter__(self) -> Iterator[Turn]:
        for chunk in self.chunks:
            yield from chunk

    def __reversed__(self) -> Iterator[Turn]:
        for chunk in reversed(self.chunks):
            yield from reversed(chunk)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Turns):
            return NotImplemented
        return self.chunks is other.chunks or (
            len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        return hash((len(self), self.last))

    def __repr__(self) -> str:
        return f"Turns({list(self)!r})"

    def __getitem__(self, place: Place) -> Turn:
        return self.chunks[place[0]][place[1]]

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    @property
    def last(self) -> Turn | None:
        return self.chunks[-1][-1] if self.chunks else None

    def get(self, item_id: str | None) -> Turn | None:
        """The newest turn with this id, or whose item on the server has it."""
        place = self.find(item_id)
        return None if place is None else self[place]

    def find(self, item_id: str | None) -> Place | None:
        """Position of the turn that `get` returns. None: there is no such turn."""
        if item_id is None or not self.chunks:
            return None
        newest = len(self.chunks) - 1
        # Nearly all changes are at the end, and the newest chunk changes with nearly every event:
        # there, the few turns at the end are compared before the chunk is indexed again.
        chunk = self.chunks[newest]
        for index in range(len(chunk) - 1, max(-1, len(chunk) - 1 - AT_END), -1):
            turn = chunk[index]
            if item_id in (turn.id, turn.wire_id):
                return newest, index
        for number in range(newest, -1, -1):
            found = self.chunks[number].places.get(item_id)
            if found is not None:
                return number, found
        return None

    def after(self, item_id: str | None) -> Iterator[Turn]:
        """Yields the turns behind the one with this id, in order; none if there is no such turn."""
        place = self.find(item_id)
        if place is not None:
            yield from islice(self.chunks[place[0]], place[1] + 1, None)
            for chunk in islice(self.chunks, place[0] + 1, None):
                yield from chunk

    def held(self) -> Iterator[Turn]:
        """The turns that the model has now, in order."""
        for chunk in self.chunks:
            yield from chunk.held

    def held_backwards(self) -> Iterator[Turn]:
        """The turns that the model has now, newest first."""
        for chunk in reversed(self.chunks):
            yield from (turn for turn in reversed(chunk) if turn.wire_id is not None)

    def since_user(self) -> list[Turn]:
        """What came after the user's last turn, newest first."""
        found: list[Turn] = []
        for turn in reversed(self):
            if turn.role == "user":
                break
            found.append(turn)
        return found

    def since_user_ended(self, item_id: str, at: float) -> float | None:
        """Seconds from the end of the user's turn before this item until `at`. None: it is not
        known, or another item of the reply already had sound.
        """
        found = False
        for turn in reversed(self):
            if found and turn.role == "assistant" and turn.audio_ms:
                return None
            if found and turn.role == "user":
                return max(0.0, at - turn.ended_at) if turn.ended_at is not None else None
            found = found or turn.id == item_id
        return None

    def silent_reply(self) -> tuple[str, ...]:
        """Ids of the assistant's turns since the user's last that have words but no audio."""
        found: list[str] = []
        for turn in self.held_backwards():
            if turn.role == "user":
                break
            if turn.role == "assistant" and turn.text and not turn.audio_ms:
                found.append(turn.id)
        return tuple(reversed(found))

    # ── the next turns ──────────────────────────────────────────────────────────────────────

    def append(self, turn: Turn) -> Turns:
        if self.chunks and len(self.chunks[-1]) < CHUNK:
            return self._with(len(self.chunks) - 1, (*self.chunks[-1], turn))
        return Turns((*self.chunks, Chunk((turn,))), len(self) + 1)

    def insert_after(self, previous_id: str | None, turn: Turn) -> Turns:
        """Puts `turn` behind the turn with this id, or at the end if there is none."""
        place = self.find(previous_id)
        if place is None or place == (len(self.chunks) - 1, len(self.chunks[-1]) - 1):
            return self.append(turn)
        number, index = place
        chunk = self.chunks[number]
        return self._with(number, (*chunk[: index + 1], turn, *chunk[index + 1 :]))

    def remove(self, item_id: str) -> Turns:
        place = self.find(item_id)
        if place is None:
            return self
        number, index = place
        chunk = self.chunks[number]
        return self._with(number, (*chunk[:index], *chunk[index + 1 :]))

    def put(self, place: Place, turn: Turn) -> Turns:
        """Replaces the turn at `place`."""
        number, index = place
        chunk = self.chunks[number]
        return self._with(number, (*chunk[:index], turn, *chunk[index + 1 :]))

    def change(self, item_id: str, **fields: Any) -> Turns:
        """Replaces some fields of one turn. Nothing changes if there is no such turn."""
        place = self.find(item_id)
        return self if place is None else self.put(place, replace(self[place], **fields))

    def map_server_bound(self, function: Callable[[Turn], Turn]) -> Turns:
        """Replaces every server-bound turn by `function(turn)`. Other chunks stay as they are."""
        return Turns(
            tuple(
                Chunk(function(turn) if turn.server_bound else turn for turn in chunk)
                if chunk.server_bound
                else chunk
                for chunk in self.chunks
            )
        )

    def _with(self, number: int, chunk: tuple[Turn, ...]) -> Turns:
        """Replaces one chunk, or removes it if nothing is left of it."""
        kept = (Chunk(chunk),) if chunk else ()
        count = len(self) + len(chunk) - len(self.chunks[number])
        return Turns(self.chunks[:number] + kept + self.chunks[number + 1 :], count)
