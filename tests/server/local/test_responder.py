"""Who answers a request: the chat server, the session itself, the clock, or the small model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.realtime.wire.contract import Purpose, ResponseMetadata
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.distress import ANSWER, PHRASES
from tui_voice.server.local.responder import LocalResponder

DOCUMENT = Path(__file__).parents[3] / "docs" / "server.md"

RECALL: dict[str, Any] = {
    "type": "function",
    "name": "recall",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
    },
}
MODEL = "The small model speaks."


class ScriptedModel:
    """Stands for the small model: always says the same."""

    def reply(
        self,
        turns: Sequence[ContextTurn],
        stop: Event,
        max_tokens: int = 60,
        instructions: str | None = None,
    ) -> Iterator[str]:
        assert turns
        assert instructions is not None
        assert max_tokens <= 60
        if not stop.is_set():
            yield MODEL


class ScriptedChat:
    """Stands for a chat server: always says the same."""

    name = "chat"

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        if not stop.is_set():
            yield f"The chat server speaks, asked for {request.metadata.purpose or 'a reply'}."


def answer(
    session: Sequence[ContextTurn],
    *,
    chat: bool = False,
    purpose: Purpose = "",
    **request: Any,
) -> str | ToolCall:
    """Returns the whole reply, at 9:30 on 27 November 2026."""
    responder = LocalResponder(
        ScriptedModel,  # type: ignore[arg-type]  # has of the model what is used
        ScriptedChat() if chat else None,  # type: ignore[arg-type]  # likewise
        lambda: datetime(2026, 11, 27, 9, 30),
    )
    made = list(
        responder.reply(
            ReplyRequest(
                instructions="",
                turns=session,
                metadata=ResponseMetadata(purpose=purpose),
                **request,
            ),
            Event(),
        )
    )
    return made[0] if isinstance(made[0], ToolCall) else "".join(map(str, made))


def test_a_question_about_the_session_is_answered_with_a_quote() -> None:
    asked = with_question(session_with_facts(), "What is my dog called?")
    assert answer(asked) == 'You said: "My dog is called Bruno."'


def test_a_question_for_the_time_is_answered_by_the_clock_whoever_else_is_there() -> None:
    asked = with_question(session_with_facts(), "What time is it?")
    assert answer(asked) == "It's 09:30."
    assert answer(asked, chat=True) == "It's 09:30."


@pytest.mark.parametrize("said", ["Tell me about tea.", "I have cancer.", "Why do cats purr?"])
def test_the_small_model_says_the_rest(said: str) -> None:
    assert answer(with_question(session_with_facts(), said)) == MODEL


def test_a_chat_server_answers_all_the_rest_itself() -> None:
    said = "The chat server speaks, asked for a reply."
    assert answer(with_question(session_with_facts(), "What's my dog called?"), chat=True) == said
    demanded = {"tools": [RECALL], "tool_choice": "required"}
    assert answer(session_with_facts(), chat=True, **demanded) == said
    output = [ContextTurn("o", "tool_output", '{"found": []}', "recall", "c")]
    assert answer(output, chat=True) == said
    assert answer(session_with_facts(), chat=True, purpose="title") == (
        "The chat server speaks, asked for title."
    )


def test_recall_is_called_only_where_the_client_demands_it() -> None:
    asked = with_question([], "What is my dog called?")
    assert answer(asked, tools=[RECALL]) == MODEL
    call = answer(asked, tools=[RECALL], tool_choice="recall")
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == (
        "recall",
        {"query": "What is my dog called?"},
    )


def test_what_a_function_returned_is_read_out() -> None:
    found = '{"found": [{"role": "user", "excerpt": "My dog is called Bruno."}]}'
    session = [
        *turns(("user", "What is my dog called?")),
        ContextTurn("call", "tool_call", '{"query": "dog"}', "recall", "c"),
        ContextTurn("output", "tool_output", found, "recall", "c"),
    ]
    assert answer(session, tools=[RECALL]) == 'You said: "My dog is called Bruno."'


def test_without_a_chat_server_summary_and_title_are_made_of_what_the_user_said() -> None:
    session = turns(("user", "I live in Oslo."), ("assistant", "I see. " * 50))
    assert answer(session, purpose="summary") == "The user said:\n- I live in Oslo."
    assert answer(session, purpose="title") == "I live in Oslo"


def test_a_turn_without_words_gets_a_question() -> None:
    assert answer(turns(("user", "Hello."), ("assistant", "Hi."), ("user", " "))) == (
        "I heard no words. Are you still there?"
    )


def test_an_empty_session_is_left_to_the_small_model() -> None:
    assert answer(turns(("system", "Greet the user."))) == MODEL


def test_a_model_that_says_nothing_is_replaced_by_a_sentence() -> None:
    class SilentModel(ScriptedModel):
        def reply(self, *_arguments: Any) -> Iterator[str]:  # type: ignore[override]  # reads none of them
            yield from ()

    responder = LocalResponder(SilentModel)  # type: ignore[arg-type]  # has of the model what is used
    request = ReplyRequest("", turns(("user", "Well.")))
    assert list(responder.reply(request, Event())) == ["I don't know what to say to that."]


@pytest.mark.parametrize(
    "said",
    [
        "I want to kill myself.",
        "I have taken too many pills!",
        "I don’t want to live any more",
        "My brother took an OVERDOSE",
        "Could you call a function? I am thinking of self-harm.",
    ],
)
def test_distress_gets_a_fixed_answer_that_points_to_help(said: str) -> None:
    for request in ({}, {"tools": [RECALL], "tool_choice": "required"}):
        fixed = answer(turns(("user", said)), **request)
        assert fixed == ANSWER
    assert "somebody near you" in ANSWER
    assert "local emergency number" in ANSWER
    assert str(answer(turns(("user", said)), chat=True)).startswith("The chat server")


@pytest.mark.parametrize("said", ["I have cancer.", "This heat kills me.", "I overdosed it? No."])
def test_other_turns_are_answered_by_the_model(said: str) -> None:
    assert (answer(turns(("user", said))) == MODEL) is ("overdosed" not in said)


def test_all_phrases_of_distress_are_listed_in_the_document() -> None:
    section = DOCUMENT.read_text().split("\n### Distress\n")[1].split("\n#")[0]
    assert set(re.findall(r"`([^`]+)`", section)) == set(PHRASES)
    assert ANSWER in " ".join(section.replace("\n> ", " ").split())


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_function_is_not_called_by_a_model_that_cannot_decide(choice: str) -> None:
    weather = {"type": "function", "name": "get_weather"}
    session = turns(("user", "Tell me a joke about the weather."))
    assert answer(session, tools=[weather], tool_choice=choice) == MODEL


def test_a_demanded_call_is_not_made_again_when_it_has_been_answered() -> None:
    session = [
        *turns(("user", "Weather?")),
        ContextTurn("call", "tool_call", "{}", "get_weather", "c"),
        ContextTurn("output", "tool_output", "Sunny.", "get_weather", "c"),
    ]
    weather = {"type": "function", "name": "get_weather"}
    reply = answer(session, tools=[weather], tool_choice="required")
    assert reply == "The function answered: Sunny."
