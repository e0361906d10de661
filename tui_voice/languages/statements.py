"""Sentences as values: their words, and which of these are names, numbers or negated.

No list of words of a topic is used, so this works in every language; numbers that are written as
words, stems and negation are known in those languages for which there is data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui_voice.languages import LANGUAGES, detect_language
from tui_voice.languages.common_words import common_words
from tui_voice.languages.negation import is_negated
from tui_voice.languages.numerals import figure, number_words
from tui_voice.languages.stemming import stem

WordKind = Literal["", "figure", "name"]
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff"
"""Characters of scripts without spaces between words: each counts as a word."""
_WORD = re.compile(
    rf"[{_UNSPACED}][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*"
    rf"|[^\W_{_UNSPACED}]+(?:[.,:'’\-][^\W_{_UNSPACED}]+)*"
)
MIN_LETTERS = 4
"""A shorter word in an alphabet is compared only if a list of the language's stop words is known
and lacks it. Longer stop words are compared: they tell things apart ("first", "second", "room")."""
_CLAUSE_END = re.compile(r"[,;:](?=\s)|[、，；：–—]|(?<=\s)-(?=\s)")
MAX_SHARE = 0.2
"""A word that more of the sentences have, and at least `MIN_COMMON`, is of grammar, too."""
MIN_COMMON = 4


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence. `text[start:end]` is the word as written."""

    start: int
    end: int
    stem: str
    kind: WordKind = ""
    key: str = ""
    """Equal for two spellings of one number or name; "" for another word."""
    content: bool = False
    """It says what the sentence is about, and is no word of grammar."""
    clause: int = 0
    """Number of the part of the sentence between commas, colons, semicolons and dashes."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence and its words in order."""

    text: str
    words: tuple[Word, ...]
    negated: bool = False

    @property
    def marks(self) -> frozenset[str]:
        """The names and numbers in it."""
        return frozenset(word.key for word in self.words if word.key)

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words)

    @property
    def content(self) -> frozenset[str]:
        """Stems of the words that say what it is about, without names and numbers."""
        return frozenset(word.stem for word in self.words if word.content and not word.key)


def language_code(text: str) -> str:
    """Returns the ISO 639-1 code of the language of a text, "" where it is not clear.

    May load a model: do not call it on an event loop.
    """
    found = detect_language(text) if text.strip() else ""
    return next((one.code for one in LANGUAGES if one.name == found), "")


def statements(texts: Sequence[str], code: str) -> list[Statement]:
    """Returns the sentences as statements. `code`: language of all of them, "" for unknown."""
    numbers = number_words(code)
    of_grammar = common_words(code)
    spans = [[match.span() for match in _WORD.finditer(text)] for text in texts]
    written = [
        [text[start:end] for start, end in found] for text, found in zip(texts, spans, strict=True)
    ]
    inside = {word for line in written for word in line[1:] if _is_capitalised(word)}
    stems = [[stem(word.casefold(), code) for word in line] for line in written]
    sentences_with = Counter(one for line in stems for one in set(line))
    common = max(MIN_COMMON, MAX_SHARE * len(texts))
    result = []
    for text, found, line, stemmed in zip(texts, spans, written, stems, strict=True):
        words = []
        for number, ((start, end), word, one) in enumerate(zip(found, line, stemmed, strict=True)):
            kind: WordKind = ""
            key = figure(word, numbers)
            if key:
                kind = "figure"
            elif _is_capitalised(word) and (number or word in inside):
                kind, key = "name", re.sub(r"['’]s?$", "", word.casefold())
            content = bool(key) or (
                sentences_with[one] <= common
                and (
                    len(word) >= MIN_LETTERS
                    or (not word.isascii() and len(word) == 1)
                    or (bool(of_grammar) and word.casefold() not in of_grammar)
                )
            )
            clause = len(_CLAUSE_END.findall(text[:start]))
            words.append(Word(start, end, one, kind, key, content, clause))
        folded = tuple(word.casefold() for word in line)
        result.append(Statement(text, tuple(words), is_negated(folded, text, code)))
    return result


def _is_capitalised(word: str) -> bool:
    """Returns whether a word may be a name: "Marit" and "NATO", not "I" or "I'm"."""
    letters = re.split(r"['’]", word)[0]
    return len(letters) > 1 and letters[0].isupper()
