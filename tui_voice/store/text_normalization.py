"""Text as it is compared, and as it may be shown."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """In small letters without accents, of the same length."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_character, text))


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    return (unicodedata.normalize("NFD", character)[0].lower() or character)[0]


def printable(text: str) -> str:
    """Without what would steer a terminal, or turn the direction of what follows."""
    return text if text.isprintable() else _CONTROLS.sub("", text)
