"""The function `recall(query)`, with which the model searches for what left its window.

It searches the running session and the saved sessions that the same server has held, and no other:
what it finds is sent to the server.
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
from tui_voice.store.search import Hit, Reach, search

MAX_HITS = 5
"""Number of turns in one answer. Every later reply reads them again."""
SEARCHED_HITS = 4 * MAX_HITS
"""Number of hits of one search; those that the window holds are left out afterwards."""
_WORD = re.compile(r"[^\W_]{2,}")
_DESCRIPTION = (
    "Searches what was said in this session and in the user's earlier ones, also what is no "
    "longer in the conversation you see. Use it when the user asks for something that was said "
    "before and that you cannot find above. Give two or three distinctive words, such as a name."
)
_PARAMETERS = {
    "type": "object",
    "properties": {
        RECALL_QUERY: {"type": "string", "description": "Words that were said then."},
    },
    "required": [RECALL_QUERY],
}


class Recall:
    """Searches the journals in `folder`; `cache` is the folder of the index."""

    def __init__(
        self, folder: Path, cache: Path | None = None, *, held_with: str | None = None
    ) -> None:
        """`held_with`: only sessions that this server has held are searched (`Ledger.held_with`);
        None: those of every server.
        """
        self._folder = folder
        self._cache = cache
        self.reach = Reach("", held_with)
        """What is searched; `own` is set once the running session has a journal."""
        self.held: Callable[[], Collection[str]] = tuple
        """Returns the ids of the turns in the window, which are left out of the answer."""

    def tool(self) -> Tool:
        return Tool(
            name=RECALL_TOOL, description=_DESCRIPTION, parameters=_PARAMETERS, run=self.run
        )

    def run(self, arguments: Mapping[str, Any]) -> RecallOutput:
        """Returns matching turns, best first. Raises `StoreError`; `KeyError` without a query."""
        query = str(arguments[RECALL_QUERY])
        found = self._search(query, refresh=True) or self._search_words(query)
        if not found:
            return {"found": [], "note": "Nothing that was said matches. Try other words."}
        return {"found": [_answer(hit) for hit in found[:MAX_HITS]]}

    def _search(self, query: str, *, refresh: bool) -> list[Hit]:
        """Returns turns with all words of the query that the model does not have.

        `refresh`: first bring the index up to date, once for each call of the tool.
        """
        held = self.held()
        hits = search(
            self._folder,
            query,
            limit=SEARCHED_HITS,
            refresh=refresh,
            cache=self._cache,
            reach=self.reach,
        )
        return [hit for hit in hits if hit.role in ("user", "assistant") and hit.turn not in held]

    def _search_words(self, query: str) -> list[Hit]:
        """Returns turns with some words of the query; a rare word counts more than a common one.

        A word with one hit counts 1; one with 20 hits, such as "the", counts 0.05 for each.
        """
        hits: dict[tuple[str, str], Hit] = {}
        weights: dict[tuple[str, str], float] = {}
        for word in dict.fromkeys(_WORD.findall(query.lower())):
            found = self._search(word, refresh=False)
            for hit in found:
                place = hit.id, hit.turn
                hits.setdefault(place, hit)
                weights[place] = weights.get(place, 0.0) + 1 / len(found)
        return [hits[place] for place in sorted(weights, key=lambda place: -weights[place])]


def _answer(hit: Hit) -> RecallHit:
    date = hit.started[:10]
    return RecallHit(session=hit.title or hit.id, date=date, role=hit.role, excerpt=hit.excerpt)
