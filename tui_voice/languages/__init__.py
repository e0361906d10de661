"""Which language a text is in, by its function words or its script; and how to ask for one.

A summary may be wanted in another language than the talk's, and small models forget that. So what
they wrote is measured, and a second request is put in the wanted language itself.
"""

from __future__ import annotations

import re
from collections import Counter

from tui_voice.languages.table import EXAMPLE, LANGUAGES, SCRIPTS, Language

__all__ = [
    "EXAMPLE",
    "LANGUAGES",
    "Language",
    "is_same",
    "language_of",
    "named",
]

_WORD = re.compile(r"[^\W\d_]+'?")
_SCRIPTS = tuple((name, re.compile(letter)) for name, letter in SCRIPTS)
_WORDS = {language.name: frozenset(language.words.split()) for language in LANGUAGES}
_LISTED = Counter(word for words in _WORDS.values() for word in words)
_FEWEST = 2.0
"""Function words that a verdict needs; one that several languages have counts less."""
_LEAD = 1.1
"""So many times as much must speak for the first as for the second."""


def is_same(name: str) -> bool:
    """Whether a setting asks for the language of the talk."""
    return name.strip().casefold() in ("", "same", "auto")


def named(name: str) -> Language | None:
    """The language that a user means by its English name, its own name or its code."""
    wanted = name.strip().casefold()
    code = wanted.partition("-")[0]
    for language in LANGUAGES:
        if wanted == language.name.casefold() or wanted in language.also or code in language.also:
            return language
    return None


def language_of(text: str) -> str:
    """The English name of the language that `text` is in; "" where too little speaks for any.

    Of a mixture it names what most of it is in; quotations count as text.
    """
    letters = sum(map(str.isalpha, text))
    for name, script in _SCRIPTS:
        if letters and len(script.findall(text)) > letters * (0.15 if name == "Japanese" else 0.5):
            return name
    words = _WORD.findall(text.casefold().replace("’", "'"))
    found = Counter(word if word in _LISTED else word.rstrip("'") for word in words)
    weights = sorted(
        ((sum(found[word] / _LISTED[word] for word in own), name) for name, own in _WORDS.items()),
        reverse=True,
    )
    (first, name), (second, _) = weights[:2]
    return name if first >= _FEWEST and first >= second * _LEAD else ""
