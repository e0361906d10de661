"""Makes the output of the small chat model fit to be spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui_voice.server.local.spoken import spoken

_SENTENCE = re.compile(r"[.!?…]+[\"'”’)]*\s+")
_CLAUSE = re.compile(r"\s*[^\n*_`#|\[]{12,}?,\s+")
"""A first clause that can be spoken alone: 12 characters or more up to a comma, no markup in it."""
_MOST_SENTENCES = 2


def tidy(pieces: Iterator[str]) -> Iterator[str]:
    """Yields plain sentences as soon as they are whole: at most two, and no unfinished second one.

    The small model rambles, and its later sentences are the worst. The first clause of the first
    sentence comes alone, since it can be spoken while the model writes the rest.
    """
    text = ""
    sentences = 0
    clause_sent = False
    for piece in pieces:
        text += piece
        if not (sentences or clause_sent or _SENTENCE.search(text)):
            clause = _CLAUSE.match(text)
            if clause is not None:
                yield spoken(clause[0]) + " "
                text, clause_sent = text[clause.end() :], True
        while (end := _SENTENCE.search(text)) is not None:
            sentence, text = spoken(text[: end.end()]), text[end.end() :]
            if sentence:
                yield sentence + " "
                sentences += 1
            if sentences == _MOST_SENTENCES:
                return
    rest = spoken(text)
    whole = rest.endswith((".", "!", "?", "…", '"', "”"))
    if rest and (whole or not sentences):
        yield rest if whole else rest.rstrip(" ,;:-") + "."
