"""The window as a list of clauses with their speakers, and the words to be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tui_voice.server.contracts import ContextTurn
from tui_voice.server.local.lexis import sentences

_NEW_CLAUSE = re.compile(
    r"(?:,?\s+(?:and|but|so|because)\s+|;\s*|,\s+)"
    r"(?=(?:i|i'm|i've|i'd|my|we|we're|we've|our)\b(?!\s+think))",
    re.I,
)
_QUOTED = re.compile(r"(?P<who>assistant:\s*)?[\"“](?P<words>[^\"”]+)[\"”]")
_AS_QUOTE = re.compile(r"^(?P<who>assistant: )?(?P<words>.+)$", re.S)
_OWN_KEYS = ("facts", "preferences", "decisions", "open_questions", "other")
_LABEL = re.compile(r"^\s*(?:[-*•]\s+)?(?:\*\*)?[A-Z][\w ,/&'-]{2,40}:(?:\*\*)?\s+(?=\S)")
_ASKS = re.compile(
    r"(?:what|who|whose|whom|which|when|where|why|how|do|does|did|is|are|am|was|were|can|could|"
    r"will|would|should|may|have|has|had|what's|who's|where's|when's|how's|tell me|remind me)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One clause somebody said."""

    text: str
    speaker: str
    """`user`, `assistant`, or `notes` for a summary's own words."""
    question: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """What a skill sees."""

    said: str
    """The user's newest words, "" if there are none."""
    lines: tuple[Line, ...]
    """Everything before them, oldest first."""
    turns: tuple[ContextTurn, ...]
    """The turns before them."""

    @property
    def asked(self) -> str:
        """The question among the newest words: the last one, else the last sentence."""
        parts = sentences(self.said)
        return next((p for p in reversed(parts) if is_question(p)), parts[-1] if parts else "")


def read(turns: Sequence[ContextTurn]) -> Talk:
    """The last user turn is what is to be answered, the turns before it the window."""
    last = max((i for i, turn in enumerate(turns) if turn.role == "user"), default=-1)
    if last < 0:
        return Talk("", tuple(line for t in turns for line in lines(t)), tuple(turns))
    before = tuple(turns[:last])
    found = tuple(line for turn in before for line in lines(turn))
    return Talk(turns[last].text.strip(), found, before)


def lines(turn: ContextTurn) -> list[Line]:
    """The clauses of one turn; a summary's quotations count as said by whom they quote."""
    if turn.role == "system":
        return [line for told in _told(turn.text) for line in _noted(told)]
    if turn.role not in ("user", "assistant"):
        return []
    return [
        Line(clause, turn.role, is_question(clause))
        for sentence in sentences(turn.text)
        for clause in clauses(sentence)
    ]


def clauses(sentence: str) -> list[str]:
    """Parted where a new first-person statement begins, so that each fact stands alone."""
    return [part.strip(" ,;") for part in _NEW_CLAUSE.split(sentence) if part.strip(" ,;")]


def is_question(text: str) -> bool:
    """By its mark, or by its first word (recognisers forget marks)."""
    return text.rstrip("\"'”’) ").endswith("?") or _ASKS.match(text.strip()) is not None


def _told(text: str) -> list[str]:
    """The lines of a summary; of one in JSON, its strings."""
    try:
        held = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        # A line in brackets is a remark about the summary, not part of it.
        return [told for told in text.splitlines() if not told.startswith("[")]
    return [
        _AS_QUOTE.sub(lambda m: f'{m["who"] or ""}"{m["words"]}"', told)
        if key in _OWN_KEYS
        else told
        for key, group in held.items()
        for told in (group if isinstance(group, list) else [group])
        if isinstance(told, str) and key != "note"
    ]


def _noted(text: str) -> list[Line]:
    bare = _LABEL.sub("", text).strip(" -*•")
    quotes = list(_QUOTED.finditer(bare))
    if quotes:
        return [
            Line(q["words"], "assistant" if q["who"] else "user", is_question(q["words"]))
            for q in quotes
        ]
    return [
        Line(part, "notes", is_question(part)) for s in sentences(bare) for part in s.split("; ")
    ]
