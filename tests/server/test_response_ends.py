"""How responses end: cancelled, with a function call, at the token limit, failed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.server.event_order_harness import last_response
from tests.server.protocol_harness import (
    ProtocolClient,
    audio_of,
    error_of,
    event_types,
    message_item,
)
from tests.server.toy_engines_harness import speech
from tui_voice.server.jobs import (
    ReplyEnded,
    ReplyJob,
    ReplyPiece,
    SpeakJob,
    SpeechReady,
    TranscribeJob,
)

TEXT = {"output_modalities": ["text"]}
OUT_OF_BAND = {"conversation": "none", **TEXT}
TOOL = {"type": "function", "name": "weather", "description": "d", "parameters": {}}


class TestCancel:
    def test_closing_events_are_sent(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.ask("one two three four, five six.")
        client.release(1)
        events = client.send("response.cancel")
        assert event_types(events) == [
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
        done = last_response(client)
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert done["usage"]["output_token_details"]["audio_tokens"] == 13

    def test_running_jobs_are_stopped(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob, SpeakJob)
        client.ask("hello")
        (job,) = client.held_jobs
        client.send("response.cancel")
        assert isinstance(job, ReplyJob)
        assert job.stop.is_set()
        client.hold = ()
        assert client.release() == []

    def test_cancel_before_the_first_word(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("hello")
        assert event_types(client.send("response.cancel")) == [
            "response.done",
            "rate_limits.updated",
        ]
        assert last_response(client)["output"] == []

    def test_cancel_before_the_context_is_transcribed(self) -> None:
        client = ProtocolClient()
        client.hold = (TranscribeJob,)
        audio = base64.b64encode(speech("hello")).decode()
        item = message_item("user", {"type": "input_audio", "audio": audio})
        client.send("conversation.item.create", item=item)
        client.send("response.create")
        assert event_types(client.send("response.cancel"))[0] == "response.done"
        client.hold = ()
        assert client.release() == []

    def test_cancel_by_id(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("hello")
        default_id = client.last_event("response.created")["response"]["id"]
        client.send("response.create", response=OUT_OF_BAND)
        out_of_band_id = client.last_event("response.created")["response"]["id"]
        client.send("response.cancel", response_id=out_of_band_id)
        assert last_response(client)["id"] == out_of_band_id
        client.send("response.cancel", response_id=default_id)
        assert last_response(client)["id"] == default_id

    @pytest.mark.parametrize("fields", [{}, {"response_id": "resp_unknown"}])
    def test_cancel_without_an_active_response_is_refused(self, fields: dict[str, Any]) -> None:
        error = error_of(ProtocolClient().send("response.cancel", event_id="e", **fields))
        assert error["code"] == "response_cancel_not_active"
        assert error["message"] == "Cancellation failed: no active response found."
        assert error["event_id"] == "e"

    def test_next_response_may_follow_at_once(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("hello")
        client.send("response.cancel")
        client.hold = ()
        assert last_response(client)["status"] == "cancelled"
        client.send("response.create")
        assert last_response(client)["status"] == "completed"


class TestCalls:
    def test_forced_call(self) -> None:
        client = ProtocolClient()
        events = client.ask(
            "hello", tools=[TOOL], tool_choice={"type": "function", "name": "weather"}
        )
        assert event_types(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
        done = client.last_event("response.function_call_arguments.done")
        (item,) = last_response(client)["output"]
        assert item["call_id"] == done["call_id"]
        assert json.loads(item["arguments"]) == {"said": "hello"}
        assert (item["name"], done["name"]) == ("weather", "weather")
        assert client.engines.llm.requests[0].tools == [TOOL]

    def test_text_before_a_call_is_an_item_of_its_own(self) -> None:
        client = ProtocolClient()
        client.update_session(tools=[TOOL])
        client.ask("call weather")
        message_item, call = last_response(client)["output"]
        assert message_item["content"][0]["transcript"] == "One moment."
        assert call["type"] == "function_call"
        added = [e for e in client.events if e["type"] == "response.output_item.added"]
        assert [e["output_index"] for e in added] == [0, 1]

    def test_model_reads_the_output_of_its_call(self) -> None:
        client = ProtocolClient()
        client.update_session(tools=[TOOL])
        client.ask("call weather", **TEXT)
        call = last_response(client)["output"][1]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
        client.send("conversation.item.create", item=output)
        client.send("response.create", response=TEXT)
        turn = client.engines.llm.requests[-1].turns[-1]
        assert (turn.role, turn.name, turn.text) == ("tool_output", "weather", "rain")
        assert turn.call_id == call["call_id"]


class TestMaxTokens:
    def test_text_is_cut_at_the_limit(self) -> None:
        client = ProtocolClient()
        client.ask("count 10", max_output_tokens=3, **TEXT)
        done = last_response(client)
        assert done["status"] == "incomplete"
        assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        assert done["usage"]["output_tokens"] == 3
        assert done["output"][0]["status"] == "incomplete"

    def test_long_piece_is_cut_between_its_words(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("x", max_output_tokens=2, **TEXT)
        client.job_result(ReplyPiece(client.held_jobs[0].job_id, "one two three four"))
        assert client.last_event("response.output_text.done")["text"].split() == ["one", "two"]

    def test_limit_that_is_reached_between_two_pieces(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("x", max_output_tokens=1, **TEXT)
        client.job_result(ReplyPiece(client.held_jobs[0].job_id, "one"))
        client.job_result(ReplyPiece(client.held_jobs[0].job_id, "two"))
        assert last_response(client)["status"] == "incomplete"

    def test_audio_is_cut_at_the_limit(self) -> None:
        client = ProtocolClient()
        events = client.ask("one two three four five six", max_output_tokens=14)
        done = last_response(client)
        assert done["status"] == "incomplete"
        assert 10 <= done["usage"]["output_tokens"] <= 14
        assert 0 < len(audio_of(events)) < len(speech("one two three four five six"))

    def test_reply_that_fits_exactly_is_complete(self) -> None:
        client = ProtocolClient()
        client.ask("one two", max_output_tokens=9)
        assert last_response(client)["status"] == "completed"
        assert last_response(client)["usage"]["output_tokens"] == 9

    def test_call_beyond_the_limit_is_not_sent(self) -> None:
        client = ProtocolClient()
        client.update_session(tools=[TOOL])
        client.ask("call weather", max_output_tokens=2, **TEXT)
        assert last_response(client)["status"] == "incomplete"
        client.ask("call weather", max_output_tokens=20, **TEXT)
        assert last_response(client)["status"] == "completed"


class TestFailures:
    @pytest.mark.parametrize("params", [{}, TEXT])
    def test_failing_model_fails_the_response(self, params: dict[str, Any]) -> None:
        client = ProtocolClient()
        events = client.ask("break", **params)
        assert event_types(events) == ["response.created", "response.done", "rate_limits.updated"]
        done = last_response(client)
        assert done["status"] == "failed"
        assert done["status_details"] == {
            "type": "failed",
            "error": {
                "type": "server_error",
                "code": "server_error",
                "message": "The model is broken.",
            },
        }
        assert "response.done" in event_types(client.ask("hello"))

    def test_failing_synthesiser_fails_the_response(self) -> None:
        client = ProtocolClient()
        client.engines.tts.fails = True
        client.ask("hello")
        done = last_response(client)
        assert done["status"] == "failed"
        assert "ValueError: no voice" in done["status_details"]["error"]["message"]
        client.engines.tts.fails = False
        client.send("response.create")
        assert last_response(client)["status"] == "completed"

    def test_results_of_unknown_jobs_are_ignored(self) -> None:
        client = ProtocolClient()
        count = len(client.events)
        for result in (ReplyPiece(99, "x"), ReplyEnded(99), SpeechReady(99, b"", b"")):
            client.job_result(result)
        assert len(client.events) == count


def test_output_audio_buffer_clear_is_refused() -> None:
    error = error_of(ProtocolClient().send("output_audio_buffer.clear"))
    assert error["code"] == "invalid_value"


def test_stop_jobs_stops_all_jobs() -> None:
    client = ProtocolClient()
    client.hold = (ReplyJob, SpeakJob, TranscribeJob)
    client.say(bytes(48_000) + speech("hello what is"))
    client.ask("hello")
    jobs = list(client.held_jobs)
    client.protocol.stop_jobs()
    assert jobs
    assert all(job.stop.is_set() for job in jobs)
