"""Finding what was once said: newest first, and the best of the newest at the top."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tui_voice.store import index
from tui_voice.store.query import Query, Term, parse
from tui_voice.store.rows import SLOTS, unspaced
from tui_voice.store.text_normalization import plain, printable

NEWEST = 200
"""So many of the newest hits are ranked; ranking all that have a common word takes a second."""
EXCERPT = 160
_AHEAD = 60
_LATEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found."""

    id: str
    """The talk's."""
    title: str
    turn: str
    """The turn's id."""
    role: str
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    """Where in the excerpt the words stand: first character, and the first behind."""
    at: float
    """Seconds since the talk was opened."""
    started: str
    path: Path

    @property
    def place(self) -> tuple[Path, str]:
        """Which turn it is, of all."""
        return self.path, self.turn


def search(
    folder: Path,
    text: str,
    *,
    limit: int = 50,
    typing: bool = False,
    without: str = "",
    cache: Path | None = None,
) -> list[Hit]:
    """The turns of all talks of `folder` that `text` finds, best first. Words, "phrases",
    prefix*, role:you|voice, after:/before: a date; filters alone find the newest turns.

    `typing`: the last word may go on, and the answer must not wait: it has all that tui-voice
    wrote, but perhaps not what another program did to a journal (see `look_through`).
    `without`: id of a talk to leave out. Raises `StoreError`.
    """
    query = parse(text, typing=typing)
    if query == Query():
        return []
    rows = index.ask(folder, lambda db: _rows(db, query, without), cache, quick=typing)
    order = sorted(range(len(rows)), key=lambda place: -_score(query, rows[place][4], place))
    return [_hit(folder, query, rows[place]) for place in order[:limit]]


def look_through(folder: Path, stop: Callable[[], bool], cache: Path | None = None) -> bool:
    """After a search while somebody types: looks at every journal, however long it takes, `stop`
    being asked before each that has changed. Whether there was anything new.
    """
    return index.catch_up(folder, cache, stop)


_Row = tuple[str, str, str, str, str, float, str, str]


def _rows(db: sqlite3.Connection, query: Query, without: str) -> list[_Row]:
    """The newest hits, newest first. CROSS JOIN: SQLite is to go by the words, from the end."""
    words = "words CROSS JOIN turns ON place = words.rowid" if query.match else "turns"
    conditions = ["place >= :first", "place < :last", "id != :without"]
    if query.match:
        conditions += ["words MATCH :match", "words.rowid >= :first", "words.rowid < :last"]
    elif query.role:
        conditions.append("role = :role")
    statement = f"""
        SELECT id, title, turn, turns.role, turns.text, at, started, name
        FROM {words} CROSS JOIN talks USING (file) WHERE {" AND ".join(conditions)}
        ORDER BY {"words.rowid" if query.match else "place"} DESC LIMIT {NEWEST}"""
    values = {
        "first": _place(query.after or 0.0),
        "last": _LATEST if query.before is None else _place(query.before),
        "without": without,
        "match": query.match,
        "role": query.role,
    }
    return db.execute(statement, values).fetchall()


def _hit(folder: Path, query: Query, row: _Row) -> Hit:
    talk, title, turn, role, text, at, started, name = row
    part, places = excerpt(text, query)
    return Hit(talk, title, turn, role, part, places, at, started, folder / name)


def _place(moment: float) -> int:
    return int(max(0.0, moment) * 1000) * SLOTS


def _score(query: Query, text: str, order: int) -> float:
    """More of the words in a shorter turn is better; among equals the newer."""
    found = len(_pattern_of(query.terms).findall(plain(text))) if query.terms else 0
    length = math.sqrt(1 + len(text) / EXCERPT)
    return found / length - order / NEWEST


def excerpt(text: str, query: Query) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The part of a turn around the first hit, in one line, and where the hits in it are."""
    line = printable(" ".join(text.split()))
    places = marks(line, query.terms)
    start = max(0, places[0][0] - _AHEAD) if places and len(line) > EXCERPT else 0
    if start:
        start = line.find(" ", start, places[0][0]) + 1 or start
    end = min(len(line), start + EXCERPT)
    if end < len(line):
        blank = line.rfind(" ", start + EXCERPT // 2, end)
        end = blank if blank > 0 else end
    before, after = "… " if start else "", " …" if end < len(line) else ""
    shift = len(before) - start
    inside = tuple((a + shift, min(b, end) + shift) for a, b in places if start <= a < end)
    return before + line[start:end] + after, inside


def marks(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int]]:
    """Where the words of a query stand in a text, as FTS5 compares them: case and accents apart."""
    if not terms:
        return []
    return [match.span() for match in _pattern_of(terms).finditer(plain(text))]


@lru_cache(maxsize=64)
def _pattern_of(terms: tuple[Term, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(term) for term in terms))


def _pattern(term: Term) -> str:
    words = r"[\W_]*".join(re.escape(plain(word)) for word in term.words)
    before = "" if unspaced(term.words[0][0]) else r"(?<![^\W_])"
    if term.prefix:
        return before + words + r"[^\W_]*"
    return before + words + ("" if unspaced(term.words[-1][-1]) else r"(?![^\W_])")
