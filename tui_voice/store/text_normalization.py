"""Prepares text for comparison, for the search index, and for display."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]")
"""Characters that control a terminal or the direction of writing; not tab and line feed."""
_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df\uaa60-\uaadf"  # Tai, Javanese, more Burmese
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Korean, which joins particles to nouns
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese syllables
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
    "])"
)
"""Characters of scripts in which words are not separated, or grow by what is joined to them."""


def plain(text: str) -> str:
    """The text in lower case without accents; it has the same length. `Ça` becomes `ca`."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_character, text))


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    if _UNSPACED.match(character):
        return character  # taking 학 or が apart would leave less than the letter
    return (unicodedata.normalize("NFD", character)[0].lower() or character)[0]


def printable(text: str) -> str:
    """The text without characters that control a terminal or the direction of writing."""
    return text if text.isprintable() else CONTROLS.sub("", text)


def spaced(text: str) -> str:
    """The text with a space around each character of a script without separate words.

    The index treats each such character as a word. Korean letters may be stored in parts.
    """
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", text))


def unspaced(character: str) -> bool:
    """Whether the character belongs to a script without separate words."""
    return _UNSPACED.match(character) is not None
