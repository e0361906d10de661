"""Finds the turns that answer a question: BM25 on stems, each hit with the turns beside it.

Ranking every turn that has a common word takes a second in 1 000 000 turns. So the rarest stems of
the question choose the candidates, and only the best of these are read and ranked exactly.
"""

from __future__ import annotations

import heapq
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tui_voice.languages.common_words import common_words
from tui_voice.store import index
from tui_voice.store.search import Reach, session_languages
from tui_voice.store.stems import WORD, stem_of
from tui_voice.store.text_normalization import plain, printable, spaced

MAX_STEMS = 24
"""Stems of a question that are looked up: the rarest."""
TURNS_OF_STEM = 2_000
"""Turns that are taken of a stem: the newest, where more have it."""
MOST_CANDIDATES = 3_000
"""Turns that are taken of all stems together, from the rarest stem on."""
RANKED = 40
"""Candidates that are read and ranked exactly."""
_K1, _B = 1.2, 0.75
"""The usual parameters of BM25: saturation by repetition, and weight of the length."""
COMMON_WEIGHT = 0.25
"""Factor for the weight of common words of the language: few turns do not show how common."""
SURE = 0.5
"""Share of the weight of a question's own words, 0–1, from which its best hit is called sure."""
ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Said:
    """A turn as it was said."""

    turn: str
    """Its id."""
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A turn that may answer a question."""

    session: str
    """Title of the session, or its id."""
    path: Path
    said: Said
    moment: datetime | None
    """When it was said. None: the session's beginning is not known."""
    score: float
    """BM25, above 0."""
    share: float
    """Share of the weight of the question's own words that it and its neighbours have, 0–1."""
    before: Said | None = None
    after: Said | None = None


def find_evidence(
    folder: Path,
    question: str,
    *,
    limit: int = 5,
    held: Collection[str] = (),
    refresh: bool = True,
    cache: Path | None = None,
    reach: Reach | None = None,
) -> list[Evidence]:
    """The turns of all sessions in `folder` that fit `question` best, best first.

    `held`: ids of turns of the session `reach.own`, or of any session without a `reach`, that are
    left out. `refresh`: the index is first brought up to date. Raises `StoreError`.
    """
    return index.ask(
        folder,
        lambda db: _find(db, folder, question, limit, frozenset(held), reach),
        cache,
        refresh=refresh,
    )


@dataclass(frozen=True, slots=True)
class _Stem:
    text: str
    weight: float
    """Inverse document frequency: how much it tells."""
    own: bool
    """It is what the question is about, and no common word of the language."""
    turns: int
    """Number of turns that have it."""


_Row = tuple[int, int, str, str, str, float, str, str, str, bytes, str]


def _find(
    db: sqlite3.Connection,
    folder: Path,
    question: str,
    limit: int,
    held: frozenset[str],
    reach: Reach | None,
) -> list[Evidence]:
    stems = _stems_of(db, question)
    weights: dict[int, float] = {}
    left = MOST_CANDIDATES
    for stem in stems:
        if left <= 0:
            break  # the others are more common; they count in the ranking
        places = db.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?",
            (f'{{text stems}} : "{stem.text}"', min(left, TURNS_OF_STEM)),
        ).fetchall()
        left -= len(places)
        for (place,) in places:
            weights[place] = weights.get(place, 0.0) + stem.weight
    best = heapq.nlargest(RANKED * (1 if reach is None else 4), weights, key=weights.__getitem__)
    read = [row for row in _read(db, best, reach) if row[2] not in held][:RANKED]
    ranked = sorted(_ranked(read, stems), key=lambda pair: pair[0], reverse=True)
    found: list[Evidence] = []
    shown: set[int] = set()
    for score, row in ranked:
        if len(found) == limit:
            break
        if row[0] in shown:  # it stands beside a better hit
            continue
        before, after = _neighbours(db, row, held)
        shown |= {place for place, _ in (before, after) if place} | {row[0]}
        texts = [row[4], *(said.text for _, said in (before, after) if said is not None)]
        found.append(
            Evidence(
                session=row[6] or row[7],
                path=folder / os.fsdecode(row[9]),
                said=Said(row[2], row[3], printable(row[4])),
                moment=_moment(row[8], row[5]),
                score=round(score, 3),
                share=round(_share(texts, stems, row[10]), 3),
                before=before[1],
                after=after[1],
            )
        )
    return found


def _stems_of(db: sqlite3.Connection, question: str) -> list[_Stem]:
    """The stems of a question in the languages of the sessions, the rarest first."""
    languages = session_languages(db) or ("",)
    common = {word for language in languages for word in common_words(language)}
    words = dict.fromkeys(word.lower() for word in WORD.findall(spaced(question)))
    own: dict[str, bool] = {}
    for word in words:
        for language in languages:
            stem = stem_of(word, language)
            own[stem] = own.get(stem, False) or (plain(word) not in common and word not in common)
    total = _turns_with(db, "")
    found = []
    for stem, is_own in own.items():
        count = _turns_with(db, stem)
        weight = math.log(1 + (total - count + 0.5) / (count + 0.5)) if total else 0.0
        weight *= 1.0 if is_own else COMMON_WEIGHT
        found.append(_Stem(stem, max(weight, 1e-6), is_own, count))
    found.sort(key=lambda stem: stem.turns)
    return found[:MAX_STEMS]


def _turns_with(db: sqlite3.Connection, stem: str) -> int:
    row = db.execute("SELECT turns FROM stems WHERE stem = ?", (stem,)).fetchone()
    return max(0, row[0]) if row else 0


def _read(db: sqlite3.Connection, places: Sequence[int], reach: Reach | None) -> list[_Row]:
    """The turns at these places that may be searched, in that order."""
    condition = f" AND {reach.condition}" if reach is not None else ""
    listed = ",".join(map(str, places))
    rows = db.execute(
        f"""SELECT place, file, turn, role, text, at, title, id, started, name, language
        FROM turns JOIN sessions USING (file)
        WHERE place IN ({listed}) AND role IN ('user', 'assistant'){condition}""",
        reach.values if reach else {},
    ).fetchall()
    by_place = {row[0]: row for row in rows}
    return [by_place[place] for place in places if place in by_place]


def _ranked(rows: Sequence[_Row], stems: Sequence[_Stem]) -> list[tuple[float, _Row]]:
    """Each turn with its BM25."""
    counted = []
    for row in rows:
        counts = Counter(stem_of(word, row[10]) for word in WORD.findall(spaced(row[4])))
        counted.append((counts, sum(counts.values())))
    average = sum(length for _, length in counted) / len(counted) if counted else 1.0
    found = []
    for row, (counts, length) in zip(rows, counted, strict=True):
        score = 0.0
        for stem in stems:
            if times := counts.get(stem.text, 0):
                slack = _K1 * (1 - _B + _B * length / average)
                score += stem.weight * times * (_K1 + 1) / (times + slack)
        found.append((score, row))
    return found


def _neighbours(
    db: sqlite3.Connection, row: _Row, held: frozenset[str]
) -> tuple[tuple[int, Said | None], tuple[int, Said | None]]:
    """The turn before and the turn after one of the same session, each with its place."""
    place, file = row[0], row[1]
    found: list[tuple[int, Said | None]] = []
    for comparison, order in (("<", "DESC"), (">", "ASC")):
        near = db.execute(
            f"""SELECT place, turn, role, text FROM turns
            WHERE file = ? AND place {comparison} ? AND role IN ('user', 'assistant')
            ORDER BY place {order} LIMIT 1""",
            (file, place),
        ).fetchone()
        if near is None or near[1] in held:
            found.append((0, None))
        else:
            found.append((near[0], Said(near[1], near[2], printable(near[3]))))
    return found[0], found[1]


def _share(texts: Sequence[str], stems: Sequence[_Stem], language: str) -> float:
    has = {stem_of(word, language) for text in texts for word in WORD.findall(spaced(text))}
    own = [stem for stem in stems if stem.own] or list(stems)
    whole = sum(stem.weight for stem in own)
    return sum(stem.weight for stem in own if stem.text in has) / whole if whole else 0.0


def _moment(started: str, at: float) -> datetime | None:
    try:
        return datetime.fromisoformat(started) + timedelta(seconds=at)
    except (ValueError, OverflowError):
        return None
