"""Summaries: down the list of writers, in time, and never one that cannot be believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.replies import OutOfBandResponse
from tui_voice.runtime.prompts import Style, prompt_for
from tui_voice.runtime.summariser import (
    AskOutOfBand,
    OutOfBandRequest,
    SessionWriter,
    Summariser,
    Writer,
    Written,
)
from tui_voice.runtime.summary_validation import problem_of
from tui_voice.runtime.writers import ModelWriter

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
        window=100,
        cause="by hand",
    )


async def nobody(_aside: OutOfBandRequest) -> OutOfBandResponse:
    raise AssertionError("the session is not asked here")


class Scribe:
    """Gives these answers in turn; an exception is raised, a future waited for."""

    def __init__(self, name: str, *answers: Any) -> None:
        self.name = name
        self.answers = list(answers)
        self.prompts: list[str] = []
        self.options: dict[str, str] = {}

    async def write(
        self, _request: x.RequestSummary, prompt: str, options: dict[str, str], _ask: AskOutOfBand
    ) -> Written:
        self.prompts.append(prompt)
        self.options = options
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        return Written(text=answer, source=self.name, usd=0.5)


async def outcome(
    *writers: Writer, ask: AskOutOfBand = nobody, asked: x.RequestSummary | None = None
) -> e.SummaryReady | e.SummaryFailed:
    summariser = Summariser(writers, timeout_s=0.05, retry_after_s=0.0)
    return await summariser.summarise(asked or request(), ask)


async def test_the_first_who_can_writes_it() -> None:
    ready = await outcome(Scribe("one", "  Lives in Bergen.\n"), Scribe("two"))
    assert isinstance(ready, e.SummaryReady)
    assert (ready.text, ready.source, ready.usd) == ("Lives in Bergen.", "one", 0.5)
    assert ready.compaction_id == "memory_0001"


async def test_each_is_asked_twice_and_then_the_next() -> None:
    first = Scribe("one", TuiVoiceError("busy"), "")
    second = Scribe("two", asyncio.Event(), "Keeps bees.")
    ready = await outcome(first, second)
    assert isinstance(ready, e.SummaryReady)
    assert ready.source == "two"
    assert (len(first.prompts), len(second.prompts)) == (2, 2)


async def test_when_all_fail_every_reason_is_told_once() -> None:
    failed = await outcome(
        Scribe("one", TuiVoiceError("busy"), TuiVoiceError("busy")),
        Scribe("two", asyncio.Event(), " "),
        Scribe("three", "x " * 2_000, TuiVoiceError("gone")),
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


async def test_nobody_to_ask() -> None:
    failed = await outcome()
    assert isinstance(failed, e.SummaryFailed)
    assert failed.reason == "nobody is there to summarise"


async def test_what_breaks_inside_a_writer_does_not_end_the_talk_but_is_told() -> None:
    failed = await outcome(Scribe("one", ZeroDivisionError("oh"), ZeroDivisionError("oh")))
    assert isinstance(failed, e.SummaryFailed)
    assert failed.reason == "one: ZeroDivisionError: oh"


def test_a_short_talk_may_have_a_summary_that_is_a_little_longer() -> None:
    assert problem_of("Said hello, and was answered.", request("hello")) == ""
    assert problem_of("word " * 200, request("hello", memory="word " * 180)) == ""
    assert "longer" in problem_of("word " * 200, request("hello"))


@pytest.mark.parametrize("style", ["structured", "paragraph", "bullets", "json", "minutes"])
async def test_the_prompt_says_what_is_wanted(style: str) -> None:
    scribe = Scribe("one", '{"tone": "Bergen"}')
    summariser = Summariser([scribe], Style(style=style, language="Norwegian"))
    await summariser.summarise(request(focus="the bees"), nobody)
    [prompt] = scribe.prompts
    assert "Above all keep: the bees." in prompt
    assert "Write in Norwegian." in prompt
    assert scribe.options["style"] == style
    assert scribe.options["focus"] == "the bees"
    assert "language that was spoken" in prompt_for(Style(style=style), "")


FRENCH = "Elle habite à Bergen et elle a des abeilles. Elle ne vend pas le miel."
ENGLISH = "She lives in Bergen and she has bees. She does not sell the honey."


async def asked_for(style: Style, *answers: Any) -> tuple[e.SummaryReady, Scribe]:
    scribe = Scribe("one", *answers)
    ready = await Summariser([scribe], style, retry_after_s=0.0).summarise(request(), nobody)
    assert isinstance(ready, e.SummaryReady)
    return ready, scribe


async def test_another_language_than_asked_for_is_asked_for_again_in_that_language() -> None:
    ready, scribe = await asked_for(Style(language="French"), ENGLISH, FRENCH)
    assert (ready.text, ready.shortfall) == (FRENCH, "")
    assert ready.usd == 1.0, "both were paid for"
    first, second = scribe.prompts
    assert "Write in French." in first
    assert "en français" not in first
    assert second.endswith("Écris le résumé en français, et seulement en français.")
    assert scribe.options["insist"] == "yes"


async def test_a_summary_that_stays_in_the_wrong_language_is_taken_and_told_of() -> None:
    ready, scribe = await asked_for(Style(language="French"), ENGLISH, ENGLISH + " Yes.")
    assert ready.text == ENGLISH
    assert ready.shortfall == "in English, though French was asked for"
    assert len(scribe.prompts) == 2


async def test_why_somebody_else_wrote_it_is_told() -> None:
    ready = await outcome(Scribe("one", TuiVoiceError("busy"), " "), Scribe("two", "Bees."))
    assert isinstance(ready, e.SummaryReady)
    assert ready.passed_over == "one: busy; one: the summary was empty"
    ready = await outcome(Scribe("one", TuiVoiceError("busy"), "Bees."), Scribe("two"))
    assert isinstance(ready, e.SummaryReady)
    assert ready.passed_over == ""


async def test_one_that_fails_the_second_time_leaves_the_first() -> None:
    ready, _ = await asked_for(Style(language="French"), ENGLISH, TuiVoiceError("gone"))
    assert ready.text == ENGLISH


@pytest.mark.parametrize("language", ["same", "English", "Klingon"])
async def test_what_is_as_asked_for_or_cannot_be_told_is_asked_for_once(language: str) -> None:
    ready, scribe = await asked_for(Style(language=language), ENGLISH)
    assert (len(scribe.prompts), ready.shortfall) == (1, "")


async def test_json_is_unwrapped_and_what_is_none_is_asked_for_again() -> None:
    ready, scribe = await asked_for(Style(style="json"), "Bees!", '```json\n{"tone": "calm"}\n```')
    assert (ready.text, ready.shortfall) == ('{"tone": "calm"}', "")
    assert len(scribe.prompts) == 2
    ready, _ = await asked_for(Style(style="json"), "Bees!", "[1]")
    assert (ready.text, ready.shortfall) == ("Bees!", "no JSON, though JSON was asked for")


async def test_thoughts_are_no_part_of_it() -> None:
    ready, _ = await asked_for(Style(), "<think>She said bees.\n\nSo: bees.</think>\nKeeps bees.")
    assert ready.text == "Keeps bees."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I'm in Paris. I'll buy bread. " * 10, "again and again"),
        ("Odile Vautrin keeps bees in Bergen.", "whom nobody had named"),
    ],
)
async def test_what_small_models_do_when_they_are_lost(text: str, told: str) -> None:
    failed = await outcome(Scribe("one", text, text))
    assert isinstance(failed, e.SummaryFailed)
    assert told in failed.reason


# ── the running session ──────────────────────────────────────────────────────────────────────


async def test_the_session_reads_memory_and_turns_out_of_band() -> None:
    asked: list[OutOfBandRequest] = []
    usage = e.Usage(input_text=100, output_text=10)

    async def ask(aside: OutOfBandRequest) -> OutOfBandResponse:
        asked.append(aside)
        return OutOfBandResponse(key=aside.key, text="Bees.", status="completed", usage=usage)

    writer = SessionWriter("toy", lambda used: used.input / 100)
    ready = await outcome(writer, ask=ask, asked=request("I keep bees", memory="Lives in Bergen."))
    assert isinstance(ready, e.SummaryReady)
    assert (ready.usage, ready.usd, ready.source) == (usage, 1.0, "toy")
    [aside] = asked
    assert next(iter(aside.turns)) == ("system", "Lives in Bergen.")
    assert list(aside.turns)[1] == ("user", "I keep bees")
    assert (aside.metadata.purpose, aside.metadata.key) == ("summary", aside.key)
    assert aside.metadata.prompt_is_last_item


@pytest.mark.parametrize(("reason", "told"), [("no quota", "no quota"), ("", "was cancelled")])
async def test_a_session_that_fails(reason: str, told: str) -> None:
    async def ask(aside: OutOfBandRequest) -> OutOfBandResponse:
        return OutOfBandResponse(key=aside.key, text="", status="cancelled", reason=reason)

    failed = await outcome(SessionWriter("toy", lambda _: None), ask=ask)
    assert isinstance(failed, e.SummaryFailed)
    assert told in failed.reason


# ── a text model, over real HTTP ─────────────────────────────────────────────────────────────

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]


@asynccontextmanager
async def http(answer: Answer) -> AsyncIterator[str]:
    """`answer` takes path and body, gives status and body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-l")),
            0,
        )
        body = json.loads(await reader.readexactly(length)) if length else {}
        body["key"] = next((h[22:] for h in head.split("\r\n") if h.startswith("Author")), "")
        status, said = answer(head.split()[1], body)
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def completion(text: str | None, **usage: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return {**whole, "choices": [choice], **({"usage": usage} if usage else {})}


async def test_a_text_model_behind_an_address() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        seen.append((path, body))
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
        usage = {"prompt_tokens": 90, "completion_tokens": 9, "total_tokens": 99}
        details = {"prompt_tokens_details": {"cached_tokens": 64}}
        return 200, completion("Keeps bees.", **usage, **details)

    async with http(answer) as url:
        writer = ModelWriter("", "", url, price=lambda used: used.output / 10)
        ready = await Summariser([writer], timeout_s=30).summarise(
            request(memory="Lives in Bergen."), nobody
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


async def test_a_server_of_the_users_is_shown_by_example_what_it_missed() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        return 200, completion(FRENCH if len(bodies) == 2 else ENGLISH)

    async with http(answer) as url:
        writer = ModelWriter("tiny", "", url)
        style = Style(language="French")
        ready = await Summariser([writer], style, timeout_s=30).summarise(request(), nobody)
    assert isinstance(ready, e.SummaryReady)
    assert (ready.text, ready.source) == (FRENCH, "tiny")
    plain, shown = bodies
    assert (plain["temperature"], 150 <= plain["max_tokens"] <= 1000) == (0, True)
    assert "frequency_penalty" not in plain
    assert [message["role"] for message in shown["messages"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert shown["messages"][0]["content"].startswith("Écris le résumé en français")
    assert shown["messages"][-1]["content"] == f"user: {SAID}", "the user's side alone"


async def test_json_is_asked_for_by_its_schema_and_without_where_that_is_refused() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is unknown here"}}
        return 200, completion('{"tone": "calm"}')

    async with http(answer) as url:
        writer = ModelWriter("tiny", "", url)
        summariser = Summariser([writer], Style(style="json"), timeout_s=30, retry_after_s=0.0)
        ready = await summariser.summarise(request(), nobody)
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
    async with http(lambda _path, _body: (status, said)) as url:
        ready = await Summariser(
            [ModelWriter("m", "key", url), Scribe("two", "Bees.")], timeout_s=30, retry_after_s=0.0
        ).summarise(request(), nobody)
    assert isinstance(ready, e.SummaryReady)
    assert ready.source == "two"


async def test_a_server_without_models_or_not_there() -> None:
    async with http(lambda _path, _body: (200, {"object": "list", "data": []})) as url:
        with pytest.raises(TuiVoiceError):
            await ModelWriter("", "", url).write(request(), "…", {}, nobody)
    with pytest.raises(TuiVoiceError) as caught:
        await ModelWriter("m", "", url).write(request(), "…", {}, nobody)
    assert str(caught.value)
