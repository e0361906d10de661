"""The window as a list of clauses with their speakers, and the words to be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.lexis import sentences
from tui_voice.server.local.skills.clause import Line, clauses, is_question
from tui_voice.server.local.skills.corrections import mended

_QUOTED = re.compile(r"(?P<who>assistant:\s*)?[\"“](?P<words>[^\"”]+)[\"”]")
_AS_QUOTE = re.compile(r"^(?P<who>assistant: )?(?P<words>.+)$", re.S)
_OWN_KEYS = ("facts", "preferences", "decisions", "open_questions", "other")
_LABEL = re.compile(r"^\s*(?:[-*•]\s+)?(?:\*\*)?[A-Z][\w ,/&'-]{2,40}:(?:\*\*)?\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Talk:
    """What a skill sees."""

    said: str
    """The user's newest words, "" if there are none."""
    lines: tuple[Line, ...]
    """What was said before them and still stands, oldest first."""
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
        return Talk("", standing(turns), tuple(turns))
    before = tuple(turns[:last])
    return Talk(turns[last].text.strip(), standing(before), before)


def standing(turns: Sequence[ContextTurn]) -> tuple[Line, ...]:
    """All clauses of the turns, corrected ones as they were put right."""
    return tuple(line for _, line in mended([line for turn in turns for line in lines(turn)]))


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
