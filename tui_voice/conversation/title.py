"""The title of a session: the given one, or else the user's first words."""

from __future__ import annotations

from functools import lru_cache

from tui_voice.conversation.ledger import Ledger
from tui_voice.languages.phrases import breaks_off, shortened

MAX_LENGTH = 60
"""Characters of a title that is made from the user's first words."""
LONGEST = 90
"""Characters that it may have where it would otherwise end inside a phrase."""


def title_of(ledger: Ledger) -> str:
    """Returns the title on one line, "" while there is none.

    Of the user's first turn it has the first phrases: "I would like to talk about the garden…". It
    ends inside a phrase only where the first one is longer than `LONGEST`.
    """
    if ledger.title.strip():
        return " ".join(ledger.title.split())
    said = (t.text for t in ledger.turns if t.role == "user" and t.text.strip() and not t.image)
    return _from_words(next(said, ""))


@lru_cache(maxsize=64)  # a screen asks for it with each drawing
def _from_words(first: str) -> str:
    words = " ".join(first.split())
    long = breaks_off(words, MAX_LENGTH) and not breaks_off(words, LONGEST)
    length = LONGEST if long else MAX_LENGTH
    return shortened(words, length) if len(words) > length else words.rstrip(".!")
