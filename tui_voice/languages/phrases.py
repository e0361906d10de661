"""Shortens a text at the end of a phrase, without word lists."""

from __future__ import annotations

import re
from collections.abc import Callable

_PHRASE_END = re.compile(r"[.!?,;:…](?=\s)|\s[-–—](?=\s)|[。！？、，；：]")  # of Chinese
"""Where a phrase ends: a sign behind a word and before a space, or one of Chinese and Japanese."""


def shortened(text: str, width: int, more: str = "…", size: Callable[[str], int] = len) -> str:
    """Returns as many whole phrases of the text as have room, with `more` behind them.

    Where these would fill less than a third of the room, it ends with a word, and inside a word
    where the first one is too long. `size` measures a text: in characters, or in columns. Returns
    "" where there is no room.

    Example: `shortened("About the garden, and what grows", 24)` gives `About the garden…`.
    """
    if size(text) <= width:
        return text
    room = width - size(more)
    if room <= 0:
        return ""
    end = _end(text, width, room, size)[0]
    return text[:end].rstrip(",;:.-–— ") + more


def breaks_off(text: str, width: int) -> bool:
    """Returns whether `shortened` would end inside a phrase. Sizes are in characters."""
    return len(text) > width and not _end(text, width, width - 1, len)[1]


def _end(text: str, width: int, room: int, size: Callable[[str], int]) -> tuple[int, bool]:
    """Returns where a text that is too long is cut, and whether a phrase ends there."""
    end = min(len(text), 4 * room)
    while size(text[:end]) > room:
        end -= 1
    begun = text[: end + 1]
    phrase = max((match.start() for match in _PHRASE_END.finditer(begun)), default=0)
    word = begun.rfind(" ")
    if size(text[:phrase]) * 3 >= width:
        return phrase, True
    return (word if word > 0 else end), False
