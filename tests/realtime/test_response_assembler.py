"""Responses are assembled from their events, also cancelled ones and out-of-band ones."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.realtime.frames_harness import (
    MS,
    USAGE,
    call,
    encoded,
    message,
    new_translator,
    pcm,
    price,
    received,
    received_error,
    response,
)
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import (
    AudioChunk,
    AudioEnd,
    OutOfBandRequest,
    OutOfBandResponse,
)
from tui_voice.realtime.event_translator import EventTranslator


def part(item_id: str = "a1", response_id: str = "r1", **more: Any) -> dict[str, Any]:
    where = {"response_id": response_id, "item_id": item_id, "output_index": 0}
    return {**where, "content_index": 0, **more}


def begin(translator: EventTranslator, response_id: str = "r1", add: str = "a1") -> None:
    events = received(translator, "response.created", response=response(response_id, "in_progress"))
    assert events == [e.ResponseStarted(response_id=response_id)]
    if add:
        item = message(add, "assistant", status="in_progress")
        [turn] = received(translator, "conversation.item.added", item=item)
        assert isinstance(turn, e.TurnAdded)


def test_all_events_of_a_spoken_reply() -> None:
    translator = new_translator()
    begin(translator)
    assert received(translator, "response.output_audio_transcript.delta", **part(delta="Hel")) == [
        e.TranscriptGrew(item_id="a1", text="Hel")
    ]
    assert received(translator, "response.output_audio_transcript.delta", **part(delta="")) == []
    first = received(translator, "response.output_audio.delta", **part(delta=pcm(400)))
    assert first == [
        AudioChunk("a1", MS * 400),
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=400),
    ]
    assert received(translator, "response.output_audio.delta", **part(delta=pcm(400))) == [
        AudioChunk("a1", MS * 400)
    ]
    assert received(translator, "response.output_audio.delta", **part(delta=pcm(700)))[1] == (
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=1500)
    )
    ended = received(translator, "response.output_audio.done", **part())
    assert ended == [
        e.AudioReceived(item_id="a1", response_id="r1", audio_ms=1500),
        AudioEnd("a1"),
    ]
    assert received(
        translator, "response.output_audio_transcript.done", **part(transcript="Hello")
    ) == [e.TranscriptDone(item_id="a1", text="Hello")]
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "Hello"})
    done = received(
        translator, "response.done", response=response("r1", "completed", said, usage=USAGE)
    )
    usage = e.Usage(
        input_text=150,
        input_audio=90,
        input_image=10,
        cached_text=64,
        cached_audio=64,
        output_text=10,
        output_audio=40,
    )
    assert done == [
        e.ResponseDone(response_id="r1", status="completed", usage=usage, usd=price(usage))
    ]


@pytest.mark.parametrize("kind", ["audio", "output_audio"])
def test_text_that_only_the_last_event_has_counts_under_both_part_types(kind: str) -> None:
    translator = new_translator()
    begin(translator)
    received(
        translator, "response.content_part.done", **part(part={"type": kind, "transcript": "Hi"})
    )
    received(translator, "response.output_audio.delta", **part(delta=pcm(100)))
    said = message("a1", "assistant", {"type": kind, "transcript": "Hi"})
    done = received(translator, "response.done", response=response("r1", "completed", said))
    assert [type(event) for event in done] == [
        e.AudioReceived,
        AudioEnd,
        e.TranscriptDone,
        e.ResponseDone,
    ]
    assert done[2] == e.TranscriptDone(item_id="a1", text="Hi")


def test_a_reply_in_text() -> None:
    translator = new_translator(audio=False)
    begin(translator)
    assert received(translator, "response.output_text.delta", **part(delta="Hi")) == [
        e.TranscriptGrew(item_id="a1", text="Hi")
    ]
    assert received(translator, "response.output_text.done", **part(text="Hi")) == [
        e.TranscriptDone(item_id="a1", text="Hi")
    ]
    second = part(text=" there")
    second["content_index"] = 1
    assert received(translator, "response.output_text.done", **second) == [
        e.TranscriptDone(item_id="a1", text="Hi there")
    ]
    assert received(translator, "response.output_text.done", **part("a2", text="")) == []
    [done] = received(translator, "response.done", response=response("r1", "completed"))
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
def test_a_reply_that_came_without_audio_is_marked(
    audio: bool, status: str, output: list[dict[str, Any]], silent: bool
) -> None:
    translator = new_translator(audio=audio)
    begin(translator)
    done = received(translator, "response.done", response=response("r1", status, *output))[-1]
    assert isinstance(done, e.ResponseDone)
    assert done.audio is not silent


def test_audio_and_text_that_come_after_a_cancel_are_ignored() -> None:
    translator = new_translator()
    begin(translator)
    received(translator, "response.output_audio.delta", **part(delta=pcm(100)))
    [cancel] = encoded(translator, x.CancelResponse(response_id="r1"))
    assert cancel == {"type": "response.cancel", "event_id": "cancel:", "response_id": "r1"}
    assert received(translator, "response.output_audio.delta", **part(delta=pcm(100))) == []
    assert (
        received(translator, "response.output_audio_transcript.delta", **part(delta="more")) == []
    )
    assert (
        received(translator, "response.output_audio_transcript.done", **part(transcript="more"))
        == []
    )
    assert received(translator, "response.output_audio.done", **part()) == []
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "more"})
    done = received(
        translator,
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
    begin(translator, "r2", add="")  # the next one counts again
    assert received(translator, "response.output_audio.delta", **part("a2", "r2", delta=pcm(1)))


def test_a_reply_that_was_complete_before_our_cancel_is_not_marked_as_without_audio() -> None:
    translator = new_translator()
    begin(translator)
    translator.encode(x.CancelResponse(response_id="r1"))
    received(translator, "response.output_audio.delta", **part(delta=pcm(100)))
    said = message("a1", "assistant", {"type": "output_audio", "transcript": "all of it"})
    [done] = received(translator, "response.done", response=response("r1", "completed", said))
    assert isinstance(done, e.ResponseDone)
    assert done.audio


def test_a_cancel_before_the_response_was_announced_cancels_the_next_one() -> None:
    translator = new_translator()
    translator.encode(x.CreateResponse())
    [cancel] = encoded(translator, x.CancelResponse())
    assert "response_id" not in cancel
    begin(translator)
    assert received(translator, "response.output_audio.delta", **part(delta=pcm(100))) == []


@pytest.mark.parametrize(
    ("code", "event_id"),
    [
        ("response_cancel_not_active", "cancel:"),
        ("conversation_already_has_active_response", "respond:"),
    ],
)
def test_a_cancel_that_was_refused_does_not_cancel_the_next_response(
    code: str, event_id: str
) -> None:
    translator = new_translator()
    translator.encode(x.CancelResponse())
    received_error(translator, code, "no", event_id)
    begin(translator)
    assert received(translator, "response.output_audio.delta", **part(delta=pcm(100)))


def test_a_cancel_without_id_cancels_the_response_under_way() -> None:
    translator = new_translator()
    begin(translator)
    translator.encode(x.CancelResponse())
    assert received(translator, "response.output_text.delta", **part(delta="x")) == []


def test_the_end_of_one_response_does_not_end_another() -> None:
    translator = new_translator()
    begin(translator)
    received(translator, "response.output_audio.delta", **part("a1", "r1", delta=pcm(10)))
    received(translator, "response.output_audio.delta", **part("a2", "r2", delta=pcm(10)))
    done = received(translator, "response.done", response=response("r1", "completed"))
    assert [event for event in done if isinstance(event, AudioEnd)] == [AudioEnd("a1")]
    done = received(translator, "response.done", response=response("r2", "completed"))
    assert [event for event in done if isinstance(event, AudioEnd)] == [AudioEnd("a2")]


def test_the_end_of_a_response_that_was_never_announced() -> None:
    [done] = received(new_translator(), "response.done", response=response("r9", "completed"))
    assert done == e.ResponseDone(response_id="r9", status="completed")
    foreign = {"id": "m", "type": "mcp_call", "name": "n", "arguments": "", "server_label": "s"}
    [bare] = received(new_translator(), "response.done", response={"output": [foreign]})
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
def test_the_reason_why_a_response_failed(details: dict[str, Any], reason: str) -> None:
    failed = response("r", "failed", status_details=details)
    [done] = received(new_translator(), "response.done", response=failed)
    assert isinstance(done, e.ResponseDone)
    assert done.reason.startswith(reason)
    assert bool(done.reason) is bool(reason)


def test_the_audio_of_a_second_part_ends_as_well() -> None:
    translator = new_translator()
    begin(translator)
    received(translator, "response.output_audio.delta", **part(delta=pcm(10)))
    assert received(translator, "response.output_audio.done", **part())
    assert received(translator, "response.output_audio.done", **part()) == []
    received(translator, "response.output_audio.delta", **part(delta=pcm(10)))
    assert received(translator, "response.output_audio.done", **part())[-1] == AudioEnd("a1")
    assert received(translator, "response.output_audio.done", **part("unknown")) == []


# ── out-of-band responses ──────────────────────────────────────────────────────────────────────


def ask(translator: EventTranslator) -> dict[str, Any]:
    turns = [("user", "I am Ada"), ("assistant", "Hello Ada"), ("tool", "found")]
    request = OutOfBandRequest(
        key="memory_0001", turns=turns, prompt="Summarise.", metadata={"purpose": "summary"}
    )
    [message] = encoded(translator, request)
    return message


def test_an_out_of_band_request_has_its_turns_its_prompt_and_its_metadata() -> None:
    asked = ask(new_translator())
    wanted = asked["response"]
    assert asked["event_id"] == "out_of_band:memory_0001"
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


def test_an_out_of_band_response_is_not_a_part_of_the_conversation() -> None:
    translator = new_translator()
    ask(translator)
    begin(translator, "r1")
    started = response("s1", "in_progress", metadata={"key": "memory_0001"})
    assert received(translator, "response.created", response=started) == []
    assert (
        received(translator, "response.output_text.delta", **part("x", "s1", delta="Ada, ")) == []
    )
    assert (
        received(translator, "response.output_text.delta", **part("x", "s1", delta="a cat")) == []
    )
    assert (
        received(translator, "response.output_audio_transcript.delta", **part("x", "s1", delta="?"))
        == []
    )
    assert (
        received(translator, "response.output_text.done", **part("x", "s1", text="Ada, a dog"))
        == []
    )
    assert received(translator, "response.output_text.done", **part("x", "s1", text="")) == []
    done = response("s1", "completed", metadata={"key": "memory_0001"}, usage=USAGE)
    [reply] = received(translator, "response.done", response=done)
    assert isinstance(reply, OutOfBandResponse)
    assert (reply.key, reply.text, reply.status) == ("memory_0001", "Ada, a dog", "completed")
    assert reply.usage is not None
    # The reply under way is not affected.
    assert received(translator, "response.output_text.delta", **part(delta="go on"))


def test_an_out_of_band_response_that_was_never_announced() -> None:
    said = message("x", "assistant", {"type": "output_text", "text": "Ada"})
    done = response("s1", "completed", said, metadata={"key": "k"})
    assert received(new_translator(), "response.done", response=done) == [
        OutOfBandResponse(key="k", text="Ada", status="completed")
    ]


def test_an_out_of_band_request_that_is_refused_or_fails() -> None:
    translator = new_translator()
    ask(translator)
    assert received_error(
        translator, "invalid_value", "no such thing", "out_of_band:memory_0001"
    ) == [OutOfBandResponse(key="memory_0001", text="", status="failed", reason="no such thing")]
    begun = response("s1", None, metadata={"key": "k"})  # type: ignore[arg-type]  # as servers may
    received(translator, "response.created", response=begun)
    [reply] = received(translator, "response.done", response=begun)
    assert isinstance(reply, OutOfBandResponse)
    assert reply.status == "failed"


# ── usage ────────────────────────────────────────────────────────────────────────────────────


def used(usage: dict[str, Any] | None) -> e.Usage | None:
    [done] = received(
        new_translator(), "response.done", response=response("r", "completed", usage=usage)
    )
    assert isinstance(done, e.ResponseDone)
    assert (done.usd is None) is (done.usage is None)
    return done.usage


def test_usage_that_is_missing_or_zero() -> None:
    assert used(None) is None
    assert used({}) is None
    assert used({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}) is None


def test_usage_without_details_counts_as_text() -> None:
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


def test_cached_tokens_without_details_are_text_first() -> None:
    details = {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 80}
    assert used({"input_tokens": 100, "input_token_details": details}) == e.Usage(
        input_text=60, input_audio=40, cached_text=60, cached_audio=20
    )


def test_a_response_to_speech_after_our_cancel_is_not_dropped() -> None:
    """We cancelled a response that had not begun; the server answers what was said since."""
    translator = new_translator()
    translator.encode(x.CreateResponse())
    translator.encode(x.CancelResponse())
    received(translator, "input_audio_buffer.committed", item_id="i1")
    begin(translator)
    heard = received(translator, "response.output_audio.delta", **part(delta=pcm(20)))
    assert any(isinstance(one, AudioChunk) for one in heard)


# ── servers that leave events out, or repeat them ───────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("response.output_audio_transcript.delta", {"delta": "Hi"}),
        ("response.output_audio_transcript.done", {"transcript": "Hi"}),
        ("response.output_audio.delta", {"delta": pcm(20)}),
    ],
)
def test_a_reply_item_that_was_never_announced_becomes_a_turn(
    kind: str, fields: dict[str, str]
) -> None:
    translator = new_translator()
    begin(translator, add="")
    turn, *rest = received(translator, kind, **part(**fields))
    assert turn == e.TurnAdded(item_id="a1", role="assistant", modality="audio")
    assert rest
    item = message("a1", "assistant", status="in_progress")
    assert received(translator, "conversation.item.added", item=item) == []


def test_words_that_come_only_with_the_end_of_the_response_become_a_turn() -> None:
    translator = new_translator()
    begin(translator, add="")
    output = message("a1", "assistant", {"type": "output_audio", "transcript": "Hello."})
    ended = response("r1", "completed", output, usage=USAGE)
    turn, words, done = received(translator, "response.done", response=ended)
    assert turn == e.TurnAdded(item_id="a1", role="assistant", modality="audio")
    assert words == e.TranscriptDone(item_id="a1", text="Hello.")
    assert isinstance(done, e.ResponseDone)
    assert received(translator, "response.done", response=ended) == [], "it is counted once"


def test_audio_pieces_that_end_within_a_sample_are_put_together() -> None:
    translator = new_translator()
    begin(translator)
    sound = bytes(range(256)) * 80
    pieces = [sound[:4801], sound[4801:4802], sound[4802:9601], sound[9601:9604], sound[9604:]]
    got = b""
    for piece in pieces:
        delta = base64.b64encode(piece).decode()
        for one in received(translator, "response.output_audio.delta", **part(delta=delta)):
            if isinstance(one, AudioChunk):
                assert len(one.pcm) % 2 == 0
                got += one.pcm
    assert got == sound


def test_text_of_an_out_of_band_response_whose_start_was_lost_is_no_reply() -> None:
    translator = new_translator()
    translator.encode(OutOfBandRequest(key="k", turns=[], prompt="Summarise."))
    text = part("x1", "r9")
    assert received(translator, "response.output_text.delta", delta="They", **text) == []
    assert received(translator, "response.output_text.done", text="They spoke.", **text) == []
    output = message("x1", "assistant", {"type": "output_text", "text": "They spoke."})
    ended = response("r9", "completed", output, metadata={"key": "k"})
    [answer] = received(translator, "response.done", response=ended)
    assert isinstance(answer, OutOfBandResponse)
    assert (answer.key, answer.text) == ("k", "They spoke.")
