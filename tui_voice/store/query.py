"""Turns what the user types into a query for SQLite's FTS5. Every text is a valid query.

Example: kyoto "golden temple" shell* role:voice after:2026-04 before:2026-05-02
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

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
_WORD = re.compile(r"[^\W_]+")  # as FTS5 splits them: an underscore is no part of a word
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_AGO = re.compile(r"(\d{1,4})([dwmy])$")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Term:
    """Adjacent words. `prefix`: the last one matches words that begin with it, too."""

    words: tuple[str, ...]
    prefix: bool = False


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

    @property
    def match(self) -> str:
        """The query in FTS5's language; "" if there are no words in it.

        The words are quoted, and contain only letters and digits, so nothing that a user types
        can be an operator of that language.
        """
        parts = [_quoted(term) for term in self.terms]
        if not parts:
            return ""
        words = f"text : ({' AND '.join(parts)})"
        return f"{words} AND role : {self.role}" if self.role else words


def _quoted(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


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
                terms.append(Term(words, starred or last))
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
