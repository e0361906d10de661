"""Responses: the order of events, parameters, one at a time, and out-of-band responses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.event_order_harness import last_response
from tests.server.protocol_harness import (
    ProtocolClient,
    audio_of,
    error_of,
    event_types,
    message_item,
    user_item,
)
from tests.server.toy_engines_harness import speech
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu
from tui_voice.server.audio_formats import decode
from tui_voice.server.jobs import ReplyEnded, ReplyJob, ReplyPiece, SpeakJob, TranscribeJob
from tui_voice.server.limits import SessionLimits

TEXT = {"output_modalities": ["text"]}
OUT_OF_BAND = {"conversation": "none", **TEXT}

TEXT_RESPONSE_EVENTS = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


class TestEvents:
    def test_text_response(self) -> None:
        client = ProtocolClient()
        events = client.ask("hello what", **TEXT)
        assert event_types(events) == TEXT_RESPONSE_EVENTS
        assert events[1]["item"]["content"] == []
        assert events[1]["item"]["status"] == "in_progress"
        assert events[3]["part"] == {"type": "text", "text": ""}
        assert client.last_event("response.output_text.done")["text"] == "hello what "
        assert client.last_event("response.content_part.done")["part"] == {
            "type": "text",
            "text": "hello what ",
        }
        item = client.last_event("conversation.item.done")["item"]
        assert item["content"] == [{"type": "output_text", "text": "hello what "}]
        assert item["status"] == "completed"
        assert last_response(client)["output"] == [item]

    def test_all_events_have_the_ids_of_the_response_and_its_item(self) -> None:
        client = ProtocolClient()
        events = client.ask("hello what")
        response_id = events[0]["response"]["id"]
        assert response_id.startswith("resp_")
        assert {e["response_id"] for e in events if "response_id" in e} == {response_id}
        item_id = events[1]["item"]["id"]
        assert {e["item_id"] for e in events if "item_id" in e} == {item_id}
        assert {e["previous_item_id"] for e in events if "previous_item_id" in e} == {
            client.item_ids[0]
        }

    def test_response_object(self) -> None:
        client = ProtocolClient()
        client.ask("hello", metadata={"a": "b"}, max_output_tokens=500)
        created = client.last_event("response.created")["response"]
        done = last_response(client)
        fixed = {
            "object": "realtime.response",
            "conversation_id": client.protocol.items.id,
            "output_modalities": ["audio"],
            "max_output_tokens": 500,
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}},
            "metadata": {"a": "b"},
            "status_details": None,
        }
        assert fixed.items() <= created.items()
        assert fixed.items() <= done.items()
        assert (created["status"], created["usage"], created["output"]) == ("in_progress", None, [])
        assert done["status"] == "completed"
        assert done["usage"]["total_tokens"] > 0
        assert "audio" not in done["output"][0]["content"][0]

    def test_one_audio_delta_has_100_ms(self) -> None:
        client = ProtocolClient()
        events = client.ask("hello what is the")
        sizes = [
            len(base64.b64decode(e["delta"]))
            for e in events
            if e["type"] == "response.output_audio.delta"
        ]
        assert set(sizes[:-1]) == {4_800}
        assert audio_of(events) == speech("hello what is the")

    def test_first_clause_is_sent_before_the_text_is_complete(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("tell")
        job = client.held_jobs[0].job_id
        client.job_result(ReplyPiece(job, "one two three four, "))
        assert audio_of(client.events) == speech("one two three four")
        client.job_result(ReplyPiece(job, "five six seven eight. nine"))
        assert "response.done" not in event_types(client.events)
        client.job_result(ReplyEnded(job))
        assert client.last_event("response.output_audio_transcript.done")["transcript"] == (
            "one two three four, five six seven eight. nine"
        )

    def test_transcript_of_a_clause_comes_before_its_audio(self) -> None:
        client = ProtocolClient()
        events = client.ask("one two three four, five six seven eight.")
        kinds = [k for k in event_types(events) if k.endswith(".delta")]
        assert kinds == [
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
        ] * (len(kinds) // 2)
        assert len(kinds) >= 4

    def test_empty_reply_completes_without_items(self) -> None:
        client = ProtocolClient()
        client.ask("")
        done = last_response(client)
        assert (done["status"], done["output"]) == ("completed", [])

    @pytest.mark.parametrize(("kind", "audio_format"), [("pcmu", Pcmu()), ("pcma", Pcma())])
    def test_g711_output(self, kind: str, audio_format: AudioFormat) -> None:
        client = ProtocolClient()
        output = {"format": {"type": f"audio/{kind}"}, "voice": "cedar"}
        events = client.ask("hello what", audio={"output": output})
        sound = audio_of(events)
        assert len(sound) == len(speech("hello what")) // 6
        assert len(decode(sound, audio_format)) == len(speech("hello what"))
        assert last_response(client)["audio"]["output"] == output
        assert client.engines.tts.calls[0][1] == "cedar"

    def test_voice_or_format_can_be_set_alone(self) -> None:
        client = ProtocolClient()
        client.ask("hello", audio={"output": {"voice": "cedar"}})
        pcm = {"type": "audio/pcm", "rate": 24000}
        assert last_response(client)["audio"]["output"] == {"format": pcm, "voice": "cedar"}
        client.ask("hello", audio={"output": {"format": {"type": "audio/pcma"}}})
        assert last_response(client)["audio"]["output"] == {
            "format": {"type": "audio/pcma"},
            "voice": "marin",
        }

    def test_voice_and_speed_reach_the_synthesiser(self) -> None:
        client = ProtocolClient()
        client.update_session(audio={"output": {"voice": "echo", "speed": 1.25}})
        client.ask("hello")
        assert client.engines.tts.calls == [("hello", "echo", 1.25)]


class TestParameters:
    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"output_modalities": ["text", "audio"]}, "invalid_value", "output_modalities"),
            ({"conversation": "other"}, "invalid_value", "conversation"),
            ({"audio": {"output": {"voice": "x"}}}, "invalid_value", "audio.output.voice"),
            ({"max_output_tokens": 5_000}, "invalid_value", "max_output_tokens"),
            ({"modalities": ["text"]}, "unknown_parameter", "modalities"),
            ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name"),
            (
                {"tool_choice": {"type": "function", "name": "unknown"}},
                "invalid_value",
                "tool_choice",
            ),
            (
                {"tool_choice": {"type": "mcp", "server_label": "x"}},
                "invalid_value",
                "tool_choice.type",
            ),
            ({"prompt": {"id": "p"}}, "invalid_value", "prompt"),
            ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "metadata"),
            ({"metadata": {"k" * 65: ""}}, "invalid_value", "metadata"),
            ({"metadata": {"k": "v" * 513}}, "invalid_value", "metadata"),
            (
                {"input": [{"type": "item_reference", "id": "unknown"}]},
                "invalid_value",
                "input[0].id",
            ),
            (
                {"input": [user_item("x"), message_item("user")]},
                "invalid_value",
                "input[1].content",
            ),
        ],
    )
    def test_invalid_values_are_refused(
        self, params: dict[str, Any], code: str, param: str
    ) -> None:
        client = ProtocolClient()
        error = error_of(client.send("response.create", event_id="mine", response=params))
        assert (error["code"], error["param"]) == (code, f"response.{param}")
        assert error["event_id"] == "mine"
        assert event_types(client.ask("hello", **TEXT)) == TEXT_RESPONSE_EVENTS

    def test_instructions_replace_those_of_the_session(self) -> None:
        client = ProtocolClient()
        client.ask("hello", instructions="Only this.")
        client.ask("hello")
        first, second = client.engines.llm.requests
        assert first.instructions == "Only this."
        assert "spoken conversation" in second.instructions

    def test_conversation_may_be_given_by_its_id(self) -> None:
        client = ProtocolClient()
        client.ask("hello", conversation=client.protocol.items.id)
        assert last_response(client)["conversation_id"] == client.protocol.items.id

    def test_null_and_empty_parameters_are_ignored(self) -> None:
        client = ProtocolClient()
        client.type_turn("hello")
        client.send("response.create", response=None)
        assert last_response(client)["metadata"] is None
        client.send(
            "response.create", response={"metadata": {}, "tool_choice": None, "audio": None}
        )
        assert last_response(client)["status"] == "completed"


class TestOneAtATime:
    def test_second_response_is_refused(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.ask("hello")
        error = error_of(client.send("response.create", event_id="e"))
        assert error["code"] == "conversation_already_has_active_response"
        assert client.last_event("response.created")["response"]["id"] in error["message"]
        assert error["event_id"] == "e"
        client.hold = ()
        client.release()
        assert last_response(client)["status"] == "completed"

    def test_response_that_waits_for_a_transcript_counts_as_active(self) -> None:
        client = ProtocolClient()
        client.hold = (TranscribeJob,)
        audio = base64.b64encode(speech("hello")).decode()
        item = message_item("user", {"type": "input_audio", "audio": audio})
        client.send("conversation.item.create", item=item)
        client.send("response.create")
        assert error_of(client.send("response.create"))["code"].startswith("conversation_already")

    def test_number_of_responses_is_limited(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_responses=2))
        client.hold = (ReplyJob,)
        client.send("response.create", response=OUT_OF_BAND)
        client.send("response.create", response=OUT_OF_BAND)
        assert error_of(client.send("response.create"))["code"] == "rate_limit_exceeded"


class TestOutOfBand:
    def test_adds_no_items_to_the_conversation(self) -> None:
        client = ProtocolClient()
        client.type_turn("hello what")
        events = client.send(
            "response.create", response={**OUT_OF_BAND, "metadata": {"purpose": "x"}}
        )
        assert event_types(events) == [
            t for t in TEXT_RESPONSE_EVENTS if not t.startswith("conversation.item")
        ]
        done = last_response(client)
        assert done["conversation_id"] is None
        assert done["metadata"] == {"purpose": "x"}
        assert len(client.item_ids) == 1

    def test_runs_beside_the_response_of_the_conversation(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.ask("one two three")
        client.send("response.create", response=OUT_OF_BAND)
        assert last_response(client)["conversation_id"] is None
        assert client.protocol.responses.conversation_response is not None
        client.hold = ()
        client.release()
        assert last_response(client)["conversation_id"] is not None

    def test_reads_the_conversation_where_it_has_no_input(self) -> None:
        client = ProtocolClient()
        client.type_turn("one")
        client.type_turn("window")
        client.send("response.create", response=OUT_OF_BAND)
        assert client.last_event("response.output_text.done")["text"] == "user: one | user: window"

    def test_input_replaces_the_conversation(self) -> None:
        client = ProtocolClient()
        client.type_turn("one", id="a")
        client.type_turn("two", id="b")
        items = [{"type": "item_reference", "id": "b"}, user_item("window")]
        client.send("response.create", response={**OUT_OF_BAND, "input": items})
        assert client.last_event("response.output_text.done")["text"] == "user: two | user: window"

    def test_empty_input_is_no_context(self) -> None:
        client = ProtocolClient()
        client.type_turn("one")
        client.send("response.create", response={**OUT_OF_BAND, "input": []})
        assert client.engines.llm.requests[-1].turns == []

    def test_waits_for_the_transcript_of_audio_in_its_input(self) -> None:
        client = ProtocolClient()
        client.hold = (TranscribeJob,)
        audio = base64.b64encode(speech("hello what")).decode()
        item = message_item("user", {"type": "input_audio", "audio": audio})
        events = client.send("response.create", response={**OUT_OF_BAND, "input": [item]})
        assert event_types(events) == ["response.created"]
        client.release()
        assert client.last_event("response.output_text.done")["text"] == "hello what "

    def test_input_may_refer_to_an_audio_item(self) -> None:
        client = ProtocolClient()
        audio = base64.b64encode(speech("hello what")).decode()
        item = message_item("user", {"type": "input_audio", "audio": audio}, id="a")
        client.send("conversation.item.create", item=item)
        reference = {"type": "item_reference", "id": "a"}
        client.send("response.create", response={**OUT_OF_BAND, "input": [reference]})
        assert client.last_event("response.output_text.done")["text"] == "hello what "

    def test_input_may_have_calls_and_outputs(self) -> None:
        client = ProtocolClient()
        items = [
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "12"},
        ]
        client.send("response.create", response={**OUT_OF_BAND, "input": items})
        turns = client.engines.llm.requests[-1].turns
        assert [(t.role, t.name, t.text) for t in turns] == [
            ("tool_call", "f", "{}"),
            ("tool_output", "f", "12"),
        ]

    def test_metadata_reaches_the_model(self) -> None:
        client = ProtocolClient()
        client.type_turn("one")
        client.send(
            "response.create",
            response={**OUT_OF_BAND, "metadata": {"purpose": "summary", "language": "fr"}},
        )
        request = client.engines.llm.requests[-1]
        assert request.metadata == ResponseMetadata(purpose="summary", language="fr")
        assert client.last_event("response.output_text.done")["text"] == "1 turns in fr."

    def test_prompt_of_a_summary_request_is_not_part_of_its_source(self) -> None:
        client = ProtocolClient()
        client.type_turn("one", id="a")
        metadata = ResponseMetadata(purpose="summary", prompt_is_last_item=True)
        source = {"type": "item_reference", "id": "a"}
        client.send(
            "response.create",
            response={
                **OUT_OF_BAND,
                "metadata": metadata.to_wire(),
                "input": [source, user_item("sum up")],
            },
        )
        request = client.engines.llm.requests[-1]
        assert [turn.text for turn in request.turns] == ["one"]
        assert request.prompt == "sum up"
