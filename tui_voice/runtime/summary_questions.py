"""A text model asks questions about the pruned turns, and answers them from the summary alone.

How many it can answer shows how much of the turns the summary keeps. The answers are compared by
their names, numbers and content words; no model judges them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.memory import json_object
from tui_voice.errors import TuiVoiceError
from tui_voice.languages.statements import language_code, statements
from tui_voice.runtime.writers import ModelWriter, Written

MAX_QUESTIONS = 3
MIN_SHARE = 0.5
"""Share of the content words, names and numbers of an expected answer, 0–1, that it needs."""
_ASK = (
    "Write {count} short questions that can be answered from what the user said in this "
    "conversation, about names, numbers, wishes, prohibitions or to-dos, each with its short "
    "answer. Answer with one JSON object with the keys questions and answers, two arrays of "
    "strings of the same length."
)
_ANSWER = (
    "Answer each question from the notes above alone, in a few words; where they do not say it, "
    "answer with an empty string. Answer with one JSON object with the key answers, an array of "
    "strings.\n{questions}"
)
_STRINGS = {"type": "array", "items": {"type": "string"}}


def _schema(*keys: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(keys, _STRINGS),
        "required": list(keys),
        "additionalProperties": False,
    }


class SummaryQuestions:
    """Asks `model` the questions, and then for the answers."""

    def __init__(self, model: ModelWriter) -> None:
        self._model = model

    async def ask(
        self, request: x.RequestSummary, summary: str
    ) -> tuple[e.SummaryQuestioned | None, list[Written]]:
        """Returns the result, and what was paid. None: the model gave no usable answer."""
        paid: list[Written] = []
        talk = "\n".join(f"{turn.role}: {turn.text}" for turn in request.turns)
        try:
            wanted = await self._strings(
                paid, talk, _ASK.format(count=MAX_QUESTIONS), "questions", "answers"
            )
            questions, expected = wanted[0][:MAX_QUESTIONS], wanted[1][:MAX_QUESTIONS]
            if not questions or len(questions) != len(expected):
                return None, paid
            listed = "\n".join(f"{n}. {question}" for n, question in enumerate(questions, 1))
            prompt = _ANSWER.format(questions=listed)
            (answers,) = await self._strings(paid, summary, prompt, "answers")
        except TuiVoiceError:
            return None, paid
        answers += [""] * (len(questions) - len(answers))
        unanswered = tuple(
            question
            for question, right, answer in zip(questions, expected, answers, strict=False)
            if not is_answered(right, answer)
        )
        result = e.SummaryQuestioned(
            compaction_id=request.compaction_id, asked=len(questions), unanswered=unanswered
        )
        return result, paid

    async def _strings(
        self, paid: list[Written], text: str, prompt: str, *keys: str
    ) -> list[list[str]]:
        """Returns the arrays of strings under these keys of the model's answer."""
        messages = [{"role": "system", "content": text}, {"role": "user", "content": prompt}]
        written = await self._model.complete(messages, _schema(*keys))
        paid.append(written)
        found = json_object(written.text) or {}
        return [_texts(found.get(key)) for key in keys]


def is_answered(expected: str, answer: str) -> bool:
    """Returns whether an answer says what was expected."""
    code = language_code(f"{expected} {answer}")
    right, given = statements([expected, answer], code)
    wanted = {word.key or word.stem for word in right.words if word.content}
    wanted = wanted or set(right.stems)
    said = given.marks | given.stems
    figures = {word.key for word in right.words if word.kind == "figure"}
    if not figures <= given.marks:
        return False
    return bool(wanted) and len(wanted & said) >= MIN_SHARE * len(wanted)


def _texts(value: object) -> list[str]:
    items: Sequence[object] = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
