"""Turns what the user types into a query for SQLite's FTS5. Every text is a valid query.

Example: kyoto "golden temple" shell* role:voice after:2026-04 before:2026-05-02
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from tui_voice.store.stems import WORD as _WORD
from tui_voice.store.stems import stem_of
from tui_voice.store.text_normalization import spaced

ROLES = {
    "user": "user",
    "you": "user",
    "me": "user",
    "assistant": "assistant",
    "voice": "assistant",
    "model": "assistant",
    "tool": "tool",
    "system": "system",
}

_PART = re.compile(r'(?P<key>role|before|after):(?P<value>\S+)|"(?P<phrase>[^"]*)"?|(?P<word>\S+)')
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_AGO = re.compile(r"(\d{1,4})([dwmy])$")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Term:
    """Adjacent words. `prefix`: the last one matches words that begin with it, too."""

    words: tuple[str, ...]
    prefix: bool = False
    phrase: bool = False
    """It was put in quotation marks: only these very words match."""

    def stems(self, languages: Collection[str]) -> list[str]:
        """The stems of a single word in these languages; none for a phrase."""
        if self.phrase or len(self.words) != 1:
            return []
        return sorted({stem_of(self.words[0], language) for language in languages})


@dataclass(frozen=True, slots=True)
class Query:
    """What to search: a turn must contain all terms, be of the role and lie between the times."""

    terms: tuple[Term, ...] = ()
    role: str = ""
    """One of the values of `ROLES`; "" for every role."""
    after: float | None = None
    """Unix seconds; `after:2026-04-02` includes that day."""
    before: float | None = None
    """Unix seconds; `before:2026-04-02` does not include that day."""
    languages: tuple[str, ...] = ()
    """A single word also matches turns that have its stem in one of these languages."""

    @property
    def match(self) -> str:
        """The query in FTS5's language; "" if there are no words in it.

        The words are quoted, and contain only letters and digits, so nothing that a user types
        can be an operator of that language.
        """
        parts = [_quoted(term, self.languages) for term in self.terms]
        return " AND ".join(parts)


def _quoted(term: Term, languages: Collection[str]) -> str:
    written = f'text : "{" ".join(term.words)}"{" *" if term.prefix else ""}'
    stems = term.stems(languages)
    if not stems:
        return f"({written})"
    alternatives = " OR ".join(f'"{stem}"' for stem in stems)
    return f"({written} OR {{text stems}} : ({alternatives}))"


def parse(text: str, *, typing: bool = False, now: datetime | None = None) -> Query:
    """The query that `text` means. A filter that is not understood counts as words.

    `typing`: the user is still typing, so the last word is a prefix.
    """
    terms: list[Term] = []
    role, after, before = "", None, None
    for part in _PART.finditer(text):
        value = part["value"] or ""
        if part["key"] == "role" and value.casefold() in ROLES:
            role = ROLES[value.casefold()]
        elif part["key"] == "after" and (moment := _moment(value, now)) is not None:
            after = moment
        elif part["key"] == "before" and (moment := _moment(value, now)) is not None:
            before = moment
        else:
            typed = part["phrase"] if part["phrase"] is not None else part[0]
            words = tuple(_WORD.findall(spaced(typed)))
            starred = part["word"] is not None and typed.endswith("*")
            last = typing and part.end() == len(text) and part["phrase"] is None
            if words:
                terms.append(Term(words, starred or last, part["phrase"] is not None))
    return Query(tuple(terms), role, after, before)


def _moment(value: str, now: datetime | None) -> float | None:
    """Unix seconds of the start of a year, month or day, or of a time ago (`7d`); else None."""
    now = now or datetime.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if value == "today":
            return today.timestamp()
        if value == "yesterday":
            return (today - timedelta(days=1)).timestamp()
        if ago := _AGO.match(value):
            return (now - timedelta(days=int(ago[1]) * _DAYS[ago[2]])).timestamp()
        if date := _DATE.match(value):
            year, month, day = (int(part) if part else 1 for part in date.groups())
            return datetime(year, month, day).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return None
