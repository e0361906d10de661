"""Guesses from the words of a transcript whether the speaker has finished (`semantic_vad`)."""

from __future__ import annotations

import re

# fmt: off
_UNFINISHED_ENDINGS = frozenset(
    {
        "a", "an", "the", "and", "or", "but", "so", "because", "if", "when", "while", "that",
        "which", "who", "to", "of", "for", "with", "from", "in", "on", "at", "by", "about",
        "into", "like", "than", "as", "is", "are", "was", "were", "am", "be", "been", "my",
        "your", "his", "her", "its", "our", "their", "this", "these", "i", "you", "we", "they",
        "he", "she", "um", "uh", "er", "hmm", "well", "also", "then", "even", "just", "very",
        "really", "going", "want", "wanna", "gonna", "can", "could", "would", "should", "will",
        "might", "may", "must", "let's",
    }
)
# fmt: on
"""English words that rarely end a sentence, so more is expected after them."""
_UNFINISHED_PUNCTUATION = (",", "-", "–", "—", "…", "...", ":", ";")
_WORD = re.compile(r"[\w']+")


def is_complete_sentence(transcript: str) -> bool:
    """Returns whether a recogniser's `transcript` ends like a complete sentence.

    Examples: "What time is it?" does; "I would like to" and "Well," do not.
    """
    text = transcript.strip()
    words = _WORD.findall(text.casefold())
    if not words or text.endswith(_UNFINISHED_PUNCTUATION):
        return False
    return text.endswith("?") or words[-1] not in _UNFINISHED_ENDINGS
