"""Prepares text for comparison, for the search index, and for display."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]")
"""Characters that control a terminal or the direction of writing; not tab and line feed."""
_UNSPACED = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def plain(text: str) -> str:
    """The text in lower case without accents; it has the same length. `Ça` becomes `ca`."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_character, text))


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    return (unicodedata.normalize("NFD", character)[0].lower() or character)[0]


def printable(text: str) -> str:
    """The text without characters that control a terminal or the direction of writing."""
    return text if text.isprintable() else CONTROLS.sub("", text)


def spaced(text: str) -> str:
    """The text with a space around each Chinese or Japanese character.

    These scripts write no spaces between words, so the index treats each character as a word.
    """
    return _UNSPACED.sub(r" \1 ", text)


def unspaced(character: str) -> bool:
    """Whether the character belongs to a script without spaces between words."""
    return _UNSPACED.match(character) is not None
