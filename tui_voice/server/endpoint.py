"""Does it sound finished? A judgement from the words alone, for `semantic_vad`."""

from __future__ import annotations

import re

# fmt: off
_DANGLING = frozenset(
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
"""Words that nobody ends on: something is still to come."""
_WORD = re.compile(r"[\w']+")


def sounds_finished(text: str) -> bool:
    """`text`, as a recogniser wrote it, ends like a sentence: not on a comma, a dash, dots or a
    word that asks for another."""
    said = text.strip()
    words = _WORD.findall(said.casefold())
    if not words or said.endswith((",", "-", "–", "—", "…", "...", ":", ";")):
        return False
    if said.endswith("?"):
        return True
    return words[-1] not in _DANGLING
