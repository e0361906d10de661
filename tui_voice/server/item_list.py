"""The ordered items of one connection's conversation, and the limits on what it stores."""

from __future__ import annotations

from collections.abc import Iterator

from tui_voice.realtime.wire.items import FunctionCall, Message, OutputAudio
from tui_voice.server.errors import (
    audio_already_shorter,
    conversation_full,
    duplicate_item_id,
    invalid_value,
    item_not_truncatable,
    unknown_item,
    unknown_previous_item,
)
from tui_voice.server.item_record import ItemRecord

ROOT = "root"
"""As `previous_item_id`: insert before the first item."""


class ItemList:
    """Items in order; no two present items have the same id."""

    def __init__(self, conversation_id: str, max_items: int, max_audio_bytes: int) -> None:
        self.id = conversation_id
        self._records: list[ItemRecord] = []
        self._by_id: dict[str, ItemRecord] = {}
        self._max_items, self._max_audio_bytes = max_items, max_audio_bytes
        self._function_names: dict[str, str] | None = None
        """None where they have to be collected again."""

    def __iter__(self) -> Iterator[ItemRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def get(self, item_id: str) -> ItemRecord | None:
        return self._by_id.get(item_id)

    def require(self, item_id: str, operation: str) -> ItemRecord:
        """Returns the item; raises `RefusedError` for `operation` (`retrieve`…) where there is no
        such item."""
        record = self._by_id.get(item_id)
        if record is None:
            raise unknown_item(operation, item_id)
        return record

    def contains(self, record: ItemRecord) -> bool:
        """Returns whether this very record is present, not another one under its id."""
        return self._by_id.get(record.id) is record

    def check_room(self) -> None:
        """Raises `RefusedError` where the list has its maximum number of items."""
        if len(self._records) >= self._max_items:
            raise conversation_full(self._max_items)

    def append(self, record: ItemRecord) -> str | None:
        """Adds an item at the end without any check: for items that cannot be refused any more.

        Returns the id of the item before it, None for the first.
        """
        previous_id = self.last_id
        self._records.append(record)
        self._changed(record)
        self._by_id[record.id] = record
        return previous_id

    def insert(self, record: ItemRecord, previous_id: str | None = None) -> str | None:
        """Inserts `record` after `previous_id` (None: at the end; `root`: at the start).

        Returns the id of the item before it, None for the first. Raises `RefusedError`.
        """
        if record.id in self._by_id:
            raise duplicate_item_id(record.id)
        if previous_id not in (None, ROOT) and previous_id not in self._by_id:
            raise unknown_previous_item(str(previous_id))
        self.check_room()
        if previous_id is None:
            return self.append(record)
        index = 0
        if previous_id != ROOT:
            index = self._records.index(self._by_id[previous_id]) + 1
        self._records.insert(index, record)
        self._changed(record)
        self._by_id[record.id] = record
        return self._records[index - 1].id if index else None

    def previous_id(self, record: ItemRecord) -> str | None:
        """Returns the id of the item before `record`, which is present; None for the first."""
        index = self._records.index(record)
        return self._records[index - 1].id if index else None

    @property
    def last_id(self) -> str | None:
        return self._records[-1].id if self._records else None

    def delete(self, item_id: str) -> None:
        record = self.require(item_id, "delete")
        del self._by_id[item_id]
        self._records.remove(record)
        self._changed(record)

    def _changed(self, record: ItemRecord) -> None:
        """`record` was added or deleted."""
        if isinstance(record.item, FunctionCall):
            self._function_names = None

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cuts assistant audio; raises `RefusedError` for other items or beyond the audio's end."""
        record = self.require(item_id, "truncate")
        if not isinstance(record.item, Message) or not record.audio:
            raise item_not_truncatable()
        if record.item.role != "assistant":
            raise item_not_truncatable()
        content = record.item.content
        if not 0 <= content_index < len(content) or not isinstance(
            content[content_index], OutputAudio
        ):
            raise invalid_value(
                f"Content part {content_index} of the item is not output audio.", "content_index"
            )
        if audio_end_ms < 0:
            raise invalid_value(
                f"Invalid 'audio_end_ms': expected a minimum of 0, but got {audio_end_ms}.",
                "audio_end_ms",
            )
        audio_ms = int(record.audio[content_index].duration_ms)
        if audio_end_ms > audio_ms:
            raise audio_already_shorter(audio_ms, audio_end_ms)
        record.cut_audio(content_index, audio_end_ms)

    def function_names(self) -> dict[str, str]:
        """Returns the names of the functions called so far, by call id."""
        if self._function_names is None:
            self._function_names = {
                str(record.item.call_id): record.item.name
                for record in self._records
                if isinstance(record.item, FunctionCall)
            }
        return self._function_names

    def delete_excess_audio(self) -> None:
        """Deletes the oldest stored audio beyond `max_audio_bytes`; the items stay."""
        room = self._max_audio_bytes
        for record in reversed(self._records):
            for stored in record.audio.values():
                room -= len(stored.sound or b"")
                if room < 0:
                    stored.sound = None
