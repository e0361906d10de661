"""Stems of words: "nights" and "night" have the same. The stemmers are those of Snowball."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "es": "spanish",
    "sv": "swedish",
    "tr": "turkish",
}
"""ISO 639-1 code → Snowball's name of the language."""


@lru_cache(maxsize=200_000)
def stem(word: str, code: str) -> str:
    """Returns the stem of a word in lower case; the word itself in a language without a stemmer."""
    stemmer = _stemmer(code)
    return word if stemmer is None else str(stemmer.stemWord(word))


@lru_cache(maxsize=32)
def _stemmer(code: str) -> Any:
    name = _STEMMERS.get(code)
    if name is None:
        return None
    import snowballstemmer

    try:
        return snowballstemmer.stemmer(name)
    except KeyError:  # an older release without this language
        return None
