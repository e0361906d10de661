"""Who answers a request: the chat server, the session itself, the clock, or the small model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Event
from typing import Any

import pytest

from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.realtime.wire.contract import Purpose, ResponseMetadata
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.responder import LocalResponder

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
        self, turns: Sequence[ContextTurn], stop: Event, max_tokens: int = 60
    ) -> Iterator[str]:
        assert turns
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


def test_an_empty_session_is_left_to_the_small_model() -> None:
    assert answer(turns(("system", "Greet the user."))) == MODEL
