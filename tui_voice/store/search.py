"""Searches the turns of all sessions of a folder; the best of the newest hits come first."""

from __future__ import annotations

import math
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from tui_voice.store import index, rows
from tui_voice.store.query import Query, Term, parse
from tui_voice.store.rows import SLOTS
from tui_voice.store.stems import WORD, stem_of
from tui_voice.store.text_normalization import plain, printable, unspaced

NEWEST = 200
"""How many hits are ranked: the newest. Ranking every hit of "the" in 1 000 000 turns takes 160 ms
of processor time, which is too long while the user types."""
EXCERPT = 160
"""The most characters of a turn that a hit shows."""
_BEFORE_HIT = 60
"""How many of them stand before the first found word."""
_LATEST_PLACE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found."""

    id: str
    """The session's id."""
    title: str
    """The session's title."""
    turn: str
    """The turn's id."""
    role: str
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    """Start and end of each found word in the excerpt: `excerpt[start:end]` is the word."""
    at: float
    """Seconds since the session was opened."""
    started: str
    path: Path

    @property
    def place(self) -> tuple[Path, str]:
        """The journal and the turn id: different for every turn."""
        return self.path, self.turn


@dataclass(frozen=True, slots=True)
class Reach:
    """The sessions that may be searched for a server: those that no other server has held.

    A private session is never among them. The session `own`, which is open, always is.
    """

    own: str
    """File name of its journal."""
    held_with: str | None
    """The server, as `Ledger.held_with` names it; None: whatever server had them."""

    @property
    def condition(self) -> str:
        """A condition of SQL on the table `sessions`, with the values `:own` and `:held_with`."""
        same = "" if self.held_with is None else " AND held_with = :held_with"
        return f"(name = :own OR (NOT private{same}))"

    @property
    def values(self) -> dict[str, bytes | str | None]:
        """The values of the condition."""
        return {"own": os.fsencode(self.own), "held_with": self.held_with}


def search(
    folder: Path,
    text: str,
    *,
    limit: int = 50,
    typing: bool = False,
    refresh: bool = True,
    cache: Path | None = None,
    reach: Reach | None = None,
) -> list[Hit]:
    """The turns of all sessions in `folder` that match `text`, best first.

    `text`: words, "phrases", prefix*, role:you|voice, after: and before: a date; filters alone
    find the newest turns. `typing`: the user is still typing, so the last word is a prefix.
    `refresh`: the index is first brought up to date with all journals. False: turns that were
    written since the last refresh or `update_index` are not found, and the search waits for no
    update. `reach`: which sessions are searched; None: all. Raises `StoreError`.
    """
    query = parse(text, typing=typing)
    if query == Query():
        return []

    def ask(db: sqlite3.Connection) -> tuple[Query, list[_Row], frozenset[str]]:
        stemming = replace(query, languages=session_languages(db))
        return stemming, _newest_hits(db, stemming, reach), rows.copied_ids(db)

    query, found, copied = index.ask(folder, ask, cache, refresh=refresh)
    order = sorted(range(len(found)), key=lambda place: -_score(query, found[place][4], place))
    return [_hit(folder, query, copied, found[place]) for place in order[:limit]]


def session_languages(db: sqlite3.Connection) -> tuple[str, ...]:
    """The languages of the sessions in the index, as ISO 639-1 codes."""
    found = db.execute("SELECT DISTINCT language FROM sessions WHERE language != ''")
    return tuple(sorted(code for (code,) in found))


def update_index(folder: Path, stop: Callable[[], bool], cache: Path | None = None) -> bool:
    """Calls `index.update`: the screen may search, and import nothing else of the index."""
    return index.update(folder, cache, stop)


_Row = tuple[str, str, str, str, str, float, str, bytes]


def _newest_hits(db: sqlite3.Connection, query: Query, reach: Reach | None) -> list[_Row]:
    """The newest hits, newest first.

    CROSS JOIN makes SQLite read the words first, from the newest backwards, and stop at the limit.
    """
    words = "words CROSS JOIN turns ON place = words.rowid" if query.match else "turns"
    conditions = ["place >= :first", "place < :last"]
    if query.match:
        conditions += ["words MATCH :match", "words.rowid >= :first", "words.rowid < :last"]
    if query.role:
        conditions.append("role = :role")
    if reach is not None:
        conditions.append(reach.condition)
    statement = f"""
        SELECT id, title, turn, turns.role, turns.text, at, started, name
        FROM {words} CROSS JOIN sessions USING (file) WHERE {" AND ".join(conditions)}
        ORDER BY {"words.rowid" if query.match else "place"} DESC LIMIT {NEWEST}"""
    values = {
        "first": _place(query.after or 0.0),
        "last": _LATEST_PLACE if query.before is None else _place(query.before),
        "match": query.match,
        "role": query.role,
        **(reach.values if reach else {}),
    }
    return db.execute(statement, values).fetchall()


def _hit(folder: Path, query: Query, copied: frozenset[str], row: _Row) -> Hit:
    session, title, turn, role, text, at, started, name = row
    part, places = excerpt(text, query)
    path = folder / os.fsdecode(name)
    if session in copied:
        session = path.stem
    return Hit(session, title, turn, role, part, places, at, started, path)


def _place(moment: float) -> int:
    """The first place (see `rows`) at a time in Unix seconds."""
    return int(max(0.0, moment) * 1000) * SLOTS


def _score(query: Query, text: str, order: int) -> float:
    """Higher for more hits in a shorter turn; among equals, for the newer. `order`: 0 is newest."""
    found = len(marks(text, query))
    length = math.sqrt(1 + len(text) / EXCERPT)
    return found / length - order / NEWEST


def excerpt(text: str, query: Query) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The part of a turn around its first found word, in one line, and the marks of all in it."""
    line = printable(" ".join(text.split()))
    places = marks(line, query)
    start = max(0, places[0][0] - _BEFORE_HIT) if places and len(line) > EXCERPT else 0
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


def found_words(hits: Iterable[Hit], path: Path) -> re.Pattern[str] | None:
    """Returns a pattern that matches the words that `hits` found in one session, as written there;
    None if no hit is in that session. `path`: the session's journal.
    """
    words = {hit.excerpt[a:b] for hit in hits if hit.path == path for a, b in hit.marks}
    parts = [
        re.escape(word) if unspaced(word[0]) else rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def marks(text: str, query: Query) -> list[tuple[int, int]]:
    """Start and end of each word of a query in a text, also of words with the same stem; like FTS5
    it ignores case and accents.
    """
    if not query.terms:
        return []
    folded = plain(text)
    found = [match.span() for match in _pattern_of(query.terms).finditer(folded)]
    stems = {stem for term in query.terms for stem in term.stems(query.languages)}
    if not stems:
        return found
    begins = {start for start, _ in found}
    found += [
        word.span()
        for word in WORD.finditer(text)
        if word.start() not in begins
        and any(stem_of(word[0], language) in stems for language in query.languages)
    ]
    return sorted(found)


@lru_cache(maxsize=64)
def _pattern_of(terms: tuple[Term, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(term) for term in terms))


def _pattern(term: Term) -> str:
    words = r"[\W_]*".join(re.escape(plain(word)) for word in term.words)
    before = "" if unspaced(term.words[0][0]) else r"(?<![^\W_])"
    if term.prefix:
        return before + words + r"[^\W_]*"
    return before + words + ("" if unspaced(term.words[-1][-1]) else r"(?![^\W_])")
