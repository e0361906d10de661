"""The title of a session: the given one, or else the user's first words."""

from __future__ import annotations

from tui_voice.conversation.ledger import Ledger

MAX_LENGTH = 48
"""Characters of a title that is made from the user's first words."""


def title_of(ledger: Ledger) -> str:
    """Returns the title on one line, "" while there is none.

    The user's first turn is cut at a word: "I would like to talk about the garden, and about…".
    """
    if ledger.title.strip():
        return " ".join(ledger.title.split())
    first = next((t.text for t in ledger.turns if t.role == "user" and t.text.strip()), "")
    words = " ".join(first.split())
    if len(words) > MAX_LENGTH:
        return words[: MAX_LENGTH + 1].rsplit(" ", 1)[0][:MAX_LENGTH].rstrip(",;:-–— ") + "…"
    return words.rstrip(".!")
