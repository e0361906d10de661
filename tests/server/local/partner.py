"""How useful the embedded partner is: facts told and asked for, as people speak, and small talk.

Every second row of the first sets was held out while the rules were made, and `FRESH` was written
after them; each was scored once before anybody looked at what went wrong in it. Right then, of all
rows: 100 % of the tuned half (63 before), 87 % of the held-out half (50 before), 84 % of the fresh
ones (58 before). So expect five in six of what people say, not what the tests reach now.

Each fact is asked for in a window with other facts and idle talk around it: as written, as a
recogniser without punctuation writes it, and from a summary that took the place of the turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from threading import Event
from typing import TypeVar

from tests.server.local.talks import FILLER, turns
from tests.server.local.told import (
    ABSENT,
    AROUND,
    CASES,
    FRESH,
    FRESH_SMALL_TALK,
    SMALL_TALK,
    Case,
)
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.responder import LocalResponder
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.summary import summarise

RECALL = {
    "type": "function",
    "name": "recall",
    "description": "Searches what was said earlier in the talk.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
}


class LeftToModelError(Exception):
    """The rules have no answer: here the language model would talk."""


def decide(request: ReplyRequest) -> str | ToolCall | None:
    """What the partner's rules make of it: words, a call, or None for the model's free talk."""

    def model() -> SmolLM:
        raise LeftToModelError

    try:
        made = list(LocalResponder(model).reply(request, Event()))
    except LeftToModelError:
        return None
    return made[0] if isinstance(made[0], ToolCall) else "".join(map(str, made))


Row = TypeVar("Row")


def tuned(rows: Sequence[Row]) -> Sequence[Row]:
    return rows[0::2]


def held_out(rows: Sequence[Row]) -> Sequence[Row]:
    return rows[1::2]


def bare(text: str) -> str:
    """As a recogniser without case or punctuation writes it."""
    return re.sub(r"[.,!?;:](?!\d)", "", text).lower()


def talked(told: Iterable[str], form: str = "") -> list[ContextTurn]:
    """A window in which `told` was said among other things, and answered by the partner itself.

    `form`: `bare` for words without punctuation, `summed` for a summary in place of the turns.
    """
    spell = bare if form == "bare" else str
    said: list[tuple[str, str]] = []

    def tell(text: str, otherwise: str) -> None:
        said.append(("user", spell(text)))
        reply = decide(ReplyRequest("", turns(*said)))
        said.append(("assistant", reply if isinstance(reply, str) else otherwise))

    for text in AROUND[:3]:
        tell(text, "That sounds nice. Would you like to tell me more about it?")
    for text in told:
        tell(text, "I see.")
    tell(AROUND[3], "I'm sorry to hear that.")
    tell(AROUND[4], "She sounds like a good colleague.")
    tell(AROUND[5], "That sounds like a good evening out.")
    window = turns(*said)
    if form == "summed":
        window = [ContextTurn("summary", "system", summarise(ReplyRequest("", window)))]
    idle = [turn for pair in FILLER for turn in zip(("user", "assistant"), pair, strict=True)]
    return [*window, *turns(*((role, spell(text)) for role, text in idle))]


def ask(window: Sequence[ContextTurn], question: str) -> str | ToolCall | None:
    asked = ContextTurn("asked", "user", question)
    return decide(ReplyRequest("", [*window, asked], tools=[RECALL]))


def right(case: Case, form: str = "") -> bool:
    """The case's question is answered with what was told."""
    question = bare(case.asked) if form == "bare" else case.asked
    answer = ask(talked(case.told, form), question)
    if not isinstance(answer, str):
        return False
    held = all(re.search(want, answer, re.I) for want in case.wants)
    return held and not any(re.search(word, answer, re.I) for word in case.not_this)


def noted(case: Case) -> bool:
    """What was told is answered in words that name it."""
    window = talked(case.told)
    replies = " ".join(turn.text for turn in window if turn.role == "assistant")
    return all(re.search(want, replies, re.I) for want in case.wants)


def searches(told: str, question: str, form: str = "") -> bool:
    """What is not in the window is looked for elsewhere, not made up."""
    question = bare(question) if form == "bare" else question
    return isinstance(ask(talked((told,), form), question), ToolCall)


def left_alone(said: str, form: str = "") -> bool:
    """Small talk reaches the language model."""
    spell = bare if form == "bare" else str
    return ask(talked((), form), spell(said)) is None


FORMS = ("", "bare", "summed")


def scores(
    cases: Sequence[Case], absent: Sequence[tuple[str, str]], small_talk: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """By kind of row: how many are right, of how many."""
    rights: dict[str, list[bool]] = {}
    for form in FORMS:
        name = form or "written"
        rights[f"found, {name}"] = [right(case, form) for case in cases]
        rights[f"not made up, {name}"] = [searches(*row, form) for row in absent]
        rights[f"left alone, {name}"] = [left_alone(said, form) for said in small_talk]
    rights["noted"] = [noted(case) for case in cases]
    return {kind: (sum(rows), len(rows)) for kind, rows in rights.items()}


SETS = {
    "tuned": (tuned(CASES), tuned(ABSENT), tuned(SMALL_TALK)),
    "held out": (held_out(CASES), held_out(ABSENT), held_out(SMALL_TALK)),
    "fresh": (FRESH, (), FRESH_SMALL_TALK),
}
