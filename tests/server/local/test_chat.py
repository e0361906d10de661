"""A chat server that the user runs is found, asked, and not trusted with summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import Any

import pytest

from tests.server.local.http_harness import chunk, serving, stream
from tests.server.local.llama_harness import llama_server
from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.errors import BackendError
from tui_voice.languages.plausibility import summary_fault
from tui_voice.realtime.wire.contract import LAYOUTS, Layout, ResponseMetadata
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.chat_filters import ReasoningFilter
from tui_voice.server.local.chat_probe import find_local_chat
from tui_voice.server.local.chat_requests import chat_body
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.responder import LocalResponder


@pytest.fixture(scope="module")
def chat_server() -> Iterator[str]:
    """A real one: llama.cpp's own server with the built-in model. Gives its URL."""
    with llama_server(2048) as address:
        yield address


def said(text: str, **request: Any) -> ReplyRequest:
    """Returns the request for a reply to one turn of the user."""
    return ReplyRequest(instructions="", turns=turns(("user", text)), **request)


def summary_of(session: list[ContextTurn], **metadata: Any) -> ReplyRequest:
    asked = ResponseMetadata(purpose="summary", **metadata)
    return ReplyRequest(instructions="", turns=session, metadata=asked)


def no_small_model() -> Any:
    raise AssertionError("the built-in model is not to be asked")


def written(address: str, request: ReplyRequest) -> str:
    """Returns the whole reply of the partner with the chat server at `address`."""
    chat = ChatResponder(f"http://{address}/v1", "m")
    return "".join(map(str, LocalResponder(no_small_model, chat).reply(request, Event())))


# ——— a real server ———


@pytest.mark.local
def test_a_real_chat_server_is_found_and_answers(chat_server: str) -> None:
    address = chat_server.removeprefix("http://")
    found = find_local_chat(addresses=("127.0.0.1:9", address), timeout_s=5.0)
    assert found is not None
    assert found.base_url == f"{chat_server}/v1"
    assert find_local_chat("another-model", addresses=(address,)) is None
    asked = said("Say hello.", max_tokens=20)
    pieces = list(ChatResponder(found.base_url, found.model).reply(asked, Event()))
    assert len(pieces) > 2
    assert all(isinstance(piece, str) for piece in pieces)


@pytest.mark.local
def test_a_real_chat_server_stops_at_once_and_is_named(chat_server: str) -> None:
    engines = LocalEngines(llm_url=f"{chat_server}/v1")
    assert chat_server.removeprefix("http://") in engines.describe()
    stop = Event()
    pieces = engines.responder().reply(said("Tell me a very long story.", max_tokens=400), stop)
    assert next(pieces)
    began = monotonic()
    stop.set()
    assert list(pieces) == []
    assert monotonic() - began < 0.2


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_summary_makes_sense_whatever_the_chat_model_wrote(
    chat_server: str, layout: Layout
) -> None:
    """The model is tiny and mostly writes what is no summary: then the user is quoted."""
    session = session_with_facts()
    responder = LocalEngines(llm_url=f"{chat_server}/v1").responder()
    asked = summary_of(session, layout=layout, language="same", timeout_s=90)
    request = replace(asked, max_tokens=60)
    summary = "".join(map(str, responder.reply(request, Event())))
    source = "\n".join(turn.text for turn in session)
    assert 0 < len(summary) < len(source)
    assert summary_fault(summary, source) == ""
    if layout == "json":
        assert isinstance(json.loads(summary), dict)


# ——— looking for a server ———


def test_the_search_for_a_chat_server_ends_quickly() -> None:
    began = monotonic()
    assert find_local_chat(addresses=("127.0.0.1:9", "127.0.0.1:10")) is None
    assert monotonic() - began < 0.3


def test_other_servers_are_not_taken_for_chat_servers() -> None:
    def embeddings_only(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "application/json", b'{"data":[{"id":"nomic-embed-text"}]}'

    def web_page(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "text/html", b"<h1>hello</h1>"

    with serving(embeddings_only) as one, serving(web_page) as other:
        assert find_local_chat(addresses=(one, other)) is None


# ——— replies ———


@pytest.mark.parametrize(
    ("pieces", "passed_on"),
    [
        (["I see. ", "I'm sure. ", "I'm sure. ", "I'm ", "sure. ", "I'm sure. "], 5),
        (["Yes. ", "No. ", "Yes. ", "No. ", "Yes. "], 5),
    ],
)
def test_a_reply_that_repeats_a_sentence_is_ended(pieces: list[str], passed_on: int) -> None:
    chunks = [chunk(content=piece) for piece in pieces]
    with serving(lambda _path, _body: stream(*chunks)) as address:
        chat = ChatResponder(f"http://{address}/v1", "m")
        assert list(chat.reply(said("Well?"), Event())) == pieces[:passed_on]


def test_tools_are_offered_and_calls_come_back() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: bytes) -> tuple[int, str, bytes]:
        bodies.append(json.loads(body))
        first = {"index": 0, "id": "x", "function": {"name": "recall", "arguments": '{"que'}}
        second = {"index": 0, "function": {"arguments": 'ry": "hotel"}'}}
        return stream(
            chunk(content="Let me look."), chunk(tool_calls=[first]), chunk(tool_calls=[second])
        )

    tool = {"type": "function", "name": "recall", "parameters": {"type": "object"}}
    with serving(answer) as address:
        chat = ChatResponder(f"http://{address}/v1", "m")
        for choice in ("auto", "recall"):
            request = ReplyRequest(
                instructions="Be brief.",
                turns=turns(("user", "Which hotel?")),
                tools=[tool],
                tool_choice=choice,
            )
            made = list(chat.reply(request, Event()))
            assert made == ["Let me look.", ToolCall("recall", '{"query": "hotel"}')]
    assert bodies[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert bodies[0]["tools"][0]["function"]["name"] == "recall"
    assert bodies[0]["tool_choice"] == "auto"
    assert bodies[1]["tool_choice"] == {"type": "function", "function": {"name": "recall"}}


def test_calls_and_outputs_of_the_session_are_sent_as_such() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: bytes) -> tuple[int, str, bytes]:
        bodies.append(json.loads(body))
        return stream(chunk(content="The Lindgren."))

    session = [
        *turns(("user", "Which hotel?")),
        ContextTurn("call", "tool_call", '{"query": "hotel"}', "recall", "c"),
        ContextTurn("output", "tool_output", '{"found": []}', "recall", "c"),
    ]
    with serving(answer) as address:
        assert written(address, ReplyRequest(instructions="", turns=session)) == "The Lindgren."
    _, call, output = bodies[0]["messages"]
    assert call["tool_calls"][0]["function"]["name"] == "recall"
    assert output == {"role": "tool", "tool_call_id": "c", "content": '{"found": []}'}


def test_a_question_about_the_session_is_left_to_the_chat_server() -> None:
    with serving(lambda _path, _body: stream(chunk(content="<think>hm</think>Bruno."))) as address:
        asked = with_question(session_with_facts(0), "What is my dog called?")
        assert written(address, ReplyRequest(instructions="", turns=asked)) == "Bruno."


def test_a_server_that_is_gone_is_named_in_the_error() -> None:
    chat = ChatResponder("http://127.0.0.1:9/v1")
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:9"):
        list(chat.reply(said("Hi"), Event()))


@pytest.mark.parametrize("length", [1, 3, 100])
def test_reasoning_is_not_spoken_whatever_the_pieces(length: int) -> None:
    text = "<think>let me see</think>\n\nHello there. <b>"
    reasoning = ReasoningFilter()
    pieces = [text[n : n + length] for n in range(0, len(text), length)]
    reply = "".join(map(reasoning.feed, pieces)) + reasoning.flush()
    assert reply == "Hello there. <b>"


def test_what_only_begins_like_reasoning_is_spoken() -> None:
    reasoning = ReasoningFilter()
    assert reasoning.feed("<thi") + reasoning.flush() == "<thi"


# ——— summaries ———


def test_a_summary_request_has_the_rules_and_the_conversation() -> None:
    bodies: list[dict[str, Any]] = []
    french = "Elle s'appelle Anna. Elle habite à Oslo."

    def answer(_path: str, body: bytes) -> tuple[int, str, bytes]:
        bodies.append(json.loads(body))
        return stream(chunk(content=french))

    request = summary_of(
        session_with_facts(0),
        form="Write one plain paragraph.",
        language="French",
        second_attempt=True,
        focus="Anna",
    )
    with serving(answer) as address:
        assert written(address, request) == french
    rules, source = bodies[0]["messages"]
    assert "Form: Write one plain paragraph." in rules["content"]
    assert "Write every sentence in French (français)." in rules["content"]
    assert "Above all keep what concerns: Anna." in rules["content"]
    assert source["content"].startswith("user: Hi, my name is Anna")


def test_an_own_prompt_reaches_the_chat_model_whole_however_long_it_is() -> None:
    own = "Write it as a poem about the conversation above. " + "Every verse has a rhyme. " * 60
    wire = ResponseMetadata(purpose="summary", prompt_is_last_item=True, own_prompt=True).to_wire()
    asked = ReplyRequest(
        instructions="",
        turns=(ContextTurn("1", "user", "I keep bees."),),
        prompt=own,
        metadata=ResponseMetadata.from_wire(wire),
    )
    (message,) = chat_body(asked, "m")["messages"]
    assert message == {"role": "user", "content": f"user: I keep bees.\n\n{own}"}


def test_a_slow_chat_server_leaves_time_for_the_summary_without_it() -> None:
    release = Event()

    def slow(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        release.wait(30)
        return stream(chunk(content="Too late."))

    with serving(slow) as address:
        try:
            summary = written(address, summary_of(session_with_facts(0), timeout_s=1.5))
        finally:
            release.set()
    assert summary.startswith("The user said:")


def test_a_chat_server_that_fails_is_replaced_for_summaries_only() -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 500, "application/json", b'{"error":{"message":"out of memory"}}'

    with serving(answer) as address:
        with pytest.raises(BackendError, match=r"127\.0\.0\.1.*failed") as error:
            written(address, said("Hi"))
        assert "--llm-url" in error.value.hint
        assert written(address, summary_of(session_with_facts(0))).startswith("The user said:")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Anna wohnt in Oslo, Budget 500 Euro.", True),
        ("Anna wohnt in Oslo seit 2023.", False),
        ("Anna, " * 1000 + "Oslo.", False),
        ("", False),
    ],
)
def test_a_summary_that_invents_or_rambles_is_replaced(text: str, kept: bool) -> None:
    with serving(lambda _path, _body: stream(chunk(content=text))) as address:
        summary = written(address, summary_of(session_with_facts(0), language="German"))
    assert (summary == text) is kept
    assert "Anna" in summary


def test_a_figure_that_the_user_spoke_in_words_is_believed() -> None:
    session = turns(("user", "My budget is four hundred euros and I live in Oslo."))
    with serving(lambda _path, _body: stream(chunk(content="Budget 400, Oslo."))) as address:
        assert written(address, summary_of(session)) == "Budget 400, Oslo."
