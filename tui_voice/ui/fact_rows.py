"""The memory as a list of facts: plain values for the side panel and the memory screen.

This module knows nothing of Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.conversation.memory import KeptFact

OTHER = "Other"
"""Heading of entries that stand under no known heading."""


class FactRow(NamedTuple):
    """One fact of the memory."""

    kind: str
    """As in `MemoryEntry.kind`."""
    heading: str
    text: str
    pinned: bool = False
    written: bool = False
    """The user wrote it, or corrected it."""
    was: str = ""
    """The text that the user corrected."""


@lru_cache(maxsize=8)
def fact_rows(memory: str, kept: Sequence[KeptFact]) -> tuple[FactRow, ...]:
    """Returns the facts of a memory by kind, those that are shortened last first. `kept`:
    `Ledger.facts`, a tuple.
    """
    from tui_voice.conversation.memory import HEADINGS, read_memory

    order = {kind: number for number, kind in enumerate(HEADINGS)}
    marks = {fact.text: fact for fact in kept}
    found: dict[tuple[str, str], FactRow] = {}
    for entry in sorted(read_memory(memory), key=lambda one: order.get(one.kind, len(order))):
        mark = marks.get(entry.text)
        found[entry] = FactRow(
            entry.kind,
            HEADINGS.get(entry.kind, OTHER),
            entry.text,
            pinned=mark is not None and mark.pinned,
            written=mark is not None and mark.written,
            was=mark.was if mark is not None else "",
        )
    return tuple(found.values())


def facts_of(ledger: Ledger) -> tuple[FactRow, ...]:
    """Returns the facts of a session's memory, as `fact_rows` orders them."""
    return fact_rows(ledger.memory, ledger.facts)


def kind_after(kind: str) -> str:
    """Returns the next of the kinds that a fact can have, in a circle."""
    from tui_voice.conversation.memory import WRITTEN_KINDS

    place = WRITTEN_KINDS.index(kind) + 1 if kind in WRITTEN_KINDS else 0
    return WRITTEN_KINDS[place % len(WRITTEN_KINDS)]


def heading_of(kind: str) -> str:
    from tui_voice.conversation.memory import HEADINGS

    return HEADINGS.get(kind, OTHER)
