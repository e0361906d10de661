"""Item ids that a server accepts: OpenAI refuses ids of more than 32 characters."""

from __future__ import annotations

from hashlib import blake2s
from typing import TypeVar

from tui_voice.realtime.wire.items import MAX_ID_LENGTH

ItemId = TypeVar("ItemId", str, str | None)


class ItemIds:
    """Translates between the item ids of the conversation and those of one server session.

    They differ only for ids of more than 32 characters. Such ids come from a session that began
    on another server, for example `item_f47ac10b-58cc-4372-a567-0e02b2c3d479`.
    """

    def __init__(self) -> None:
        self._short_by_long: dict[str, str] = {}
        self._long_by_short: dict[str, str] = {}

    def shortened(self, item_id: str) -> str:
        """Returns the id under which we create this item on the server; always the same one."""
        if len(item_id) <= MAX_ID_LENGTH:
            return item_id
        digest = blake2s(item_id.encode(), digest_size=15).hexdigest()
        short = self._short_by_long[item_id] = f"i_{digest}"
        self._long_by_short[short] = item_id
        return short

    def to_wire(self, item_id: str) -> str:
        """Returns the id that the server knows. An id that the server made is not changed."""
        return self._short_by_long.get(item_id, item_id)

    def from_wire(self, item_id: ItemId) -> ItemId:
        """Returns the id that the conversation knows."""
        return self._long_by_short.get(item_id, item_id) if item_id else item_id
