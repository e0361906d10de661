"""The title of a session: the given one, or else the user's first words."""

from __future__ import annotations

from tui_voice.conversation.ledger import Ledger
from tui_voice.languages.phrases import shortened

MAX_LENGTH = 60
"""Characters of a title that is made from the user's first words."""


def title_of(ledger: Ledger) -> str:
    """Returns the title on one line, "" while there is none.

    Of the user's first turn it has the first phrases: "I would like to talk about the garden…".
    """
    if ledger.title.strip():
        return " ".join(ledger.title.split())
    said = (t.text for t in ledger.turns if t.role == "user" and t.text.strip() and not t.image)
    first = next(said, "")
    words = " ".join(first.split())
    return shortened(words, MAX_LENGTH) if len(words) > MAX_LENGTH else words.rstrip(".!")
