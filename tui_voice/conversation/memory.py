"""The memory as data: entries, each of a kind, and the text that the model and the user read.

The journal has the text. `read_memory` gives its entries, also those of texts of earlier versions,
and `render_memory` writes entries as text again. A fact is an entry as the user sees it; those that
the user wrote or pinned are `KeptFact`s, which a later summary has to keep.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

HEADINGS = {
    "prohibitions_and_limits": "Prohibitions and limits",
    "goals": "Goals",
    "commitments": "Commitments",
    "mistakes": "Mistakes to practise",
    "people_and_facts": "People and facts",
    "to_dos": "To-dos",
    "decisions": "Decisions",
    "preferences": "Preferences",
    "open_questions": "Open questions",
    "tone": "Tone",
    "quotes": "The user said",
    "word_for_word": "Word for word",
}
"""Kind of entry → its heading in the text. `quotes`: sentences that the embedded summariser quotes.
`word_for_word`: sentences that were added because the summary had lost something in them."""
EXTRA_KINDS = ("goals", "commitments", "mistakes")
"""The kinds that only certain summary styles ask for: what a coach or a tutor remembers."""
WRITTEN_KINDS = tuple(
    kind for kind in HEADINGS if kind not in ("quotes", "word_for_word", *EXTRA_KINDS)
)
"""The kinds of which a model is asked for entries in every structured summary."""
_KINDS = {heading.casefold(): kind for kind, heading in HEADINGS.items()} | {
    kind: kind for kind in HEADINGS
}
_LIST_MARK = re.compile(r"^\s*(?:[-*•–]|\d+[.)])\s+")
_HEADING = re.compile(r"^\s*(?:#+\s*)?(?:\*\*|__)?([^:*_#]+?)(?:\*\*|__)?\s*:(?:\*\*|__)?\s*(.*)$")


class MemoryEntry(NamedTuple):
    """One thing that the memory holds."""

    kind: str
    """A key of `HEADINGS`; "" for an entry under no known heading."""
    text: str


class KeptFact(NamedTuple):
    """A fact that a later summary keeps word for word, because the user pinned or wrote it."""

    kind: str
    """A key of `HEADINGS`, or ""."""
    text: str
    pinned: bool = False
    """Only the user changes it. Otherwise a correction in the conversation may replace it."""
    written: bool = False
    """The user wrote it, or corrected it."""
    was: str = ""
    """The text that the user corrected last; "" where none was."""


def read_memory(text: str) -> tuple[MemoryEntry, ...]:
    """The entries of a memory: of JSON, of lines under headings, of a list, or of plain text."""
    data = _memory_object(text)
    if data is not None:
        return tuple(
            MemoryEntry(_KINDS.get(str(key).casefold(), ""), item.strip())
            for key, value in data.items()
            for item in (value if isinstance(value, list) else [value])
            if isinstance(item, str) and item.strip()
        )
    found: list[MemoryEntry] = []
    kind = ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading is not None and heading[1].strip().casefold() in _KINDS:
            kind = _KINDS[heading[1].strip().casefold()]
            line = heading[2]  # noqa: PLW2901  (what follows the heading on its line)
        item = _LIST_MARK.sub("", line).strip()
        if item:
            found.append(MemoryEntry(kind, item))
    return tuple(found)


def render_memory(entries: Sequence[MemoryEntry]) -> str:
    """The entries as lines under their headings, those that must not be lost first."""
    lines: list[str] = []
    for kind, heading in (("", ""), *HEADINGS.items()):
        of_kind = dict.fromkeys(entry.text for entry in entries if entry.kind == kind)
        if of_kind and heading:
            lines.append(f"{heading}:")
        lines += [f"- {text}" if heading else text for text in of_kind]
    return "\n".join(lines)


def memory_data(text: str) -> str:
    """The memory as a JSON object of lists, by kind."""
    found: dict[str, list[str]] = {}
    for entry in read_memory(text):
        found.setdefault(entry.kind or "people_and_facts", []).append(entry.text)
    return msgspec.json.encode(found).decode()


def with_change(text: str, before: str, after: MemoryEntry | None) -> str:
    """The memory with one entry replaced. `before` "": it is added. `after` None: it is removed.

    A memory that is a JSON object stays one; another becomes lines under headings.
    """
    entries = list(read_memory(text))
    place = next((n for n, entry in enumerate(entries) if entry.text == before), len(entries))
    entries[place : place + 1] = [after] if after is not None else []
    return _written_like(text, entries)


def with_facts(text: str, facts: Sequence[KeptFact]) -> str:
    """The memory with each of these facts in its place, word for word.

    Other entries that say nothing but a part of such a fact are left out.
    """
    entries = read_memory(text)
    whole = {(entry.kind, entry.text) for entry in entries}
    if all((fact.kind, fact.text) in whole for fact in facts):
        return text
    texts = [fact.text.casefold() for fact in facts]
    left = [e for e in entries if not any(e.text.casefold() in fact for fact in texts)]
    return _written_like(text, [*(MemoryEntry(fact.kind, fact.text) for fact in facts), *left])


def facts_in(text: str, facts: Sequence[KeptFact]) -> tuple[KeptFact, ...]:
    """Those of the facts that the memory has, word for word."""
    texts = {entry.text for entry in read_memory(text)} if facts else set()
    return tuple(fact for fact in facts if fact.text in texts)


def _written_like(text: str, entries: Sequence[MemoryEntry]) -> str:
    """The entries in the form of `text`: a JSON object, or lines under headings."""
    rendered = render_memory(entries)
    return memory_data(rendered) if entries and _memory_object(text) is not None else rendered


def _memory_object(text: str) -> dict[str, object] | None:
    """The JSON object that a memory is; None where it is text, in which braces may stand."""
    data = json_object(text)
    is_memory = data is not None and (
        text.lstrip().startswith("{") or any(key.casefold() in _KINDS for key in data)
    )
    return data if is_memory else None


def json_object(text: str) -> dict[str, object] | None:
    """Returns the JSON object that a text contains, also between other words; None without one."""
    try:
        found = msgspec.json.decode(text[text.index("{") : text.rindex("}") + 1])
    except (ValueError, msgspec.DecodeError):
        return None
    return found if isinstance(found, dict) else None
