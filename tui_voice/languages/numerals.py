"""The numbers that words stand for: "nine", "vierundzwanzig", "third".

The words are those of the Unicode CLDR number rules, as the library unicode-rbnf spells them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

HIGHEST = 100
"""Largest number whose word is known."""
LOWEST = 2
"""Smallest number whose word is known: in many languages the word for 1 is an article as well."""
HIGHEST_ORDINAL = 31
"""Largest number of which the ordinal is known: the days of a month."""
_GROUPED = re.compile(r"\d{1,3}(?:[.,'’]\d{3})+(?!\d)")
_ORDINAL = re.compile(r"(\d+)[^\W\d]{1,2}")


@lru_cache(maxsize=8)
def number_words(code: str) -> Mapping[str, int]:
    """Returns word → number for the language with this ISO 639-1 code; empty for another one.

    Words with a space in them are left out.
    """
    from unicode_rbnf import FormatPurpose, RbnfEngine  # parses its rules, some ms a language

    found: dict[str, int] = {}
    try:
        engine = RbnfEngine.for_language(code)
        for purpose, highest in (
            (FormatPurpose.CARDINAL, HIGHEST),
            (FormatPurpose.ORDINAL, HIGHEST_ORDINAL),
        ):
            for number in range(LOWEST, highest + 1):
                for text in engine.format_number(number, purpose).text_by_ruleset.values():
                    word = text.replace("\u00ad", "").casefold()
                    if word.replace("-", "").isalpha():
                        found.setdefault(word, number)
    except (ValueError, KeyError, FileNotFoundError):
        return {}
    return found


def figure(word: str, words: Mapping[str, int]) -> str:
    """Returns the number that `word` stands for in one spelling, "" where it is no number.

    Example: "6100" for "6,100", "16" for "16th", "9" for "nine", "7:45" for itself.
    """
    if any(map(str.isdecimal, word)):
        if _GROUPED.fullmatch(word):
            return re.sub(r"\D", "", word)
        ordinal = _ORDINAL.fullmatch(word)
        return (ordinal[1] if ordinal else word).casefold()
    number = words.get(word.casefold())
    return "" if number is None else str(number)
