"""The words of a turn and their stems, as the search index has them."""

from __future__ import annotations

import re

from tui_voice.languages.stemming import stem
from tui_voice.store.text_normalization import plain, spaced

WORD = re.compile(r"[^\W_]+")  # as FTS5 splits them: an underscore is no part of a word


class Stemmed:
    """A text of a session in one language (ISO 639-1 code, "" for unknown)."""

    __slots__ = ("all", "stems", "words")

    def __init__(self, text: str, language: str) -> None:
        self.words = spaced(text)
        """The text with spaces between its words."""
        found: set[str] = set()
        different: list[str] = []
        for word in WORD.findall(self.words):
            one = stem_of(word, language)
            found.add(one)
            if one != plain(word):
                different.append(one)
        self.stems = " ".join(different)
        """The stems that differ from their words."""
        self.all = frozenset(found)
        """Every stem once, also of words that are their own stems."""


def stem_of(word: str, language: str) -> str:
    """The stem of a word in lower case without accents."""
    return plain(stem(word.lower(), language))
