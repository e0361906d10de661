"""Names of items as servers take them: OpenAI refuses those of more than 32 characters."""

from __future__ import annotations

from hashlib import blake2s
from typing import TypeVar

LONGEST = 32
"""Characters of an item's id ("Invalid 'item.id': string too long", Realtime API)."""

Name = TypeVar("Name", str, str | None)


class Names:
    """Both ways between the ids we know items by and those that a server was given. Other servers
    make longer ids than OpenAI; a talk that began there goes on here under shorter ones.
    """

    def __init__(self) -> None:
        self._short: dict[str, str] = {}
        self._long: dict[str, str] = {}

    def fitting(self, item_id: str) -> str:
        """The id under which an item of ours is created; the same each time."""
        if len(item_id) <= LONGEST:
            return item_id
        short = self._short[item_id] = f"i_{blake2s(item_id.encode(), digest_size=15).hexdigest()}"
        self._long[short] = item_id
        return short

    def wire(self, item_id: str) -> str:
        """What the server calls it. Ids that it made itself are its own, however long."""
        return self._short.get(item_id, item_id)

    def ours(self, item_id: Name) -> Name:
        return self._long.get(item_id, item_id) if item_id else item_id
