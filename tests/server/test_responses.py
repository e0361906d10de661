"""Responses: the ladder, what each may have of its own, cancelling, calls, and those beside."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.desk import Desk, audio_of, error_of, message, types, user
from tests.server.engines import speech
from tests.server.ladders import response_of
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu
from tui_voice.server.audio_formats import decode
from tui_voice.server.jobs import Reply, Said, SaidAll, Speak, Transcribe
from tui_voice.server.limits import Limits

TEXT = {"output_modalities": ["text"]}
BESIDE = {"conversation": "none", **TEXT}

TEXT_LADDER = [
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


class TestLadder:
    def test_text(self) -> None:
        desk = Desk()
        events = desk.ask("hello what", **TEXT)[:]
        assert types(events) == TEXT_LADDER
        assert events[1]["item"]["content"] == []
        assert events[1]["item"]["status"] == "in_progress"
        assert events[3]["part"] == {"type": "text", "text": ""}
        assert desk.last("response.output_text.done")["text"] == "hello what "
        assert desk.last("response.content_part.done")["part"] == {
            "type": "text",
            "text": "hello what ",
        }
        item = desk.last("conversation.item.done")["item"]
        assert item["content"] == [{"type": "output_text", "text": "hello what "}]
        assert item["status"] == "completed"
        assert response_of(desk)["output"] == [item]

    def test_all_name_the_same_response_and_item(self) -> None:
        desk = Desk()
        events = desk.ask("hello what")
        response_id = events[0]["response"]["id"]
        assert response_id.startswith("resp_")
        assert {e["response_id"] for e in events if "response_id" in e} == {response_id}
        item_id = events[1]["item"]["id"]
        assert {e["item_id"] for e in events if "item_id" in e} == {item_id}
        assert {e["previous_item_id"] for e in events if "previous_item_id" in e} == {desk.items[0]}

    def test_response_object(self) -> None:
        desk = Desk()
        desk.ask("hello", metadata={"a": "b"}, max_output_tokens=500)
        created = desk.last("response.created")["response"]
        done = response_of(desk)
        fixed = {
            "object": "realtime.response",
            "conversation_id": desk.engine.conversation.id,
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

    def test_audio_comes_in_pieces_of_100_ms(self) -> None:
        desk = Desk()
        events = desk.ask("hello what is the")
        sizes = [
            len(base64.b64decode(e["delta"]))
            for e in events
            if e["type"] == "response.output_audio.delta"
        ]
        assert set(sizes[:-1]) == {4_800}
        assert audio_of(events) == speech("hello what is the")

    def test_first_clause_is_heard_before_the_last_is_made(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("tell")
        job = desk.held[0].job
        desk.learn(Said(job, "one two three four, "))
        assert audio_of(desk.events) == speech("one two three four")
        desk.learn(Said(job, "five six seven eight. nine"))
        assert "response.done" not in types(desk.events)
        desk.learn(SaidAll(job))
        assert desk.last("response.output_audio_transcript.done")["transcript"] == (
            "one two three four, five six seven eight. nine"
        )

    def test_transcript_goes_with_its_clause(self) -> None:
        desk = Desk()
        events = desk.ask("one two three four, five six seven eight.")
        kinds = [k for k in types(events) if k.endswith(".delta")]
        assert kinds == [
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
        ] * (len(kinds) // 2)
        assert len(kinds) >= 4

    def test_model_with_nothing_to_say(self) -> None:
        desk = Desk()
        desk.ask("")
        done = response_of(desk)
        assert (done["status"], done["output"]) == ("completed", [])

    @pytest.mark.parametrize(("kind", "audio_format"), [("pcmu", Pcmu()), ("pcma", Pcma())])
    def test_telephone_formats(self, kind: str, audio_format: AudioFormat) -> None:
        desk = Desk()
        form = {"type": f"audio/{kind}"}
        events = desk.ask("hello what", audio={"output": {"format": form, "voice": "cedar"}})
        sound = audio_of(events)
        assert len(sound) == len(speech("hello what")) // 6
        assert len(decode(sound, audio_format)) == len(speech("hello what"))
        assert response_of(desk)["audio"]["output"] == {"format": form, "voice": "cedar"}
        assert desk.engines.speaks.said[0][1] == "cedar"

    def test_voice_alone_or_format_alone(self) -> None:
        desk = Desk()
        desk.ask("hello", audio={"output": {"voice": "cedar"}})
        pcm = {"type": "audio/pcm", "rate": 24000}
        assert response_of(desk)["audio"]["output"] == {"format": pcm, "voice": "cedar"}
        desk.ask("hello", audio={"output": {"format": {"type": "audio/pcma"}}})
        assert response_of(desk)["audio"]["output"] == {
            "format": {"type": "audio/pcma"},
            "voice": "marin",
        }

    def test_voice_and_speed_reach_the_synthesiser(self) -> None:
        desk = Desk()
        desk.update(audio={"output": {"voice": "echo", "speed": 1.25}})
        desk.ask("hello")
        assert desk.engines.speaks.said == [("hello", "echo", 1.25)]


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
                {"tool_choice": {"type": "function", "name": "nobody"}},
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
                {"input": [{"type": "item_reference", "id": "nobody"}]},
                "invalid_value",
                "input[0].id",
            ),
            (
                {"input": [user("x"), message("user")]},
                "invalid_value",
                "input[1].content",
            ),
        ],
    )
    def test_wrong(self, params: dict[str, Any], code: str, param: str) -> None:
        desk = Desk()
        error = error_of(desk.send("response.create", event_id="mine", response=params))
        assert (error["code"], error["param"]) == (code, f"response.{param}")
        assert error["event_id"] == "mine"
        assert types(desk.ask("hello", **TEXT)) == TEXT_LADDER

    def test_instructions_replace_those_of_the_session(self) -> None:
        desk = Desk()
        desk.ask("hello", instructions="Only this.")
        desk.ask("hello")
        first, second = desk.engines.thinks.requests
        assert first.instructions == "Only this."
        assert "spoken conversation" in second.instructions

    def test_own_conversation_by_its_id(self) -> None:
        desk = Desk()
        desk.ask("hello", conversation=desk.engine.conversation.id)
        assert response_of(desk)["conversation_id"] == desk.engine.conversation.id

    def test_empty_and_null_mean_nothing_special(self) -> None:
        desk = Desk()
        desk.type("hello")
        desk.send("response.create", response=None)
        assert response_of(desk)["metadata"] is None
        desk.send("response.create", response={"metadata": {}, "tool_choice": None, "audio": None})
        assert response_of(desk)["status"] == "completed"


class TestOneAtATime:
    def test_second_is_refused(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.ask("hello")
        error = error_of(desk.send("response.create", event_id="e"))
        assert error["code"] == "conversation_already_has_active_response"
        assert desk.last("response.created")["response"]["id"] in error["message"]
        assert error["event_id"] == "e"
        desk.hold = ()
        desk.release()
        assert response_of(desk)["status"] == "completed"

    def test_active_from_the_moment_it_is_asked_for(self) -> None:
        desk = Desk()
        desk.hold = (Transcribe,)
        audio = base64.b64encode(speech("hello")).decode()
        item = message("user", {"type": "input_audio", "audio": audio})
        desk.send("conversation.item.create", item=item)
        desk.send("response.create")
        assert error_of(desk.send("response.create"))["code"].startswith("conversation_already")

    def test_bounded_number_beside(self) -> None:
        desk = Desk(limits=Limits(max_responses=2))
        desk.hold = (Reply,)
        desk.send("response.create", response=BESIDE)
        desk.send("response.create", response=BESIDE)
        assert error_of(desk.send("response.create"))["code"] == "rate_limit_exceeded"


class TestBeside:
    """Out-of-band responses."""

    def test_tells_no_items_and_writes_none(self) -> None:
        desk = Desk()
        desk.type("hello what")
        events = desk.send("response.create", response={**BESIDE, "metadata": {"purpose": "x"}})
        assert types(events) == [t for t in TEXT_LADDER if not t.startswith("conversation.item")]
        done = response_of(desk)
        assert done["conversation_id"] is None
        assert done["metadata"] == {"purpose": "x"}
        assert len(desk.items) == 1

    def test_runs_beside_the_default_one(self) -> None:
        desk = Desk()
        desk.hold = (Speak,)
        desk.ask("one two three")
        desk.send("response.create", response=BESIDE)
        assert response_of(desk)["conversation_id"] is None
        assert desk.engine.replies.default is not None
        desk.hold = ()
        desk.release()
        assert response_of(desk)["conversation_id"] is not None

    def test_without_input_it_sees_the_whole_conversation(self) -> None:
        desk = Desk()
        desk.type("one")
        desk.type("window")
        desk.send("response.create", response=BESIDE)
        assert desk.last("response.output_text.done")["text"] == "user: one | user: window"

    def test_input_replaces_it(self) -> None:
        desk = Desk()
        desk.type("one", id="a")
        desk.type("two", id="b")
        items = [{"type": "item_reference", "id": "b"}, user("window")]
        desk.send("response.create", response={**BESIDE, "input": items})
        assert desk.last("response.output_text.done")["text"] == "user: two | user: window"

    def test_empty_input_is_no_context(self) -> None:
        desk = Desk()
        desk.type("one")
        desk.send("response.create", response={**BESIDE, "input": []})
        assert desk.engines.thinks.requests[-1].turns == []

    def test_audio_in_input_is_heard_first(self) -> None:
        desk = Desk()
        desk.hold = (Transcribe,)
        audio = base64.b64encode(speech("hello what")).decode()
        item = message("user", {"type": "input_audio", "audio": audio})
        events = desk.send("response.create", response={**BESIDE, "input": [item]})
        assert types(events) == ["response.created"]
        desk.release()
        assert desk.last("response.output_text.done")["text"] == "hello what "

    def test_reference_to_spoken_item(self) -> None:
        desk = Desk()
        audio = base64.b64encode(speech("hello what")).decode()
        item = message("user", {"type": "input_audio", "audio": audio}, id="a")
        desk.send("conversation.item.create", item=item)
        reference = {"type": "item_reference", "id": "a"}
        desk.send("response.create", response={**BESIDE, "input": [reference]})
        assert desk.last("response.output_text.done")["text"] == "hello what "

    def test_calls_and_outputs_in_input(self) -> None:
        desk = Desk()
        items = [
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "12"},
        ]
        desk.send("response.create", response={**BESIDE, "input": items})
        turns = desk.engines.thinks.requests[-1].turns
        assert [(t.role, t.name, t.text) for t in turns] == [
            ("tool_call", "f", "{}"),
            ("tool_output", "f", "12"),
        ]

    def test_summary(self) -> None:
        desk = Desk()
        desk.type("one")
        desk.send(
            "response.create",
            response={**BESIDE, "metadata": {"purpose": "summary", "language": "fr"}},
        )
        request = desk.engines.thinks.requests[-1]
        assert request.metadata == ResponseMetadata(purpose="summary", language="fr")
        assert desk.last("response.output_text.done")["text"] == "1 turns in fr."

    def test_prompt_of_a_summary_request_is_not_part_of_its_source(self) -> None:
        desk = Desk()
        desk.type("one", id="a")
        metadata = ResponseMetadata(purpose="summary", prompt_is_last_item=True)
        source = {"type": "item_reference", "id": "a"}
        desk.send(
            "response.create",
            response={**BESIDE, "metadata": metadata.to_wire(), "input": [source, user("sum up")]},
        )
        request = desk.engines.thinks.requests[-1]
        assert [turn.text for turn in request.turns] == ["one"]
        assert request.prompt == "sum up"
