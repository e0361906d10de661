"""A title for a talk, quoted from it: what the user said that says most, cut short."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.lexis import content
from tui_voice.server.local.skills.person import bare
from tui_voice.server.local.skills.talk import lines

MOST_WORDS = 6
_LEADS_IN = re.compile(
    r"^(?:(?:and|so|well|now|please|hello|hi|hey)[ ,]+)*"
    r"(?:(?:i|we)(?:'d| would) like to|(?:i|we) want to|let's|let us|can you|could you|"
    r"(?:i|we)(?:'m| am|'re| are) (?:going to|planning to|planning)|help (?:me|us)(?: to)?)\s+",
    re.I,
)
_TRAILS = re.compile(
    r"an?|the|of|in|on|at|to|for|and|or|with|from|by|my|our|your|is|are|was|were|that|this|i|we|"
    r"you|it|as|so|but",
    re.I,
)
_NAMED = re.compile(r"(?<=[a-z,;] )[A-Z]\w+")


def title(turns: Sequence[ContextTurn]) -> str:
    """At most six words; "" where the user has said nothing that tells."""
    said = [line.text for turn in turns if turn.role == "user" for line in lines(turn) if line.text]
    if not said:
        return ""
    best = max(said, key=_weight)  # the first of equals: what a talk began with names it best
    words = _LEADS_IN.sub("", bare(best)).rstrip(" .,;!?").split()[:MOST_WORDS]
    while len(words) > 1 and _TRAILS.fullmatch(words[-1]):
        words.pop()
    text = " ".join(words).rstrip(" .,;!?")
    return text[:1].upper() + text[1:]


def _weight(clause: str) -> float:
    return min(len(set(content(clause))), 5) + 1.5 * min(len(_NAMED.findall(clause)), 2)
