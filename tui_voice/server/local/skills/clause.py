"""One clause somebody said: parted from its sentence, and told from a question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui_voice.server.local.skills.person import bare

NUMBER = (
    r"(?i:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|"
    r"thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)\b)"
)
WHEN = (
    r"(?i:\b(?:today|tonight|tomorrow|yesterday|noon|midnight|(?:mon|tues|wednes|thurs|fri|satur|"
    r"sun)days?|january|february|march|april|june|july|august|september|october|november|december|"
    r"(?:next|last|this|every) (?:week|month|year|spring|summer|autumn|winter))\b)"
)
"""Patterns of what is said as a figure, and as a time."""
_NEW_CLAUSE = re.compile(
    r"(?:,?\s+(?:and|but|so|because)\s+|;\s*|,\s+)"
    r"(?=(?:(?:now|then|today|also)\s+)?(?:i|i'm|i've|i'd|my|we|we're|we've|our)\b"
    r"(?!\s+think)(?:\W+\w+){2})",
    re.I,
)
_ONLY_WHO = re.compile(r"^\W*(?:my|our|the)\s+\w+$", re.I)
"""No clause yet: "my friend and I"."""
_ASKS = re.compile(
    r"(?:what|who|whose|whom|which|when|where|why|how|do|does|did|is|are|am|was|were|can|could|"
    r"will|would|should|may|have|has|had|(?:what|who|where|when|how)'?s)\b",
    re.I,
)
_WANTS_WORDS = re.compile(
    r"(?:(?:can you |could you )?(?:please )?)?(?:tell me\b(?! to\b)|remind me\b(?! to\b)|"
    r"(?:give|show|teach|sing|read|play) me\b|say something\b|explain\b|describe\b)",
    re.I,
)
_TELLS_WHEN = re.compile(
    r"(?:when|where|while|what|how|who|which)\s+(?:i|we|you|he|she|they|my|our|the|it|"
    r"i'm|we're|he's|she's|it's)\b",
    re.I,
)
"""A clause within a statement: "when I was young we lived in Rome"."""


@dataclass(frozen=True, slots=True)
class Line:
    """One clause somebody said."""

    text: str
    speaker: str
    """`user`, `assistant`, or `notes` for a summary's own words."""
    question: bool


def clauses(sentence: str) -> list[str]:
    """Parted where a new first-person statement begins, so that each fact stands alone."""
    starts = [0]
    for parting in _NEW_CLAUSE.finditer(sentence):
        if _ONLY_WHO.search(sentence[starts[-1] : parting.start()]) is None:
            starts += parting.start(), parting.end()
    ends = [*starts[1::2], len(sentence)]
    parts = (sentence[a:b].strip(" ,;") for a, b in zip(starts[::2], ends, strict=True))
    return [part for part in parts if part]


def is_question(text: str) -> bool:
    """By its mark, or by its first words (recognisers forget marks)."""
    if text.rstrip("\"'”’) ").endswith("?"):
        return True
    asked = bare(text)
    if _TELLS_WHEN.match(asked) is not None:
        return False
    return _ASKS.match(asked) is not None or _WANTS_WORDS.match(asked) is not None
