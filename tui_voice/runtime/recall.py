"""The function `recall(query)`, with which the model searches for what left its window.

It searches the running session and the saved sessions that the same server has held, and no other:
what it finds is sent to the server.
"""

from __future__ import annotations

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
from tui_voice.store.evidence import SURE, Evidence, Said, find_evidence
from tui_voice.store.search import Reach

MAX_HITS = 5
"""Number of turns in one answer. Every later reply reads them again."""
HIT_CHARACTERS, NEIGHBOUR_CHARACTERS = 800, 240
"""Characters of a found turn, and of the turn before and after it, beyond which they are cut."""
NOTHING = "Nothing that was said matches. Try other words, or say that you do not know."
NOTHING_SURE = (
    "Nothing sure: no turn has most of these words, so it may never have been said. Try other "
    "words, or say that you do not know."
)
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
        found = find_evidence(
            self._folder,
            str(arguments[RECALL_QUERY]),
            limit=MAX_HITS,
            held=self.held(),
            cache=self._cache,
            reach=self.reach,
        )
        if not found:
            return {"found": [], "note": NOTHING}
        hits = [_answer(one) for one in found]
        if max(one.share for one in found) < SURE:
            return {"found": hits, "note": NOTHING_SURE}
        return {"found": hits}


def _answer(one: Evidence) -> RecallHit:
    hit = RecallHit(
        session=one.session,
        date=one.moment.date().isoformat() if one.moment else "",
        role=one.said.role,
        excerpt=_shortened(one.said.text, HIT_CHARACTERS),
        score=one.share,
    )
    if one.before is not None:
        hit["before"] = _beside(one.before)
    if one.after is not None:
        hit["after"] = _beside(one.after)
    return hit


def _beside(said: Said) -> str:
    return f"{said.role}: {_shortened(said.text, NEIGHBOUR_CHARACTERS)}"


def _shortened(text: str, most: int) -> str:
    """Returns the text on one line, cut at a blank where it is longer than `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0] + " …"
