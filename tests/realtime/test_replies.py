"""Replies as they come: sound, words, the end, what was stopped, what was asked aside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realtime.frames import (
    MS,
    USAGE,
    adapter,
    call,
    heard,
    message,
    pcm,
    plain,
    price,
    refused,
    response,
    sent,
)
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.replies import OutOfBandResponse, Sound, SoundEnd
from tui_voice.realtime.wire.contract import ResponseMetadata


def part(item_id: str = "a1", response_id: str = "r1", **more: Any) -> dict[str, Any]:
    where = {"response_id": response_id, "item_id": item_id, "output_index": 0}
    return {**where, "content_index": 0, **more}


def begin(ours: Adapter, response_id: str = "r1") -> None:
    told = heard(ours, "response.created", response=response(response_id, "in_progress"))
    assert told == [e.ResponseStarted(response_id=response_id)]


def test_the_ladder_of_a_spoken_reply() -> None:
    ours = adapter()
    begin(ours)
    assert heard(ours, "response.output_audio_transcript.delta", **part(delta="Hel")) == [
        e.TranscriptGrew(item_id="a1", text="Hel")
    ]
    assert heard(ours, "response.output_audio_transcript.delta", **part(delta="")) == []
    first = heard(ours, "response.output_audio.delta", **part(delta=pcm(400)))
    assert first == [
        Sound("a1", MS * 400),
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=400),
    ]
    assert heard(ours, "response.output_audio.delta", **part(delta=pcm(400))) == [
        Sound("a1", MS * 400)
    ]
    assert heard(ours, "response.output_audio.delta", **part(delta=pcm(700)))[1] == (
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=1500)
    )
    ended = heard(ours, "response.output_audio.done", **part())
    assert ended == [
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=1500),
        SoundEnd("a1"),
    ]
    assert heard(ours, "response.output_audio_transcript.done", **part(transcript="Hello")) == [
        e.TranscriptDone(item_id="a1", text="Hello")
    ]
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "Hello"})
    done = heard(ours, "response.done", response=response("r1", "completed", said, usage=USAGE))
    usage = e.Usage(
        input_text=160,
        input_audio=90,
        cached_text=64,
        cached_audio=64,
        output_text=10,
        output_audio=40,
    )
    assert done == [
        e.ResponseDone(response_id="r1", status="completed", usage=usage, usd=price(usage))
    ]


@pytest.mark.parametrize("kind", ["audio", "output_audio"])
def test_words_only_in_the_last_event_count_in_either_spelling(kind: str) -> None:
    ours = adapter()
    begin(ours)
    heard(ours, "response.content_part.done", **part(part={"type": kind, "transcript": "Hi"}))
    heard(ours, "response.output_audio.delta", **part(delta=pcm(100)))
    said = message("a1", "assistant", {"type": kind, "transcript": "Hi"})
    done = heard(ours, "response.done", response=response("r1", "completed", said))
    assert [type(fact) for fact in done] == [
        e.AudioReceived,
        SoundEnd,
        e.TranscriptDone,
        e.ResponseDone,
    ]
    assert done[2] == e.TranscriptDone(item_id="a1", text="Hi")


def test_a_written_reply() -> None:
    ours = adapter(audio=False)
    begin(ours)
    assert heard(ours, "response.output_text.delta", **part(delta="Hi")) == [
        e.TranscriptGrew(item_id="a1", text="Hi")
    ]
    assert heard(ours, "response.output_text.done", **part(text="Hi")) == [
        e.TranscriptDone(item_id="a1", text="Hi")
    ]
    second = part(text=" there")
    second["content_index"] = 1
    assert heard(ours, "response.output_text.done", **second) == [
        e.TranscriptDone(item_id="a1", text="Hi there")
    ]
    assert heard(ours, "response.output_text.done", **part("a2", text="")) == []
    [done] = heard(ours, "response.done", response=response("r1", "completed"))
    assert isinstance(done, e.ResponseDone)
    assert done.audio


@pytest.mark.parametrize(
    ("audio", "status", "output", "silent"),
    [
        (
            True,
            "completed",
            [message("a1", "assistant", {"type": "output_text", "text": ""})],
            True,
        ),
        (False, "completed", [message("a1", "assistant")], False),
        (True, "cancelled", [message("a1", "assistant")], False),
        (True, "completed", [call("f", "c")], False),
    ],
)
def test_a_reply_without_sound_is_told_as_such(
    audio: bool, status: str, output: list[dict[str, Any]], silent: bool
) -> None:
    ours = adapter(audio=audio)
    begin(ours)
    done = heard(ours, "response.done", response=response("r1", status, *output))[-1]
    assert isinstance(done, e.ResponseDone)
    assert done.audio is not silent


def test_after_a_cancel_neither_sound_nor_words_of_it_count() -> None:
    ours = adapter()
    begin(ours)
    heard(ours, "response.output_audio.delta", **part(delta=pcm(100)))
    [cancel] = sent(ours, x.CancelResponse(response_id="r1"))
    assert cancel == {"type": "response.cancel", "event_id": "cancel:", "response_id": "r1"}
    assert heard(ours, "response.output_audio.delta", **part(delta=pcm(100))) == []
    assert heard(ours, "response.output_audio_transcript.delta", **part(delta="more")) == []
    assert heard(ours, "response.output_audio_transcript.done", **part(transcript="more")) == []
    assert heard(ours, "response.output_audio.done", **part()) == []
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "more"})
    done = heard(
        ours,
        "response.done",
        response=response(
            "r1",
            "cancelled",
            said,
            call("f", "c"),
            status_details={"type": "cancelled", "reason": "client_cancelled"},
            usage={"total_tokens": 0, "input_tokens": 0, "output_tokens": 0},
        ),
    )
    assert done == [e.ResponseDone(response_id="r1", status="cancelled", reason="client_cancelled")]
    begin(ours, "r2")  # the next one counts again
    assert heard(ours, "response.output_audio.delta", **part("a2", "r2", delta=pcm(1)))


def test_a_reply_that_was_whole_before_our_cancel_is_not_called_silent() -> None:
    ours = adapter()
    begin(ours)
    ours.send(x.CancelResponse(response_id="r1"))
    heard(ours, "response.output_audio.delta", **part(delta=pcm(100)))
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "all of it"})
    [done] = heard(ours, "response.done", response=response("r1", "completed", said))
    assert isinstance(done, e.ResponseDone)
    assert done.audio


def test_a_cancel_before_the_server_named_the_response_stops_the_next() -> None:
    ours = adapter()
    ours.send(x.CreateResponse())
    [cancel] = sent(ours, x.CancelResponse())
    assert "response_id" not in cancel
    begin(ours)
    assert heard(ours, "response.output_audio.delta", **part(delta=pcm(100))) == []


@pytest.mark.parametrize(
    ("code", "event_id"),
    [
        ("response_cancel_not_active", "cancel:"),
        ("conversation_already_has_active_response", "respond:"),
    ],
)
def test_a_cancel_of_nothing_does_not_stop_the_next(code: str, event_id: str) -> None:
    ours = adapter()
    ours.send(x.CancelResponse())
    refused(ours, code, "no", event_id)
    begin(ours)
    assert heard(ours, "response.output_audio.delta", **part(delta=pcm(100)))


def test_a_cancel_without_name_stops_the_active_one() -> None:
    ours = adapter()
    begin(ours)
    ours.send(x.CancelResponse())
    assert heard(ours, "response.output_text.delta", **part(delta="x")) == []


def test_the_end_of_one_reply_leaves_another_alone() -> None:
    ours = adapter()
    begin(ours)
    heard(ours, "response.output_audio.delta", **part("a1", "r1", delta=pcm(10)))
    heard(ours, "response.output_audio.delta", **part("a2", "r2", delta=pcm(10)))
    done = heard(ours, "response.done", response=response("r1", "completed"))
    assert [fact for fact in done if isinstance(fact, SoundEnd)] == [SoundEnd("a1")]
    done = heard(ours, "response.done", response=response("r2", "completed"))
    assert [fact for fact in done if isinstance(fact, SoundEnd)] == [SoundEnd("a2")]


def test_an_end_without_a_beginning() -> None:
    [done] = heard(adapter(), "response.done", response=response("r9", "completed"))
    assert done == e.ResponseDone(response_id="r9", status="completed")
    foreign = {"id": "m", "type": "mcp_call", "name": "n", "arguments": "", "server_label": "s"}
    [bare] = heard(adapter(), "response.done", response={"output": [foreign]})
    assert bare == e.ResponseDone(response_id="", status="completed")


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"type": "failed", "error": {"code": "quota", "message": "no money"}}, "no money"),
        ({"type": "failed", "error": {"code": "inference_rate_limit_exceeded"}}, "inference_rate"),
        ({"type": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens"),
        ({"type": "failed", "error": {"type": "server_error"}}, ""),
        ({"type": "failed"}, ""),
    ],
)
def test_why_a_response_failed(details: dict[str, Any], reason: str) -> None:
    failed = response("r", "failed", status_details=details)
    [done] = heard(adapter(), "response.done", response=failed)
    assert isinstance(done, e.ResponseDone)
    assert done.reason.startswith(reason)
    assert bool(done.reason) is bool(reason)


def test_sound_of_a_second_part_is_ended_too() -> None:
    ours = adapter()
    begin(ours)
    heard(ours, "response.output_audio.delta", **part(delta=pcm(10)))
    assert heard(ours, "response.output_audio.done", **part())
    assert heard(ours, "response.output_audio.done", **part()) == []
    heard(ours, "response.output_audio.delta", **part(delta=pcm(10)))
    assert heard(ours, "response.output_audio.done", **part())[-1] == SoundEnd("a1")
    assert heard(ours, "response.output_audio.done", **part("unknown")) == []


# ── aside ────────────────────────────────────────────────────────────────────────────────────


SUMMARY = ResponseMetadata(key="memory_0001", purpose="summary")


def ask(ours: Adapter) -> dict[str, Any]:
    turns = [("user", "I am Ada"), ("assistant", "Hello Ada"), ("tool", "found")]
    return plain(ours.aside(turns, "Summarise.", SUMMARY))


def test_a_question_aside_reads_what_it_is_given_and_nothing_else() -> None:
    asked = ask(adapter())
    wanted = asked["response"]
    assert asked["event_id"] == "side:memory_0001"
    assert wanted["conversation"] == "none"
    assert wanted["output_modalities"] == ["text"]
    assert wanted["tools"] == []
    assert wanted["metadata"] == {"purpose": "summary", "key": "memory_0001"}
    read = [(item["role"], item["content"][0]["text"]) for item in wanted["input"]]
    assert read == [
        ("user", "I am Ada"),
        ("assistant", "Hello Ada"),
        ("system", "found"),
        ("user", "Summarise."),
    ]


def test_the_answer_aside_is_no_part_of_the_talk() -> None:
    ours = adapter()
    ask(ours)
    begin(ours, "r1")
    aside = response("s1", "in_progress", metadata={"key": "memory_0001"})
    assert heard(ours, "response.created", response=aside) == []
    assert heard(ours, "response.output_text.delta", **part("x", "s1", delta="Ada, ")) == []
    assert heard(ours, "response.output_text.delta", **part("x", "s1", delta="a cat")) == []
    assert heard(ours, "response.output_audio_transcript.delta", **part("x", "s1", delta="?")) == []
    assert heard(ours, "response.output_text.done", **part("x", "s1", text="Ada, a dog")) == []
    assert heard(ours, "response.output_text.done", **part("x", "s1", text="")) == []
    done = response("s1", "completed", metadata={"key": "memory_0001"}, usage=USAGE)
    [reply] = heard(ours, "response.done", response=done)
    assert isinstance(reply, OutOfBandResponse)
    assert (reply.key, reply.text, reply.status) == ("memory_0001", "Ada, a dog", "completed")
    assert reply.usage is not None
    # The reply that counts was untouched by it.
    assert heard(ours, "response.output_text.delta", **part(delta="go on"))


def test_an_answer_aside_whose_beginning_was_not_seen() -> None:
    said = message("x", "assistant", {"type": "output_text", "text": "Ada"})
    done = response("s1", "completed", said, metadata={"key": "k"})
    assert heard(adapter(), "response.done", response=done) == [
        OutOfBandResponse(key="k", text="Ada", status="completed")
    ]


def test_a_question_aside_that_is_refused_or_fails() -> None:
    ours = adapter()
    ask(ours)
    assert refused(ours, "invalid_value", "no such thing", "side:memory_0001") == [
        OutOfBandResponse(key="memory_0001", text="", status="failed", reason="no such thing")
    ]
    begun = response("s1", None, metadata={"key": "k"})  # type: ignore[arg-type]  # as servers may
    heard(ours, "response.created", response=begun)
    [reply] = heard(ours, "response.done", response=begun)
    assert isinstance(reply, OutOfBandResponse)
    assert reply.status == "failed"


# ── usage ────────────────────────────────────────────────────────────────────────────────────


def used(usage: dict[str, Any] | None) -> e.Usage | None:
    [done] = heard(adapter(), "response.done", response=response("r", "completed", usage=usage))
    assert isinstance(done, e.ResponseDone)
    assert (done.usd is None) is (done.usage is None)
    return done.usage


def test_usage_that_is_missing_or_nothing() -> None:
    assert used(None) is None
    assert used({}) is None
    assert used({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}) is None


def test_usage_told_only_in_sum_counts_as_text() -> None:
    assert used({"input_tokens": 100, "output_tokens": 7}) == e.Usage(input_text=100, output_text=7)
    nothing = {"text_tokens": 0, "audio_tokens": 0}
    assert used(
        {
            "input_tokens": 100,
            "output_tokens": 7,
            "input_token_details": nothing,
            "output_token_details": nothing,
        }
    ) == e.Usage(input_text=100, output_text=7)


def test_cached_tokens_told_only_in_sum_are_text_first() -> None:
    details = {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 80}
    assert used({"input_tokens": 100, "input_token_details": details}) == e.Usage(
        input_text=60, input_audio=40, cached_text=60, cached_audio=20
    )
