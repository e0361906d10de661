"""Conversation items: which are admitted, where they go, what becomes of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.protocol_harness import (
    SILENCE,
    ProtocolClient,
    error_of,
    event_types,
    message_item,
    user_item,
)
from tests.server.toy_engines_harness import speech
from tui_voice.audio import pcm
from tui_voice.realtime.wire.session import Pcmu
from tui_voice.server.audio_formats import decode
from tui_voice.server.jobs import SpeakJob
from tui_voice.server.limits import SessionLimits

HELLO = base64.b64encode(speech("hello")).decode()


def create(client: ProtocolClient, item: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return client.send("conversation.item.create", event_id="mine", item=item, **fields)


class TestAdmission:
    @pytest.mark.parametrize(
        "item",
        [
            user_item("hi"),
            message_item("user", {"type": "input_audio", "audio": HELLO}),
            message_item(
                "user",
                {"type": "input_text", "text": "a"},
                {"type": "input_audio", "audio": HELLO, "transcript": "hello"},
            ),
            message_item("system", {"type": "input_text", "text": "Summary."}),
            message_item("assistant", {"type": "output_text", "text": "Yes."}),
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"},
            {"type": "function_call", "name": "f", "arguments": "not json"},
        ],
    )
    def test_legal_items(self, item: dict[str, Any]) -> None:
        client = ProtocolClient()
        events = create(client, item)
        assert event_types(events) == ["conversation.item.added", "conversation.item.done"]
        for event in events:
            told = event["item"]
            assert told["status"] == "completed"
            assert told["object"] == "realtime.item"
            assert told["id"].startswith("item_")
            assert len(told["id"]) <= 32
            assert "audio" not in str(told.get("content", "")).replace("input_audio", "")
            assert event["previous_item_id"] is None

    @pytest.mark.parametrize(
        ("item", "code", "param"),
        [
            (message_item("user", {"type": "output_text", "text": "x"}), "invalid_value", "type"),
            (message_item("user", {"type": "text", "text": "x"}), "invalid_value", "type"),
            (
                message_item("system", {"type": "input_audio", "audio": HELLO}),
                "invalid_value",
                "type",
            ),
            (
                message_item("assistant", {"type": "input_text", "text": "x"}),
                "invalid_value",
                "type",
            ),
            (message_item("assistant", {"type": "text", "text": "x"}), "invalid_value", "type"),
            (
                message_item("assistant", {"type": "output_audio", "transcript": "x"}),
                "missing_required_parameter",
                "text",
            ),
            (
                message_item("assistant", {"type": "output_text", "text": None}),
                "missing_required_parameter",
                "text",
            ),
            (message_item("user", {"type": "input_audio"}), "missing_required_parameter", "audio"),
            (
                message_item("user", {"type": "input_audio", "audio": "AAAA"}),
                "invalid_value",
                "audio",
            ),
            (
                message_item(
                    "user", {"type": "input_image", "image_url": "data:image/png;base64,AA"}
                ),
                "unsupported_content_type",
                "type",
            ),
            (message_item("user", {"type": "input_text"}), "missing_required_parameter", "text"),
        ],
    )
    def test_illegal_parts(self, item: dict[str, Any], code: str, param: str) -> None:
        client = ProtocolClient()
        error = error_of(create(client, item))
        assert (error["code"], error["param"]) == (code, f"item.content[0].{param}")
        assert error["event_id"] == "mine"
        assert client.item_ids == []

    @pytest.mark.parametrize(
        ("item", "code", "param"),
        [
            (message_item("user"), "invalid_value", "item.content"),
            (user_item("x", id="i" * 33), "string_above_max_length", "item.id"),
            (user_item("x", id=""), "invalid_value", "item.id"),
            (user_item("x", id="root"), "invalid_value", "item.id"),
            (
                message_item("robot", {"type": "input_text", "text": "x"}),
                "invalid_value",
                "item.role",
            ),
            ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
            (
                {"type": "mcp_call", "id": "m", "name": "n", "arguments": "", "server_label": "s"},
                "invalid_value",
                "item.type",
            ),
            ({"type": "video"}, "invalid_value", "item.type"),
            (
                {"type": "function_call_output", "call_id": "call_9", "output": "1"},
                "invalid_value",
                "item.call_id",
            ),
            (
                {"type": "function_call", "name": "f"},
                "missing_required_parameter",
                "item.arguments",
            ),
        ],
    )
    def test_illegal_items(self, item: dict[str, Any], code: str, param: str) -> None:
        error = error_of(create(ProtocolClient(), item))
        assert (error["code"], error["param"]) == (code, param)

    def test_message_names_the_limit_of_an_id(self) -> None:
        error = error_of(create(ProtocolClient(), user_item("x", id="i" * 40)))
        assert error["message"].startswith("Invalid 'item.id': string too long. Expected")
        assert "maximum length 32" in error["message"]

    def test_longest_id_is_kept(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="i" * 32, status="incomplete"))
        assert client.item_ids == ["i" * 32]
        assert client.last_event("conversation.item.done")["item"]["status"] == "completed"

    def test_output_may_answer_a_call_that_is_there(self) -> None:
        client = ProtocolClient()
        create(client, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"})
        events = create(client, {"type": "function_call_output", "call_id": "c", "output": "1"})
        assert event_types(events) == ["conversation.item.added", "conversation.item.done"]

    def test_bounded_list(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_items=2))
        client.type_turn("a")
        client.type_turn("b")
        assert error_of(client.type_turn("c"))["code"] == "conversation_full"
        assert error_of(client.send("response.create"))["code"] == "conversation_full"
        client.send("conversation.item.delete", item_id=client.item_ids[0])
        assert event_types(client.type_turn("c"))[0] == "conversation.item.added"


class TestOrder:
    def test_end_root_and_middle(self) -> None:
        client = ProtocolClient()
        for name, previous in [("a", None), ("b", None), ("r", "root"), ("m", "a"), ("z", "b")]:
            create(client, user_item(name, id=name), previous_item_id=previous)
        assert client.item_ids == ["r", "a", "m", "b", "z"]
        added = [e for e in client.events if e["type"] == "conversation.item.added"]
        assert [e["previous_item_id"] for e in added] == [None, "a", None, "a", "b"]

    def test_unknown_previous_adds_nothing(self) -> None:
        client = ProtocolClient()
        error = error_of(create(client, user_item("x"), previous_item_id="nobody"))
        assert error["code"] == "item_create_invalid_previous_item_id"
        assert error["param"] == "previous_item_id"
        assert client.item_ids == []

    def test_duplicate(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="a"))
        error = error_of(create(client, user_item("y", id="a")))
        assert error["code"] == "item_create_duplicate_item_id"
        assert client.item_ids == ["a"]

    def test_id_of_a_turn_in_progress_is_taken(self) -> None:
        client = ProtocolClient()
        client.say(speech("hello hello"))
        item_id = client.last_event("input_audio_buffer.speech_started")["item_id"]
        assert error_of(create(client, user_item("x", id=item_id)))["param"] == "item.id"

    def test_update_is_delete_and_create(self) -> None:
        client = ProtocolClient()
        for name in "abc":
            create(client, user_item(name, id=name))
        assert event_types(client.send("conversation.item.delete", item_id="b")) == [
            "conversation.item.deleted"
        ]
        create(client, user_item("other", id="b"), previous_item_id="a")
        assert client.item_ids == ["a", "b", "c"]


@pytest.mark.parametrize("deed", ["delete", "retrieve"])
def test_unknown_item(deed: str) -> None:
    client = ProtocolClient()
    error = error_of(client.send(f"conversation.item.{deed}", item_id="X", event_id="e"))
    assert error["code"] == f"item_{deed}_invalid_item_id"
    assert error["message"].endswith("the item with id 'X' does not exist.")
    assert error["event_id"] == "e"


class TestRetrieve:
    def test_audio_comes_back_as_it_went_in(self) -> None:
        client = ProtocolClient()
        create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id="a"))
        client.send("conversation.item.retrieve", item_id="a")
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert part["audio"] == HELLO

    def test_model_audio(self) -> None:
        client = ProtocolClient()
        events = client.ask("hello what")
        sent = b"".join(
            base64.b64decode(e["delta"])
            for e in events
            if e["type"] == "response.output_audio.delta"
        )
        client.send("conversation.item.retrieve", item_id=client.item_ids[-1])
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert base64.b64decode(part["audio"]) == sent == speech("hello what")
        assert part["transcript"] == "hello what"

    def test_in_the_format_of_the_session(self) -> None:
        client = ProtocolClient()
        client.configure_input(format={"type": "audio/pcmu"}, turn_detection=None)
        silence = base64.b64encode(b"\xff" * 1600).decode()
        create(client, message_item("user", {"type": "input_audio", "audio": silence}, id="a"))
        client.send("conversation.item.retrieve", item_id="a")
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        back = base64.b64decode(part["audio"])
        assert len(back) == 1600
        # The resampler rounds by one sample value; the codec makes that its smallest step, 8.
        assert pcm.level_db(decode(back, Pcmu())) < -70, "silence"

    def test_text_and_calls(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="a"))
        create(client, {"type": "function_call", "id": "f", "name": "n", "arguments": "{}"})
        for name in "af":
            assert event_types(client.send("conversation.item.retrieve", item_id=name)) == [
                "conversation.item.retrieved"
            ]

    def test_oldest_recording_is_forgotten_first(self) -> None:
        room = len(speech("hello")) * 2
        client = ProtocolClient(limits=SessionLimits(max_audio_bytes=room))
        for name in "abc":
            create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id=name))
        held = []
        for name in "abc":
            client.send("conversation.item.retrieve", item_id=name)
            held.append(
                "audio" in client.last_event("conversation.item.retrieved")["item"]["content"][0]
            )
        assert held == [False, True, True]


class TestTruncate:
    def truncate(
        self, client: ProtocolClient, item_id: str, ms: int, index: int = 0
    ) -> list[dict[str, Any]]:
        return client.send(
            "conversation.item.truncate", item_id=item_id, content_index=index, audio_end_ms=ms
        )

    def test_cuts_audio_and_removes_the_transcript(self) -> None:
        client = ProtocolClient()
        client.ask("one two three four")
        item_id = client.item_ids[-1]
        assert event_types(self.truncate(client, item_id, 300)) == ["conversation.item.truncated"]
        client.send("conversation.item.retrieve", item_id=item_id)
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert len(base64.b64decode(part["audio"])) == 300 * 48
        assert "transcript" not in part

    def test_model_remembers_what_was_heard(self) -> None:
        client = ProtocolClient()
        client.ask("one two three, four five six seven.")
        self.truncate(client, client.item_ids[-1], 160 * 5)
        client.ask("window", output_modalities=["text"])
        assert (
            "assistant: one two three, four five | user"
            in (client.last_event("response.output_text.done")["text"])
        )

    def test_twice_and_to_nothing(self) -> None:
        client = ProtocolClient()
        client.ask("one two three")
        item_id = client.item_ids[-1]
        self.truncate(client, item_id, 200)
        assert event_types(self.truncate(client, item_id, 200)) == ["conversation.item.truncated"]
        assert event_types(self.truncate(client, item_id, 0)) == ["conversation.item.truncated"]
        assert error_of(self.truncate(client, item_id, 1))["message"] == (
            "Audio content of 0ms is already shorter than 1ms."
        )

    def test_beyond_the_end(self) -> None:
        client = ProtocolClient()
        client.ask("one")
        error = error_of(self.truncate(client, client.item_ids[-1], 57_340))
        assert error["message"] == "Audio content of 160ms is already shorter than 57340ms."

    @pytest.mark.parametrize(("ms", "index", "param"), [(-1, 0, "audio_end_ms"), (1, 3, "content")])
    def test_nonsense(self, ms: int, index: int, param: str) -> None:
        client = ProtocolClient()
        client.ask("one")
        error = error_of(self.truncate(client, client.item_ids[-1], ms, index))
        assert error["code"] == "invalid_value"
        assert error["param"].startswith(param)

    def test_unknown_item(self) -> None:
        assert (
            error_of(self.truncate(ProtocolClient(), "X", 1))["code"]
            == "item_truncate_invalid_item_id"
        )

    def test_only_the_voice_of_the_model(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="text"))
        create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id="voice"))
        client.ask("one", output_modalities=["text"])
        for name in ("text", "voice", client.item_ids[-1]):
            error = error_of(self.truncate(client, name, 1))
            assert error["code"] == "unsupported_content_type"
            assert error["message"] == "Only model output audio messages can be truncated."

    def test_while_it_is_still_being_said(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.ask("one two three, four five six, seven eight nine.")
        client.release(1)
        item_id = client.item_ids[-1]
        assert event_types(self.truncate(client, item_id, 100)) == ["conversation.item.truncated"]
        client.hold = ()
        client.release()
        assert client.last_event("response.done")["response"]["status"] == "completed"
        client.send("conversation.item.retrieve", item_id=item_id)
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert len(base64.b64decode(part["audio"])) == 100 * 48


def test_recording_that_is_forgotten_can_still_be_cut() -> None:
    client = ProtocolClient(limits=SessionLimits(max_audio_bytes=100))
    client.hold = (SpeakJob,)
    client.ask("one two three, four five six.")
    client.release(1)
    audio = base64.b64encode(speech("hello")).decode()
    create(client, message_item("user", {"type": "input_audio", "audio": audio}))
    client.hold = ()
    client.release()
    reply = client.item_ids[1]
    cut = {"item_id": reply, "content_index": 0, "audio_end_ms": 100}
    assert event_types(client.send("conversation.item.truncate", **cut)) == [
        "conversation.item.truncated"
    ]
    client.send("conversation.item.retrieve", item_id=reply)
    assert "audio" not in client.last_event("conversation.item.retrieved")["item"]["content"][0]


def test_item_deleted_while_it_is_being_said() -> None:
    client = ProtocolClient()
    client.hold = (SpeakJob,)
    client.ask("one two three, four five six.")
    client.release(1)
    client.send("conversation.item.delete", item_id=client.item_ids[-1])
    client.hold = ()
    events = client.release()
    assert "conversation.item.done" not in event_types(events)
    assert event_types(events)[-3:] == [
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert len(client.item_ids) == 1


def test_audio_item_is_heard_by_the_model() -> None:
    client = ProtocolClient()
    two = base64.b64encode(speech("who am I")).decode()
    create(
        client,
        message_item(
            "user",
            {"type": "input_audio", "audio": HELLO},
            {"type": "input_audio", "audio": two, "transcript": "not shown to the model"},
        ),
    )
    client.send("response.create", response={"output_modalities": ["text"]})
    assert client.last_event("response.output_text.done")["text"].split() == [
        "hello",
        "who",
        "am",
        "I",
    ]
    assert "transcription" not in str(event_types(client.events))


def test_silent_audio_item() -> None:
    client = ProtocolClient()
    quiet = base64.b64encode(SILENCE * 500).decode()
    create(client, message_item("user", {"type": "input_audio", "audio": quiet}))
    client.send("response.create")
    assert client.last_event("response.done")["response"]["output"] == []
