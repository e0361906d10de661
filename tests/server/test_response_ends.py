"""Responses: how they end: cancelled, as calls, cut short, failed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.server.desk import Desk, audio_of, error_of, message, types
from tests.server.engines import speech
from tests.server.ladders import response_of
from tui_voice.server.jobs import Reply, Said, SaidAll, Speak, Spoken, Transcribe

TEXT = {"output_modalities": ["text"]}
BESIDE = {"conversation": "none", **TEXT}
TOOL = {"type": "function", "name": "weather", "description": "d", "parameters": {}}


class TestCancel:
    def test_closing_events_come(self) -> None:
        desk = Desk()
        desk.hold = (Speak,)
        desk.ask("one two three four, five six.")
        desk.release(1)
        events = desk.send("response.cancel")
        assert types(events) == [
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
        done = response_of(desk)
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert done["usage"]["output_token_details"]["audio_tokens"] == 13

    def test_engines_are_told_to_stop(self) -> None:
        desk = Desk()
        desk.hold = (Reply, Speak)
        desk.ask("hello")
        (job,) = desk.held
        desk.send("response.cancel")
        assert isinstance(job, Reply)
        assert job.stop.is_set()
        desk.hold = ()
        assert desk.release() == []

    def test_before_a_word_was_said(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("hello")
        assert types(desk.send("response.cancel")) == ["response.done", "rate_limits.updated"]
        assert response_of(desk)["output"] == []

    def test_while_its_context_is_not_yet_heard(self) -> None:
        desk = Desk()
        desk.hold = (Transcribe,)
        audio = base64.b64encode(speech("hello")).decode()
        item = message("user", {"type": "input_audio", "audio": audio})
        desk.send("conversation.item.create", item=item)
        desk.send("response.create")
        assert types(desk.send("response.cancel"))[0] == "response.done"
        desk.hold = ()
        assert desk.release() == []

    def test_by_id(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("hello")
        default = desk.last("response.created")["response"]["id"]
        desk.send("response.create", response=BESIDE)
        beside = desk.last("response.created")["response"]["id"]
        desk.send("response.cancel", response_id=beside)
        assert response_of(desk)["id"] == beside
        desk.send("response.cancel", response_id=default)
        assert response_of(desk)["id"] == default

    @pytest.mark.parametrize("fields", [{}, {"response_id": "resp_unknown"}])
    def test_nothing_to_cancel(self, fields: dict[str, Any]) -> None:
        error = error_of(Desk().send("response.cancel", event_id="e", **fields))
        assert error["code"] == "response_cancel_not_active"
        assert error["message"] == "Cancellation failed: no active response found."
        assert error["event_id"] == "e"

    def test_another_may_follow_at_once(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("hello")
        desk.send("response.cancel")
        desk.hold = ()
        assert response_of(desk)["status"] == "cancelled"
        desk.send("response.create")
        assert response_of(desk)["status"] == "completed"


class TestCalls:
    def test_forced(self) -> None:
        desk = Desk()
        events = desk.ask(
            "hello", tools=[TOOL], tool_choice={"type": "function", "name": "weather"}
        )
        assert types(events) == [
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
        done = desk.last("response.function_call_arguments.done")
        (item,) = response_of(desk)["output"]
        assert item["call_id"] == done["call_id"]
        assert json.loads(item["arguments"]) == {"said": "hello"}
        assert (item["name"], done["name"]) == ("weather", "weather")
        assert desk.engines.thinks.requests[0].tools == [TOOL]

    def test_words_before_a_call(self) -> None:
        desk = Desk()
        desk.update(tools=[TOOL])
        desk.ask("call weather")
        message_item, call = response_of(desk)["output"]
        assert message_item["content"][0]["transcript"] == "One moment."
        assert call["type"] == "function_call"
        added = [e for e in desk.events if e["type"] == "response.output_item.added"]
        assert [e["output_index"] for e in added] == [0, 1]

    def test_output_feeds_the_next_response(self) -> None:
        desk = Desk()
        desk.update(tools=[TOOL])
        desk.ask("call weather", **TEXT)
        call = response_of(desk)["output"][1]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
        desk.send("conversation.item.create", item=output)
        desk.send("response.create", response=TEXT)
        turn = desk.engines.thinks.requests[-1].turns[-1]
        assert (turn.role, turn.name, turn.text) == ("tool_output", "weather", "rain")
        assert turn.call_id == call["call_id"]


class TestMaxTokens:
    def test_text_is_cut(self) -> None:
        desk = Desk()
        desk.ask("count 10", max_output_tokens=3, **TEXT)
        done = response_of(desk)
        assert done["status"] == "incomplete"
        assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        assert done["usage"]["output_tokens"] == 3
        assert done["output"][0]["status"] == "incomplete"

    def test_one_long_piece_is_cut_inside(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("x", max_output_tokens=2, **TEXT)
        desk.learn(Said(desk.held[0].job, "one two three four"))
        assert desk.last("response.output_text.done")["text"].split() == ["one", "two"]

    def test_not_even_one_word(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("x", max_output_tokens=1, **TEXT)
        desk.learn(Said(desk.held[0].job, "one"))
        desk.learn(Said(desk.held[0].job, "two"))
        assert response_of(desk)["status"] == "incomplete"

    def test_audio_is_cut(self) -> None:
        desk = Desk()
        events = desk.ask("one two three four five six", max_output_tokens=14)
        done = response_of(desk)
        assert done["status"] == "incomplete"
        assert 10 <= done["usage"]["output_tokens"] <= 14
        assert 0 < len(audio_of(events)) < len(speech("one two three four five six"))

    def test_enough_is_enough(self) -> None:
        desk = Desk()
        desk.ask("one two", max_output_tokens=9)
        assert response_of(desk)["status"] == "completed"
        assert response_of(desk)["usage"]["output_tokens"] == 9

    def test_call_that_does_not_fit(self) -> None:
        desk = Desk()
        desk.update(tools=[TOOL])
        desk.ask("call weather", max_output_tokens=2, **TEXT)
        assert response_of(desk)["status"] == "incomplete"
        desk.ask("call weather", max_output_tokens=20, **TEXT)
        assert response_of(desk)["status"] == "completed"


class TestFailures:
    @pytest.mark.parametrize("params", [{}, TEXT])
    def test_model_fails(self, params: dict[str, Any]) -> None:
        desk = Desk()
        events = desk.ask("break", **params)
        assert types(events) == ["response.created", "response.done", "rate_limits.updated"]
        done = response_of(desk)
        assert done["status"] == "failed"
        assert done["status_details"] == {
            "type": "failed",
            "error": {
                "type": "server_error",
                "code": "server_error",
                "message": "The model is broken.",
            },
        }
        assert "response.done" in types(desk.ask("hello"))

    def test_voice_fails(self) -> None:
        desk = Desk()
        desk.engines.speaks.breaks = True
        desk.ask("hello")
        done = response_of(desk)
        assert done["status"] == "failed"
        assert "ValueError: no voice" in done["status_details"]["error"]["message"]
        desk.engines.speaks.breaks = False
        desk.send("response.create")
        assert response_of(desk)["status"] == "completed"

    def test_facts_about_nothing_are_ignored(self) -> None:
        desk = Desk()
        count = len(desk.events)
        for fact in (Said(99, "x"), SaidAll(99), Spoken(99, b"", b"")):
            desk.learn(fact)
        assert len(desk.events) == count


def test_output_audio_buffer_is_not_ours() -> None:
    error = error_of(Desk().send("output_audio_buffer.clear"))
    assert error["code"] == "invalid_value"


def test_halt_stops_everything() -> None:
    desk = Desk()
    desk.hold = (Reply, Speak, Transcribe)
    desk.say(bytes(48_000) + speech("hello what is"))
    desk.ask("hello")
    jobs = list(desk.held)
    desk.engine.halt()
    assert jobs
    assert all(job.stop.is_set() for job in jobs)
