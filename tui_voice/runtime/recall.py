"""A function with which the model looks up what it no longer has: `recall(query)`.

It searches the user's own saved talks, this one included, so that what was pruned, or said last
month, is never gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from tui_voice.realtime.wire.contract import (
    RECALL_QUERY,
    RECALL_TOOL,
    RecallHit,
    RecallOutput,
)
from tui_voice.runtime.tools import Tool
from tui_voice.store.search import Hit, search

MOST = 5
"""Turns in one answer: each is re-read with every later reply."""
_WORD = re.compile(r"[^\W_]{2,}")
_COMMON = frozenset(
    {"the", "and", "was", "were", "are", "is", "what", "when", "where", "who", "which", "how"}
    | {"why", "did", "does", "do", "my", "your", "our", "his", "her", "their", "its", "you", "me"}
    | {"it", "in", "on", "at", "of", "to", "for", "from", "with", "about", "that", "this", "said"}
    | {"say", "tell", "told", "had", "has", "have", "talk", "talked", "earlier", "last", "called"}
)
_DESCRIPTION = (
    "Searches everything said in this talk and in the user's earlier ones, also what is no longer "
    "in the conversation you see. Use it when the user asks for something that was said before "
    "and that you cannot find above. Give two or three telling words, such as a name."
)
_PARAMETERS = {
    "type": "object",
    "properties": {
        RECALL_QUERY: {"type": "string", "description": "Words that were said then."},
    },
    "required": [RECALL_QUERY],
}


class Recall:
    """`folder`: of the journals. `held`: ids of the turns that the model still has, which need
    not be looked up; to be set as soon as there is a talk. `cache`: where the index is.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._folder = folder
        self._cache = cache
        self.held: Callable[[], Collection[str]] = tuple

    def tool(self) -> Tool:
        return Tool(
            name=RECALL_TOOL, description=_DESCRIPTION, parameters=_PARAMETERS, run=self.run
        )

    def run(self, arguments: Mapping[str, Any]) -> RecallOutput:
        """Returns what was said, best match first. Raises `StoreError`; `KeyError`
        without a query.
        """
        query = str(arguments[RECALL_QUERY])
        hits = self._new(search(self._folder, query, limit=4 * MOST, cache=self._cache))
        found = hits or self._by_word(query)
        if not found:
            return {"found": [], "note": "Nothing that was said matches. Try other words."}
        return {"found": [_told(hit) for hit in found[:MOST]]}

    def _by_word(self, query: str) -> list[Hit]:
        """Where no turn has all the words: those that have most of them."""
        words = dict.fromkeys(w for w in _WORD.findall(query.lower()) if w not in _COMMON)
        hits: dict[tuple[str, str], Hit] = {}
        counts: dict[tuple[str, str], int] = {}
        for word in words:
            for hit in self._new(search(self._folder, word, limit=4 * MOST, cache=self._cache)):
                place = hit.id, hit.turn
                hits.setdefault(place, hit)
                counts[place] = counts.get(place, 0) + 1
        return [hits[place] for place in sorted(hits, key=lambda place: -counts[place])]

    def _new(self, hits: list[Hit]) -> list[Hit]:
        held = self.held()
        return [hit for hit in hits if hit.role in ("user", "assistant") and hit.turn not in held]


def _told(hit: Hit) -> RecallHit:
    date = hit.started[:10]
    return RecallHit(session=hit.title or hit.id, date=date, role=hit.role, excerpt=hit.excerpt)
