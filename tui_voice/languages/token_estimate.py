"""Estimates the tokens of a text from its length."""

from __future__ import annotations

import math

CHARACTERS_PER_TOKEN = 4.3
"""Characters of English text per token of o200k_base, measured over our own sessions. Only for
figures shown with `~`."""


def estimate_text_tokens(text: str) -> int:
    """Tokens of `text`, estimated. Letters beyond ASCII weigh more, by their UTF-8 bytes."""
    if text.isascii():  # as many bytes as letters
        return math.ceil(len(text) / CHARACTERS_PER_TOKEN)
    return math.ceil((len(text) + len(text.encode("utf-8", "replace"))) / 2 / CHARACTERS_PER_TOKEN)
