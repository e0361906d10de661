"""A fixed answer to a turn about suicide, self-harm or an overdose.

The built-in chat model must not answer such a turn: it is often wrong. The list is short, and it is
written in `docs/server.md`, so that everybody can see what it does. A chat server of the user's own
answers by itself.
"""

from __future__ import annotations

import re

PHRASES = (
    "kill myself",
    "killing myself",
    "end my life",
    "ending my life",
    "take my own life",
    "want to die",
    "wanna die",
    "want to be dead",
    "better off dead",
    "do not want to live",
    "don't want to live",
    "suicide",
    "suicidal",
    "hurt myself",
    "hurting myself",
    "harm myself",
    "harming myself",
    "self-harm",
    "overdose",
    "overdosed",
    "too many pills",
)
"""A turn that holds one of them, as whole words, is answered with `ANSWER`."""
ANSWER = (
    "I'm sorry that it is so hard. I'm only a small program and can't help you as a person can. "
    "Please talk to somebody near you now. If anybody is in danger or has taken too much of "
    "something, call your local emergency number at once."
)

_WORD = re.compile(r"[\w']+")


def distress_answer(said: str) -> str | None:
    """Returns `ANSWER` where one of `PHRASES` is in what the user `said`, else None."""
    words = _words(said)
    return ANSWER if any(_words(phrase) in words for phrase in PHRASES) else None


def _words(text: str) -> str:
    """Returns the words of a text between blanks, whatever its punctuation and capitals."""
    return f" {' '.join(_WORD.findall(text.casefold().replace('’', chr(39))))} "
