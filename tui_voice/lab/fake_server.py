"""A server that answers at once and only counts tokens: used by `simulate` and by tests.

Its prompt cache holds the longest run of unchanged items from the beginning, in blocks of 64
tokens. The output of a reply is not cached when the next reply reads it for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.languages.token_estimate import estimate_text_tokens

CACHE_BLOCK = 64


@dataclass(frozen=True, slots=True)
class CountedItem:
    """An item of the server's conversation: its tokens."""

    id: str
    text: int = 0
    audio: int = 0
    turn: bool = True
    """It is a turn of the user or the assistant, not a summary or a function call."""

    @property
    def tokens(self) -> int:
        return self.text + self.audio


@dataclass(slots=True)
class FakeServer:
    """The server's conversation. All sizes are tokens."""

    fixed: int = 400
    """Instructions and tools."""
    truncate_at: int = 96_000
    """Above this size, without `fixed`, the server drops the oldest items by itself."""
    retain: float = 1.0
    """Share of `truncate_at` that is left after that, 0–1."""
    overhead: int = ITEM_OVERHEAD
    """Added to the content of each item."""
    summarise: Callable[[x.RequestSummary], e.Event] | None = None
    """Answers a request for a summary; None: no answer comes."""
    items: list[CountedItem] = field(default_factory=list)
    truncations: int = 0
    _read: tuple[CountedItem, ...] = ()
    _serial: int = 0

    @property
    def tokens(self) -> int:
        return self.fixed + sum(item.tokens for item in self.items)

    def index(self, item_id: str) -> int:
        """Returns the position of an item, -1 where there is none."""
        return next((i for i, item in enumerate(self.items) if item.id == item_id), -1)

    def add(self, item_id: str, text: int, audio: int, turn: bool = True) -> None:
        """Appends an item. `turn`: see `CountedItem`."""
        self.items.append(CountedItem(item_id, text + self.overhead, audio, turn))

    def perform(self, effect: x.Effect) -> Iterator[e.Event]:
        """Yields the events that an effect leads to, in order."""
        match effect:
            case x.CreateItem():
                yield self._create(effect)
            case x.DeleteItem(item_id=item_id):
                place = self.index(item_id)
                if place < 0:
                    yield e.DeleteRefused(item_id=item_id, unknown=True)
                else:
                    del self.items[place]
                    yield e.ItemDeleted(item_id=item_id)
            case x.TruncateItem(item_id=item_id, audio_ms=ms):
                place = self.index(item_id)
                if place >= 0:  # the transcript goes with the audio
                    old = self.items[place]
                    self.items[place] = CountedItem(
                        item_id, self.overhead, min(old.audio, ms // 50)
                    )
                    yield e.ItemTruncated(item_id=item_id, audio_ms=ms)
            case x.RequestSummary():
                if self.summarise is not None:
                    yield self.summarise(effect)

    def _create(self, effect: x.CreateItem) -> e.Event:
        previous = effect.previous_item_id
        place = len(self.items)
        if previous == "root":
            place = 0
        elif previous is not None:
            place = self.index(previous) + 1
            if not place:
                return e.ItemRefused(
                    item_id=effect.item_id, code="item_create_invalid_previous_item_id"
                )
        if self.index(effect.item_id) < 0:
            weight = estimate_text_tokens(effect.text) + self.overhead
            item = CountedItem(effect.item_id, weight, turn=previous != "root")
            self.items.insert(place, item)
        return e.ItemPlaced(item_id=effect.item_id)

    def respond(self, text: int, audio: int, hit: bool = True) -> e.Usage:
        """Returns the usage of a reply of so many tokens; `add` makes it an item afterwards.

        `hit`: the cache still holds what the last reply read.
        """
        self._truncate()
        cached = self.fixed if self._read or self._serial else 0
        for old, new in zip(self._read, self.items, strict=False):
            if old is not new:
                break
            cached += new.tokens
        cached = cached // CACHE_BLOCK * CACHE_BLOCK if hit else 0
        self._read = tuple(self.items)
        self._serial += 1
        left = cached - min(cached, self.fixed)
        cached_text, cached_audio = cached - left, 0
        for item in self.items:
            if not left:
                break
            part = min(left, item.text)
            cached_text, left = cached_text + part, left - part
            part = min(left, item.audio)
            cached_audio, left = cached_audio + part, left - part
        return e.Usage(
            input_text=self.fixed + sum(item.text for item in self.items),
            input_audio=sum(item.audio for item in self.items),
            cached_text=cached_text,
            cached_audio=cached_audio,
            output_text=text,
            output_audio=audio,
        )

    def _truncate(self) -> None:
        """Drops the oldest items, down to a share of the limit, without an event."""
        if self.tokens - self.fixed <= self.truncate_at:
            return
        self.truncations += 1
        while self.tokens - self.fixed > self.truncate_at * self.retain:
            del self.items[0]
