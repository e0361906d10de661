"""What the user types into a search → what FTS5 is asked. Any text at all is a good query.

kyoto "golden temple" shell* role:voice after:2026-04 before:2026-05-02
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tui_voice.store.rows import spaced

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
_WORD = re.compile(r"[^\W_]+")  # as FTS5 cuts them: no underscore
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_AGO = re.compile(r"(\d{1,4})([dwmy])$")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side; `prefix`: the last may go on."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    terms: tuple[Term, ...] = ()
    role: str = ""
    after: float | None = None
    """Unix seconds, from then on: `after:2026-04-02` has that day in it."""
    before: float | None = None
    """Unix seconds, until then: `before:2026-04-02` has not."""

    @property
    def match(self) -> str:
        """The query in FTS5's language; "" when there are no words in it. What was typed stands
        in quotes and has none in it: only letters and digits come as far as here.
        """
        parts = [_quoted(term) for term in self.terms]
        if not parts:
            return ""
        said = f"text : ({' AND '.join(parts)})"
        return f"{said} AND role : {self.role}" if self.role else said


def _quoted(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def parse(text: str, *, typing: bool = False, now: datetime | None = None) -> Query:
    """`typing`: the user is not done; the last word may go on. A filter that is not understood is
    taken for words.
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
            said = part["phrase"] if part["phrase"] is not None else part[0]
            words = tuple(_WORD.findall(spaced(said)))
            starred = part["word"] is not None and said.endswith("*")
            last = typing and part.end() == len(text) and part["phrase"] is None
            if words:
                terms.append(Term(words, starred or last))
    return Query(tuple(terms), role, after, before)


def _moment(value: str, now: datetime | None) -> float | None:
    """Where a year, a month or a day begins, or what was so long ago (`7d`): Unix seconds."""
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
