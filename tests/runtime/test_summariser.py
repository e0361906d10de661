"""Summaries: writers are asked in order, in limited time, and only a usable text is taken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.runtime.chat_server_harness import chat_server, completion
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.memory import KeptFact
from tui_voice.errors import TuiVoiceError
from tui_voice.protocol.messages import OutOfBandRequest, OutOfBandResponse
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.runtime.prompts import summary_prompt
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_styles import SUMMARY_STYLES, SummaryForm
from tui_voice.runtime.summary_validation import problem_of
from tui_voice.runtime.writers import (
    AskOutOfBand,
    ModelWriter,
    SessionWriter,
    SummaryWriter,
    WritingTask,
    Written,
)

SAID = "I live in Bergen and keep bees, " * 20


def request(text: str = SAID, memory: str = "", focus: str = "") -> x.RequestSummary:
    turns = (
        x.SourceTurn(item_id="a", role="user", text=text),
        x.SourceTurn(item_id="b", role="assistant", text="Noted."),
        x.SourceTurn(item_id="c", role="tool", text="[found]"),
    )
    return x.RequestSummary(
        compaction_id="memory_0001",
        turns=turns,
        memory=memory,
        focus=focus,
    )


async def no_session(_request: OutOfBandRequest) -> OutOfBandResponse:
    raise AssertionError("the session is not asked here")


class ScriptedWriter:
    """Gives these answers in order; raises an exception, waits for an event."""

    def __init__(self, name: str, *answers: Any) -> None:
        self.name = name
        self.answers = list(answers)
        self.tasks: list[WritingTask] = []

    async def write(self, task: WritingTask, _ask: AskOutOfBand) -> Written:
        self.tasks.append(task)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        return Written(text=answer, source=self.name, usd=0.5)

    def unanswered(self, _task: WritingTask) -> Written | None:
        return None


async def outcome(
    *writers: SummaryWriter, ask: AskOutOfBand = no_session, asked: x.RequestSummary | None = None
) -> e.SummaryReady | e.SummaryFailed:
    summariser = Summariser(writers, timeout_s=0.05, retry_after_s=0.0)
    return await summariser.summarise(asked or request(), ask)


async def test_the_first_writer_with_a_usable_text_writes_it() -> None:
    ready = await outcome(ScriptedWriter("one", "  Lives in Bergen.\n"), ScriptedWriter("two"))
    assert isinstance(ready, e.SummaryReady)
    assert (ready.text, ready.source, ready.usd) == ("Lives in Bergen.", "one", 0.5)
    assert ready.compaction_id == "memory_0001"


async def test_each_writer_gets_two_attempts_before_the_next() -> None:
    first = ScriptedWriter("one", TuiVoiceError("busy"), "")
    second = ScriptedWriter("two", asyncio.Event(), "Keeps bees.")
    ready = await outcome(first, second)
    assert isinstance(ready, e.SummaryReady)
    assert ready.source == "two"
    assert (len(first.tasks), len(second.tasks)) == (2, 2)


async def test_when_all_writers_fail_each_different_reason_is_reported_once() -> None:
    failed = await outcome(
        ScriptedWriter("one", TuiVoiceError("busy"), TuiVoiceError("busy")),
        ScriptedWriter("two", asyncio.Event(), " "),
        ScriptedWriter("three", "x " * 2_000, TuiVoiceError("gone")),
    )
    assert isinstance(failed, e.SummaryFailed)
    reasons = failed.reason.split("; ")
    assert reasons[:3] == [
        "one: busy",
        "two: no answer within 0 s",
        "two: the summary was empty",
    ]
    assert "longer than what it summarised" in reasons[3]
    assert reasons[4] == "three: gone"
    assert "Nothing was removed" in failed.hint


async def test_without_writers_the_summary_fails() -> None:
    failed = await outcome()
    assert isinstance(failed, e.SummaryFailed)
    assert failed.reason == "no writer is set"


async def test_an_unexpected_error_of_a_writer_is_a_reason_and_does_not_end_the_session() -> None:
    failed = await outcome(ScriptedWriter("one", ZeroDivisionError("oh"), ZeroDivisionError("oh")))
    assert isinstance(failed, e.SummaryFailed)
    assert failed.reason == "one: ZeroDivisionError: oh"


def test_a_summary_of_few_words_may_be_a_little_longer_than_its_source() -> None:
    assert problem_of("Said hello, and was answered.", request("hello")) == ""
    assert problem_of("word " * 200, request("hello", memory="word " * 180)) == ""
    assert "longer" in problem_of("word " * 200, request("hello"))


@pytest.mark.parametrize("style", SUMMARY_STYLES)
async def test_the_prompt_states_style_language_and_focus(style: str) -> None:
    writer = ScriptedWriter("one", '{"tone": "Bergen"}')
    summariser = Summariser([writer], SummaryForm(style=style, language="Norwegian"))
    await summariser.summarise(request(focus="the bees"), no_session)
    [task] = writer.tasks
    assert "Above all keep: the bees." in task.prompt
    assert "Write in Norwegian." in task.prompt
    assert SUMMARY_STYLES[style].prompt in task.prompt
    assert task.metadata.form == SUMMARY_STYLES[style].prompt, "it fits into one metadata value"
    assert task.metadata.focus == "the bees"
    assert "language that was spoken" in summary_prompt(SummaryForm(style=style), "")


FRENCH = "Elle habite à Bergen et elle a des abeilles. Elle ne vend pas le miel."
ENGLISH = "She lives in Bergen and she has bees. She does not sell the honey."


async def asked_for(form: SummaryForm, *answers: Any) -> tuple[e.SummaryReady, ScriptedWriter]:
    writer = ScriptedWriter("one", *answers)
    ready = await Summariser([writer], form, retry_after_s=0.0).summarise(request(), no_session)
    assert isinstance(ready, e.SummaryReady)
    return ready, writer


async def test_a_summary_in_the_wrong_language_is_asked_for_again_by_the_languages_own_name() -> (
    None
):
    ready, writer = await asked_for(SummaryForm(language="French"), ENGLISH, FRENCH)
    assert (ready.text, ready.shortfall) == (FRENCH, "")
    assert ready.usd == 1.0, "both attempts were paid for"
    first, second = writer.tasks
    assert "Write in French." in first.prompt
    assert "français" not in first.prompt
    assert second.prompt.endswith("Write every sentence in French (français).")
    assert (first.metadata.second_attempt, second.metadata.second_attempt) == (False, True)


async def test_a_summary_that_stays_in_the_wrong_language_is_used_with_its_shortfall() -> None:
    ready, writer = await asked_for(SummaryForm(language="French"), ENGLISH, ENGLISH + " Yes.")
    assert ready.text == ENGLISH
    assert ready.shortfall == "in English, though French was asked for"
    assert len(writer.tasks) == 2


async def test_the_event_says_why_the_first_writer_did_not_write_the_summary() -> None:
    ready = await outcome(
        ScriptedWriter("one", TuiVoiceError("busy"), " "), ScriptedWriter("two", "Bees.")
    )
    assert isinstance(ready, e.SummaryReady)
    assert ready.passed_over == "one: busy; one: the summary was empty"
    ready = await outcome(
        ScriptedWriter("one", TuiVoiceError("busy"), "Bees."), ScriptedWriter("two")
    )
    assert isinstance(ready, e.SummaryReady)
    assert ready.passed_over == ""


async def test_a_second_attempt_that_fails_leaves_the_first_text_in_use() -> None:
    ready, _ = await asked_for(SummaryForm(language="French"), ENGLISH, TuiVoiceError("gone"))
    assert ready.text == ENGLISH


@pytest.mark.parametrize("language", ["same", "English", "Klingon"])
async def test_one_attempt_is_enough_in_the_right_or_in_an_unknown_language(language: str) -> None:
    ready, writer = await asked_for(SummaryForm(language=language), ENGLISH)
    assert (len(writer.tasks), ready.shortfall) == (1, "")


async def test_json_is_taken_out_of_a_code_fence_and_other_text_is_a_shortfall() -> None:
    json_form = SummaryForm(style="json")
    ready, writer = await asked_for(json_form, "Bees!", '```json\n{"tone": "calm"}\n```')
    assert (ready.text, ready.shortfall) == ('{"tone": "calm"}', "")
    assert len(writer.tasks) == 2
    ready, _ = await asked_for(json_form, "Bees!", "[1]")
    assert (ready.text, ready.shortfall) == ("Bees!", "no JSON, though JSON was asked for")


async def test_the_thoughts_of_a_reasoning_model_are_left_out() -> None:
    text = "<think>She said bees.\n\nSo: bees.</think>\nKeeps bees."
    ready, _ = await asked_for(SummaryForm(), text)
    assert ready.text == "Keeps bees."


async def test_a_text_that_cannot_be_a_summary_is_refused() -> None:
    text = "I'm in Paris. I'll buy bread. " * 10
    failed = await outcome(ScriptedWriter("one", text, text))
    assert isinstance(failed, e.SummaryFailed)
    assert failed.reason == "one: the summary repeats itself"


# ── the running session ──────────────────────────────────────────────────────────────────────


async def test_the_session_writer_sends_memory_turns_and_prompt_out_of_band() -> None:
    asked: list[OutOfBandRequest] = []
    usage = e.Usage(input_text=100, output_text=10)

    async def ask(question: OutOfBandRequest) -> OutOfBandResponse:
        asked.append(question)
        return OutOfBandResponse(key=question.key, text="Bees.", status="completed", usage=usage)

    writer = SessionWriter("toy", lambda used: used.input / 100)
    ready = await outcome(writer, ask=ask, asked=request("I keep bees", memory="Lives in Bergen."))
    assert isinstance(ready, e.SummaryReady)
    assert (ready.usage, ready.usd, ready.source) == (usage, 1.0, "toy")
    [question] = asked
    assert next(iter(question.turns)) == ("system", "Lives in Bergen.")
    assert list(question.turns)[1] == ("user", "I keep bees")
    metadata = ResponseMetadata.from_wire(question.metadata)
    assert (metadata.purpose, metadata.prompt_is_last_item) == ("summary", True)


@pytest.mark.parametrize(("reason", "expected"), [("no quota", "no quota"), ("", "was cancelled")])
async def test_an_out_of_band_response_that_was_not_completed_is_a_failure(
    reason: str, expected: str
) -> None:
    async def ask(question: OutOfBandRequest) -> OutOfBandResponse:
        return OutOfBandResponse(key=question.key, text="", status="cancelled", reason=reason)

    failed = await outcome(SessionWriter("toy", lambda _: None), ask=ask)
    assert isinstance(failed, e.SummaryFailed)
    assert expected in failed.reason


# ── a text model, over real HTTP ─────────────────────────────────────────────────────────────


async def test_a_text_model_behind_an_address() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        seen.append((path, body))
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
        usage = {"prompt_tokens": 90, "completion_tokens": 9, "total_tokens": 99}
        details = {"prompt_tokens_details": {"cached_tokens": 64}}
        return 200, completion("Keeps bees.", **usage, **details)

    async with chat_server(answer) as url:
        writer = ModelWriter("", "", url, price=lambda used: used.output / 10)
        ready = await Summariser([writer], timeout_s=30).summarise(
            request(memory="Lives in Bergen."), no_session
        )
    assert isinstance(ready, e.SummaryReady)
    assert (ready.text, ready.source, ready.usd) == ("Keeps bees.", "tiny", 0.9)
    assert ready.usage == e.Usage(input_text=90, cached_text=64, output_text=9)
    path, body = seen[-1]
    assert path == "/v1/chat/completions"
    assert body["model"] == "tiny"
    assert "sk-" not in body["key"]
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "system", "user"]


async def test_the_users_own_server_gets_a_limit_and_a_second_attempt() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        return 200, completion(FRENCH if len(bodies) == 2 else ENGLISH)

    async with chat_server(answer) as url:
        writer = ModelWriter("tiny", "", url)
        form = SummaryForm(language="French")
        ready = await Summariser([writer], form, timeout_s=30).summarise(request(), no_session)
    assert isinstance(ready, e.SummaryReady)
    assert (ready.text, ready.source) == (FRENCH, "tiny")
    for body in bodies:
        assert (body["temperature"], 150 <= body["max_tokens"] <= 1000) == (0, True)
    assert "French (français)" in bodies[1]["messages"][-1]["content"]


async def test_the_second_attempt_at_json_goes_without_the_schema_that_a_server_refused() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is unknown here"}}
        return 200, completion('{"tone": "calm"}')

    async with chat_server(answer) as url:
        writer = ModelWriter("tiny", "", url)
        summariser = Summariser(
            [writer], SummaryForm(style="json"), timeout_s=30, retry_after_s=0.0
        )
        ready = await summariser.summarise(request(), no_session)
    assert isinstance(ready, e.SummaryReady)
    schema = bodies[0]["response_format"]["json_schema"]["schema"]
    assert set(schema["required"]) == set(schema["properties"])
    assert len(bodies) == 2


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, []),
        (401, {"error": {"message": "Wrong key."}}),
        (500, {"error": {"message": "Broken."}}),
        (200, b"no json at all"),
        (200, completion(None)),
        (200, {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}),
    ],
)
async def test_a_text_model_that_fails_gives_way_to_the_next(status: int, said: Any) -> None:
    async with chat_server(lambda _path, _body: (status, said)) as url:
        ready = await Summariser(
            [ModelWriter("m", "key", url), ScriptedWriter("two", "Bees.")],
            timeout_s=30,
            retry_after_s=0.0,
        ).summarise(request(), no_session)
    assert isinstance(ready, e.SummaryReady)
    assert ready.source == "two"


async def test_a_server_without_models_and_a_closed_port_are_errors() -> None:
    task = WritingTask(source=request(), prompt="…", metadata=ResponseMetadata())
    async with chat_server(lambda _path, _body: (200, {"object": "list", "data": []})) as url:
        with pytest.raises(TuiVoiceError):
            await ModelWriter("", "", url).write(task, no_session)
    with pytest.raises(TuiVoiceError) as caught:
        await ModelWriter("m", "", url).write(task, no_session)
    assert str(caught.value)


async def test_an_own_prompt_replaces_the_style_and_its_places_are_filled() -> None:
    """A text model gets them filled, and nothing else; the session has the turns before them."""
    sent: list[dict[str, Any]] = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        sent.append(body)
        return 200, completion("Bees in Bergen.")

    own = "Kort: {transcript} | før: {memory}"
    form = SummaryForm(style="json", language="French", prompt=own)
    source = request("I live in Bergen {memory}", memory="Keeps bees.", focus="bees")
    async with chat_server(answer) as url:
        writer = ModelWriter("m", "", url, price=lambda _usage: 0.0)
        ready = await Summariser([writer], form).summarise(source, no_session)
    assert isinstance(ready, e.SummaryReady)
    assert ready.shortfall == "", "neither the style nor the language is asked for"
    assert sent[0]["messages"] == [
        {
            "role": "user",
            "content": "Kort: user: I live in Bergen {memory}\nassistant: Noted.\ntool: [found] | "
            "før: Keeps bees. Above all keep: bees.",
        }
    ]
    assert "response_format" not in sent[0]

    asked: list[OutOfBandRequest] = []

    async def session(out_of_band: OutOfBandRequest) -> OutOfBandResponse:
        asked.append(out_of_band)
        return OutOfBandResponse(key="memory_0001", text="Bees in Bergen.", status="completed")

    await Summariser([SessionWriter("m", lambda _: 0.0)], form).summarise(source, session)
    assert asked[0].prompt.startswith("Kort: the conversation above | før: the summary at its")
    assert len(asked[0].turns) == 4
    assert ResponseMetadata.from_wire(asked[0].metadata).own_prompt


async def test_pinned_facts_stay_word_for_word_whatever_the_writer_makes_of_them() -> None:
    facts = (
        KeptFact("to_dos", "Renew Aksel's passport before March.", pinned=True),
        KeptFact("people_and_facts", "The budget is 5200 euros.", written=True),
    )
    asked = replace(request("Actually the budget is 6100 euros. " + SAID), facts=facts)
    writer = ScriptedWriter("one", "Lives in Bergen.\nThe budget is 6100 euros.")
    ready = await outcome(writer, asked=asked)
    assert isinstance(ready, e.SummaryReady)
    assert "word for word:\n- Renew Aksel's passport" in writer.tasks[0].prompt
    assert "To-dos:\n- Renew Aksel's passport before March." in ready.text
    assert "5200" not in ready.text, "the conversation corrected it"
    pinned = replace(asked, facts=(facts[1]._replace(pinned=True),))
    ready = await outcome(ScriptedWriter("one", "The budget is 6100 euros."), asked=pinned)
    assert isinstance(ready, e.SummaryReady)
    assert "The budget is 5200 euros." in ready.text, "only the user changes a pinned fact"


async def test_a_summary_says_what_the_turns_were_about() -> None:
    asked = request("The bees need a new hive.")
    more = x.SourceTurn(item_id="d", role="assistant", text="A hive for the bees of Bergen.")
    asked = replace(asked, turns=(*asked.turns, more))
    ready = await outcome(ScriptedWriter("one", "A new hive."), asked=asked)
    assert isinstance(ready, e.SummaryReady)
    assert set(ready.topics) == {"bees", "hive"}
