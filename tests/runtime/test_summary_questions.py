"""Questions about a summary, asked and answered by a text model over real HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.runtime.chat_server_harness import chat_server, completion
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.runtime.summary_questions import MAX_QUESTIONS, SummaryQuestions
from tui_voice.runtime.writers import ModelWriter, Written

REQUEST = x.RequestSummary(
    compaction_id="memory_0001",
    turns=(
        x.SourceTurn(item_id="a", role="user", text="My budget is 6100 euros; Marit hates fish."),
    ),
    memory="",
)
SUMMARY = "- The user's budget is 6100 euros."


def ask(*answers: Any) -> tuple[e.SummaryQuestioned | None, list[Written], list[dict[str, Any]]]:
    """Returns what a model that gives these answers in order leads to, and what it was sent."""
    bodies: list[dict[str, Any]] = []

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if not path.endswith("/chat/completions"):
            return 200, {"object": "list", "data": [{"id": "m", "object": "model"}]}
        bodies.append(body)
        said = answers[len(bodies) - 1]
        if isinstance(said, int):
            return said, {"error": {"message": "no"}}
        text = said if isinstance(said, str) else json.dumps(said)
        return 200, completion(text, prompt_tokens=100, completion_tokens=20, total_tokens=120)

    async def run() -> tuple[e.SummaryQuestioned | None, list[Written]]:
        async with chat_server(answer) as url:
            model = ModelWriter("m", "", url, price=lambda _usage: 0.001)
            return await SummaryQuestions(model).ask(REQUEST, SUMMARY)

    result, paid = asyncio.run(run())
    return result, paid, bodies


def test_the_answers_from_the_summary_alone_are_compared_with_those_from_the_turns() -> None:
    wanted = {
        "questions": ["What is the budget?", "What does Marit hate?"],
        "answers": ["6100 euros", "fish"],
    }
    result, paid, bodies = ask(wanted, {"answers": ["It is 6,100 euros", ""]})
    assert result == e.SummaryQuestioned(
        compaction_id="memory_0001", asked=2, unanswered=("What does Marit hate?",)
    )
    assert [written.usd for written in paid] == [0.001, 0.001]
    first, second = (json.dumps(body["messages"]) for body in bodies)
    assert "Marit hates fish" in first
    assert "Marit hates fish" not in second  # the second one has the summary alone
    assert "budget is 6100 euros" in second
    assert [body["response_format"]["type"] for body in bodies] == ["json_schema"] * 2


@pytest.mark.parametrize(
    "first",
    [
        "no JSON",
        {"questions": [], "answers": []},
        {"questions": ["What?"], "answers": []},
        {"questions": "What?", "answers": "fish"},
        500,
    ],
    ids=str,
)
def test_a_model_without_usable_questions_gives_no_result(first: Any) -> None:
    result, paid, _ = ask(*[first] * 4)
    assert result is None
    assert len(paid) == (0 if first == 500 else 1)  # what was written is paid for all the same


def test_no_more_than_three_questions_are_asked() -> None:
    many = [f"What is number {n}?" for n in range(9)]
    result, _, bodies = ask({"questions": many, "answers": many}, {"answers": []})
    assert result is not None
    assert (result.asked, len(result.unanswered)) == (MAX_QUESTIONS, MAX_QUESTIONS)
    assert f"{MAX_QUESTIONS + 1}. " not in json.dumps(bodies[1]["messages"])
