"""The words that every text of a language has, as the library stop-words lists them."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=32)
def common_words(code: str) -> frozenset[str]:
    """Returns them in lower case; empty for a language without a list. `code`: ISO 639-1."""
    from stop_words import StopWordError, get_stop_words

    try:
        return frozenset(word.casefold() for word in get_stop_words(code)) if code else frozenset()
    except StopWordError:
        return frozenset()
