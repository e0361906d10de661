"""Answers a question about the session with the user's own words: `You said: "…"`.

The search is SQLite's: an index of full text (FTS5) in memory, made anew for each question from
the items that the server still holds, ranked by BM25. It splits words at spaces and punctuation and
stems English, so it finds nothing in languages written without spaces.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from tui_voice.languages.sentences import is_question
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.summary import SPEAKER, memory_sentences

_TABLE = """
CREATE VIRTUAL TABLE held USING fts5(text, speaker UNINDEXED, tokenize = 'porter unicode61')
"""
_WITH_WORD = "SELECT rowid FROM held WHERE held MATCH ?"
_BEST_FIRST = """
SELECT rowid, speaker, snippet(held, 0, '', '', '…', 40) FROM held WHERE held MATCH ?
ORDER BY bm25(held)
"""
"""An excerpt has at most 40 words."""
_LEAST_SHARED = 1 / 3
"""A text is quoted if it holds more than this share of the words of the question. Measured with
11 texts: of 84 questions about one of them, 64 were answered with that text and 7 with another; of
28 questions about the world or the partner, none was answered with a quote."""
_RARE = 0.1
_RARE_AT_LEAST = 2
"""One shared word has to be rare: it occurs in at most this share of the texts, or in so few."""
_WORD = re.compile(r"\w+")

_SAID = "You said"
_SUMMED_UP = "The summary says"


def quote_for(turns: Sequence[ContextTurn]) -> str | None:
    """Returns a quote that answers the last user turn; None where it asks nothing about the others.

    That is the case where the turn does not end with a question mark, or no text shares enough of
    its words, one of them a rare one. Where several texts hold the same words of the question, the
    best match is quoted, and behind it the newest, which may correct it.
    """
    asked = turns[-1].text if turns and turns[-1].role == "user" else ""
    words = set(_WORD.findall(asked.casefold()))
    if not (words and is_question(asked)):
        return None
    texts = _texts(turns[:-1])
    with closing(sqlite3.connect(":memory:")) as index:
        try:
            index.execute(_TABLE)
        except sqlite3.OperationalError:
            return None  # this Python's SQLite was built without FTS5
        index.executemany("INSERT INTO held VALUES (?, ?)", texts)
        rare = max(_RARE_AT_LEAST, int(_RARE * len(texts)))
        quotes = _matches(index, words, rare)
    return " ".join(quotes) or None


def _texts(turns: Sequence[ContextTurn]) -> list[tuple[str, str]]:
    """Returns what may be quoted, oldest first, each with the words that introduce it."""
    texts: list[tuple[str, str]] = []
    for turn in turns:
        if turn.role == "system":
            introduction = _SAID if SPEAKER in turn.text else _SUMMED_UP
            texts += [(text, introduction) for text in memory_sentences(turn.text)]
        elif turn.role == "user" and not is_question(turn.text):
            texts.append((turn.text, _SAID))
    return texts


def _matches(index: sqlite3.Connection, asked: set[str], rare: int) -> list[str]:
    """Returns at most two quotes: the best match, and the newest text with the same words.

    `asked`: the words of the question; `rare`: in how many texts a rare word may occur.
    """
    shared: dict[int, set[str]] = {}
    rare_words: set[str] = set()
    for word in asked:
        rows = [row for (row,) in index.execute(_WITH_WORD, (f'"{word}"',))]
        for row in rows:
            shared.setdefault(row, set()).add(word)
        if len(rows) <= rare:
            rare_words.add(word)
    found = index.execute(_BEST_FIRST, (" OR ".join(f'"{word}"' for word in asked),)).fetchall()
    for best in found:
        words = shared[best[0]]
        if len(words) > _LEAST_SHARED * len(asked) and words & rare_words:
            newest = max(text for text in found if shared[text[0]] >= words)
            quoted = [best] if newest == best else [best, newest]
            return [f'{speaker}: "{text}"' for _, speaker, text in quoted]
    return []
