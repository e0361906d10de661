"""Conversation items: which are accepted, in which order, and what a client can do with them."""

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
from tui_voice.server.admission import MAX_TEXT_CHARS
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
    def test_valid_items_are_added_and_done(self, item: dict[str, Any]) -> None:
        client = ProtocolClient()
        events = create(client, item)
        assert event_types(events) == ["conversation.item.added", "conversation.item.done"]
        for event in events:
            item_on_wire = event["item"]
            assert item_on_wire["status"] == "completed"
            assert item_on_wire["object"] == "realtime.item"
            assert item_on_wire["id"].startswith("item_")
            assert len(item_on_wire["id"]) <= 32
            assert "audio" not in str(item_on_wire.get("content", "")).replace("input_audio", "")
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
    def test_invalid_parts_are_refused(self, item: dict[str, Any], code: str, param: str) -> None:
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
    def test_invalid_items_are_refused(self, item: dict[str, Any], code: str, param: str) -> None:
        error = error_of(create(ProtocolClient(), item))
        assert (error["code"], error["param"]) == (code, param)

    def test_error_states_the_maximum_length_of_an_id(self) -> None:
        error = error_of(create(ProtocolClient(), user_item("x", id="i" * 40)))
        assert error["message"].startswith("Invalid 'item.id': string too long. Expected")
        assert "maximum length 32" in error["message"]

    def test_id_of_32_characters_is_accepted(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="i" * 32, status="incomplete"))
        assert client.item_ids == ["i" * 32]
        assert client.last_event("conversation.item.done")["item"]["status"] == "completed"

    def test_function_output_needs_its_call(self) -> None:
        client = ProtocolClient()
        create(client, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"})
        events = create(client, {"type": "function_call_output", "call_id": "c", "output": "1"})
        assert event_types(events) == ["conversation.item.added", "conversation.item.done"]

    def test_full_conversation_refuses_items_and_responses(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_items=2))
        client.type_turn("a")
        client.type_turn("b")
        assert error_of(client.type_turn("c"))["code"] == "conversation_full"
        assert error_of(client.send("response.create"))["code"] == "conversation_full"
        client.send("conversation.item.delete", item_id=client.item_ids[0])
        assert event_types(client.type_turn("c"))[0] == "conversation.item.added"


class TestOrder:
    def test_previous_item_id_sets_the_place(self) -> None:
        client = ProtocolClient()
        for name, previous in [("a", None), ("b", None), ("r", "root"), ("m", "a"), ("z", "b")]:
            create(client, user_item(name, id=name), previous_item_id=previous)
        assert client.item_ids == ["r", "a", "m", "b", "z"]
        added = [e for e in client.events if e["type"] == "conversation.item.added"]
        assert [e["previous_item_id"] for e in added] == [None, "a", None, "a", "b"]

    def test_unknown_previous_item_id_adds_nothing(self) -> None:
        client = ProtocolClient()
        error = error_of(create(client, user_item("x"), previous_item_id="unknown"))
        assert error["code"] == "item_create_invalid_previous_item_id"
        assert error["param"] == "previous_item_id"
        assert client.item_ids == []

    def test_duplicate_id_is_refused(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="a"))
        error = error_of(create(client, user_item("y", id="a")))
        assert error["code"] == "item_create_duplicate_item_id"
        assert client.item_ids == ["a"]

    def test_id_of_a_turn_in_progress_is_refused(self) -> None:
        client = ProtocolClient()
        client.say(speech("hello hello"))
        item_id = client.last_event("input_audio_buffer.speech_started")["item_id"]
        assert error_of(create(client, user_item("x", id=item_id)))["param"] == "item.id"

    def test_item_is_updated_by_delete_and_create(self) -> None:
        client = ProtocolClient()
        for name in "abc":
            create(client, user_item(name, id=name))
        assert event_types(client.send("conversation.item.delete", item_id="b")) == [
            "conversation.item.deleted"
        ]
        create(client, user_item("other", id="b"), previous_item_id="a")
        assert client.item_ids == ["a", "b", "c"]


@pytest.mark.parametrize("operation", ["delete", "retrieve"])
def test_unknown_item_is_refused(operation: str) -> None:
    client = ProtocolClient()
    error = error_of(client.send(f"conversation.item.{operation}", item_id="X", event_id="e"))
    assert error["code"] == f"item_{operation}_invalid_item_id"
    assert error["message"].endswith("the item with id 'X' does not exist.")
    assert error["event_id"] == "e"


class TestRetrieve:
    def test_user_audio_is_returned_unchanged(self) -> None:
        client = ProtocolClient()
        create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id="a"))
        client.send("conversation.item.retrieve", item_id="a")
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert part["audio"] == HELLO

    def test_assistant_audio_and_transcript_are_returned(self) -> None:
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

    def test_audio_is_returned_in_the_format_of_the_session(self) -> None:
        client = ProtocolClient()
        client.configure_input(format={"type": "audio/pcmu"}, turn_detection=None)
        silence = base64.b64encode(b"\xff" * 1600).decode()
        create(client, message_item("user", {"type": "input_audio", "audio": silence}, id="a"))
        client.send("conversation.item.retrieve", item_id="a")
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        returned = base64.b64decode(part["audio"])
        assert len(returned) == 1600
        # The resampler changes a sample by 1 at most; the codec makes that its smallest step, 8.
        assert pcm.level_db(decode(returned, Pcmu())) < -70, "silence"

    def test_text_items_and_calls_can_be_retrieved(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="a"))
        create(client, {"type": "function_call", "id": "f", "name": "n", "arguments": "{}"})
        for name in "af":
            assert event_types(client.send("conversation.item.retrieve", item_id=name)) == [
                "conversation.item.retrieved"
            ]

    def test_oldest_audio_is_deleted_first(self) -> None:
        room_bytes = len(speech("hello")) * 2
        client = ProtocolClient(limits=SessionLimits(max_audio_bytes=room_bytes))
        for name in "abc":
            create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id=name))
        has_audio = []
        for name in "abc":
            client.send("conversation.item.retrieve", item_id=name)
            has_audio.append(
                "audio" in client.last_event("conversation.item.retrieved")["item"]["content"][0]
            )
        assert has_audio == [False, True, True]


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

    def test_model_still_reads_the_words_before_the_cut(self) -> None:
        client = ProtocolClient()
        client.ask("one two three, four five six seven.")
        self.truncate(client, client.item_ids[-1], 160 * 5)
        client.ask("window", output_modalities=["text"])
        assert (
            "assistant: one two three, four five | user"
            in (client.last_event("response.output_text.done")["text"])
        )

    def test_item_can_be_truncated_again_and_to_zero(self) -> None:
        client = ProtocolClient()
        client.ask("one two three")
        item_id = client.item_ids[-1]
        self.truncate(client, item_id, 200)
        assert event_types(self.truncate(client, item_id, 200)) == ["conversation.item.truncated"]
        assert event_types(self.truncate(client, item_id, 0)) == ["conversation.item.truncated"]
        assert error_of(self.truncate(client, item_id, 1))["message"] == (
            "Audio content of 0ms is already shorter than 1ms."
        )

    def test_truncation_beyond_the_end_is_refused(self) -> None:
        client = ProtocolClient()
        client.ask("one")
        error = error_of(self.truncate(client, client.item_ids[-1], 57_340))
        assert error["message"] == "Audio content of 160ms is already shorter than 57340ms."

    @pytest.mark.parametrize(("ms", "index", "param"), [(-1, 0, "audio_end_ms"), (1, 3, "content")])
    def test_invalid_position_is_refused(self, ms: int, index: int, param: str) -> None:
        client = ProtocolClient()
        client.ask("one")
        error = error_of(self.truncate(client, client.item_ids[-1], ms, index))
        assert error["code"] == "invalid_value"
        assert error["param"].startswith(param)

    def test_unknown_item_is_refused(self) -> None:
        assert (
            error_of(self.truncate(ProtocolClient(), "X", 1))["code"]
            == "item_truncate_invalid_item_id"
        )

    def test_only_assistant_audio_can_be_truncated(self) -> None:
        client = ProtocolClient()
        create(client, user_item("x", id="text"))
        create(client, message_item("user", {"type": "input_audio", "audio": HELLO}, id="voice"))
        client.ask("one", output_modalities=["text"])
        for name in ("text", "voice", client.item_ids[-1]):
            error = error_of(self.truncate(client, name, 1))
            assert error["code"] == "unsupported_content_type"
            assert error["message"] == "Only model output audio messages can be truncated."

    def test_item_can_be_truncated_while_its_response_goes_on(self) -> None:
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


def test_item_whose_audio_was_deleted_can_be_truncated() -> None:
    client = ProtocolClient(limits=SessionLimits(max_audio_bytes=100))
    client.hold = (SpeakJob,)
    client.ask("one two three, four five six.")
    client.release(1)
    audio = base64.b64encode(speech("hello")).decode()
    create(client, message_item("user", {"type": "input_audio", "audio": audio}))
    client.hold = ()
    client.release()
    reply_id = client.item_ids[1]
    position = {"item_id": reply_id, "content_index": 0, "audio_end_ms": 100}
    assert event_types(client.send("conversation.item.truncate", **position)) == [
        "conversation.item.truncated"
    ]
    client.send("conversation.item.retrieve", item_id=reply_id)
    assert "audio" not in client.last_event("conversation.item.retrieved")["item"]["content"][0]


def test_item_can_be_deleted_while_its_response_goes_on() -> None:
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


def test_model_reads_what_is_said_in_an_audio_item() -> None:
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


def test_silent_audio_item_gives_an_empty_response() -> None:
    client = ProtocolClient()
    quiet = base64.b64encode(SILENCE * 500).decode()
    create(client, message_item("user", {"type": "input_audio", "audio": quiet}))
    client.send("response.create")
    assert client.last_event("response.done")["response"]["output"] == []


@pytest.mark.parametrize(
    "item",
    [
        user_item("x" * (MAX_TEXT_CHARS + 1)),
        message_item("assistant", {"type": "output_text", "text": "x" * (MAX_TEXT_CHARS + 1)}),
        {"type": "function_call", "name": "f", "arguments": "1" * (MAX_TEXT_CHARS + 1)},
    ],
)
def test_text_that_is_too_long_is_refused(item: dict[str, Any]) -> None:
    error = error_of(ProtocolClient().send("conversation.item.create", item=item))
    assert error["code"] == "string_above_max_length"


def test_instructions_that_are_too_long_are_refused() -> None:
    client = ProtocolClient()
    long = "x" * (MAX_TEXT_CHARS + 1)
    assert error_of(client.update_session(instructions=long))["param"] == "session.instructions"
    asked = client.send("response.create", response={"instructions": long})
    assert error_of(asked)["param"] == "response.instructions"
