"""The list of items of one connection: order, lookup, and bounds on what it may hold."""

from __future__ import annotations

from collections.abc import Iterator

from tui_voice.realtime.wire.items import FunctionCall, Message, OutputAudio
from tui_voice.server.errors import (
    already_shorter,
    conversation_full,
    duplicate_item,
    no_such_item,
    no_such_previous_item,
    not_truncatable,
    wrong_value,
)
from tui_voice.server.items import Entry

ROOT = "root"
MAX_ITEMS = 10_000
MAX_SOUND_BYTES = 64 * 2**20
"""23 minutes of speech at 24 kHz; beyond it the oldest sound is forgotten, its words stay."""


class Conversation:
    """Items in order; ids are unique among those present."""

    def __init__(
        self, conversation_id: str, max_items: int = MAX_ITEMS, max_sound: int = MAX_SOUND_BYTES
    ) -> None:
        self.id = conversation_id
        self._entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}
        self._max_items, self._max_sound = max_items, max_sound

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, item_id: str) -> Entry | None:
        return self._by_id.get(item_id)

    def entry(self, item_id: str, deed: str) -> Entry:
        """Raises `RefusedError` naming the `deed` (`retrieve`…) where there is no such item."""
        found = self._by_id.get(item_id)
        if found is None:
            raise no_such_item(deed, item_id)
        return found

    def check_new(self, entry: Entry, previous: str | None) -> None:
        """Raises `RefusedError` where `insert` would not do."""
        if entry.id in self._by_id:
            raise duplicate_item(entry.id)
        if previous not in (None, ROOT) and previous not in self._by_id:
            raise no_such_previous_item(str(previous))
        self.check_room()

    def check_room(self) -> None:
        """Raises `RefusedError` where there are as many items as there may be."""
        if len(self._entries) >= self._max_items:
            raise conversation_full(self._max_items)

    def append(self, entry: Entry) -> str | None:
        """As `insert` at the end, for what nobody can refuse any more; checks nothing."""
        previous = self.last_id
        self._entries.append(entry)
        self._by_id[entry.id] = entry
        return previous

    def insert(self, entry: Entry, previous: str | None = None) -> str | None:
        """Puts `entry` after `previous` (None: at the end; `root`: at the start).

        Returns the id of the item that it follows, None for the first.
        """
        self.check_new(entry, previous)
        if previous is None:
            place = len(self._entries)
        elif previous == ROOT:
            place = 0
        else:
            place = self._entries.index(self._by_id[previous]) + 1
        self._entries.insert(place, entry)
        self._by_id[entry.id] = entry
        return self._entries[place - 1].id if place else None

    def previous(self, entry: Entry) -> str | None:
        """The id of the item before `entry`, which is present; None for the first."""
        place = self._entries.index(entry)
        return self._entries[place - 1].id if place else None

    @property
    def last_id(self) -> str | None:
        return self._entries[-1].id if self._entries else None

    def delete(self, item_id: str) -> None:
        entry = self.entry(item_id, "delete")
        del self._by_id[item_id]
        self._entries.remove(entry)

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cuts the model's voice; raises `RefusedError` for all else, or beyond its end."""
        entry = self.entry(item_id, "truncate")
        if not isinstance(entry.item, Message) or not entry.sounds:
            raise not_truncatable()
        if entry.item.role != "assistant":
            raise not_truncatable()
        content = entry.item.content
        if not 0 <= content_index < len(content) or not isinstance(
            content[content_index], OutputAudio
        ):
            raise wrong_value(
                f"Content part {content_index} of the item is not output audio.", "content_index"
            )
        if audio_end_ms < 0:
            raise wrong_value(
                f"Invalid 'audio_end_ms': expected a minimum of 0, but got {audio_end_ms}.",
                "audio_end_ms",
            )
        length = int(entry.sounds[content_index].ms)
        if audio_end_ms > length:
            raise already_shorter(length, audio_end_ms)
        entry.cut(content_index, audio_end_ms)

    def function_names(self) -> dict[str, str]:
        """The functions that were called, by call id."""
        return {
            str(e.item.call_id): e.item.name
            for e in self._entries
            if isinstance(e.item, FunctionCall)
        }

    def forget_sound(self) -> None:
        """Drops the oldest recordings beyond the limit."""
        room = self._max_sound
        for entry in reversed(self._entries):
            for kept in entry.sounds.values():
                room -= len(kept.pcm or b"")
                if room < 0:
                    kept.pcm = None
