"""Conversation items: which are admitted, where they go, what becomes of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.desk import SILENCE, Desk, error_of, message, types, user
from tests.server.engines import speech
from tui_voice.audio import pcm
from tui_voice.realtime.wire.session import Pcmu
from tui_voice.server.audio_formats import decode
from tui_voice.server.jobs import Speak
from tui_voice.server.limits import Limits

HELLO = base64.b64encode(speech("hello")).decode()


def create(desk: Desk, item: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return desk.send("conversation.item.create", event_id="mine", item=item, **fields)


class TestAdmission:
    @pytest.mark.parametrize(
        "item",
        [
            user("hi"),
            message("user", {"type": "input_audio", "audio": HELLO}),
            message(
                "user",
                {"type": "input_text", "text": "a"},
                {"type": "input_audio", "audio": HELLO, "transcript": "hello"},
            ),
            message("system", {"type": "input_text", "text": "Summary."}),
            message("assistant", {"type": "output_text", "text": "Yes."}),
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"},
            {"type": "function_call", "name": "f", "arguments": "not json"},
        ],
    )
    def test_legal_items(self, item: dict[str, Any]) -> None:
        desk = Desk()
        events = create(desk, item)
        assert types(events) == ["conversation.item.added", "conversation.item.done"]
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
            (message("user", {"type": "output_text", "text": "x"}), "invalid_value", "type"),
            (message("user", {"type": "text", "text": "x"}), "invalid_value", "type"),
            (message("system", {"type": "input_audio", "audio": HELLO}), "invalid_value", "type"),
            (message("assistant", {"type": "input_text", "text": "x"}), "invalid_value", "type"),
            (message("assistant", {"type": "text", "text": "x"}), "invalid_value", "type"),
            (
                message("assistant", {"type": "output_audio", "transcript": "x"}),
                "missing_required_parameter",
                "text",
            ),
            (
                message("assistant", {"type": "output_text", "text": None}),
                "missing_required_parameter",
                "text",
            ),
            (message("user", {"type": "input_audio"}), "missing_required_parameter", "audio"),
            (message("user", {"type": "input_audio", "audio": "AAAA"}), "invalid_value", "audio"),
            (
                message("user", {"type": "input_image", "image_url": "data:image/png;base64,AA"}),
                "unsupported_content_type",
                "type",
            ),
            (message("user", {"type": "input_text"}), "missing_required_parameter", "text"),
        ],
    )
    def test_illegal_parts(self, item: dict[str, Any], code: str, param: str) -> None:
        desk = Desk()
        error = error_of(create(desk, item))
        assert (error["code"], error["param"]) == (code, f"item.content[0].{param}")
        assert error["event_id"] == "mine"
        assert desk.items == []

    @pytest.mark.parametrize(
        ("item", "code", "param"),
        [
            (message("user"), "invalid_value", "item.content"),
            (user("x", id="i" * 33), "string_above_max_length", "item.id"),
            (user("x", id=""), "invalid_value", "item.id"),
            (user("x", id="root"), "invalid_value", "item.id"),
            (message("robot", {"type": "input_text", "text": "x"}), "invalid_value", "item.role"),
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
        error = error_of(create(Desk(), item))
        assert (error["code"], error["param"]) == (code, param)

    def test_message_names_the_limit_of_an_id(self) -> None:
        error = error_of(create(Desk(), user("x", id="i" * 40)))
        assert error["message"].startswith("Invalid 'item.id': string too long. Expected")
        assert "maximum length 32" in error["message"]

    def test_longest_id_is_kept(self) -> None:
        desk = Desk()
        create(desk, user("x", id="i" * 32, status="incomplete"))
        assert desk.items == ["i" * 32]
        assert desk.last("conversation.item.done")["item"]["status"] == "completed"

    def test_output_may_answer_a_call_that_is_there(self) -> None:
        desk = Desk()
        create(desk, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"})
        events = create(desk, {"type": "function_call_output", "call_id": "c", "output": "1"})
        assert types(events) == ["conversation.item.added", "conversation.item.done"]

    def test_bounded_list(self) -> None:
        desk = Desk(limits=Limits(max_items=2))
        desk.type("a")
        desk.type("b")
        assert error_of(desk.type("c"))["code"] == "conversation_full"
        assert error_of(desk.send("response.create"))["code"] == "conversation_full"
        desk.send("conversation.item.delete", item_id=desk.items[0])
        assert types(desk.type("c"))[0] == "conversation.item.added"


class TestOrder:
    def test_end_root_and_middle(self) -> None:
        desk = Desk()
        for name, previous in [("a", None), ("b", None), ("r", "root"), ("m", "a"), ("z", "b")]:
            create(desk, user(name, id=name), previous_item_id=previous)
        assert desk.items == ["r", "a", "m", "b", "z"]
        added = [e for e in desk.events if e["type"] == "conversation.item.added"]
        assert [e["previous_item_id"] for e in added] == [None, "a", None, "a", "b"]

    def test_unknown_previous_adds_nothing(self) -> None:
        desk = Desk()
        error = error_of(create(desk, user("x"), previous_item_id="nobody"))
        assert error["code"] == "item_create_invalid_previous_item_id"
        assert error["param"] == "previous_item_id"
        assert desk.items == []

    def test_duplicate(self) -> None:
        desk = Desk()
        create(desk, user("x", id="a"))
        error = error_of(create(desk, user("y", id="a")))
        assert error["code"] == "item_create_duplicate_item_id"
        assert desk.items == ["a"]

    def test_id_of_a_turn_in_progress_is_taken(self) -> None:
        desk = Desk()
        desk.say(speech("hello hello"))
        item_id = desk.last("input_audio_buffer.speech_started")["item_id"]
        assert error_of(create(desk, user("x", id=item_id)))["param"] == "item.id"

    def test_update_is_delete_and_create(self) -> None:
        desk = Desk()
        for name in "abc":
            create(desk, user(name, id=name))
        assert types(desk.send("conversation.item.delete", item_id="b")) == [
            "conversation.item.deleted"
        ]
        create(desk, user("other", id="b"), previous_item_id="a")
        assert desk.items == ["a", "b", "c"]


@pytest.mark.parametrize("deed", ["delete", "retrieve"])
def test_unknown_item(deed: str) -> None:
    desk = Desk()
    error = error_of(desk.send(f"conversation.item.{deed}", item_id="X", event_id="e"))
    assert error["code"] == f"item_{deed}_invalid_item_id"
    assert error["message"].endswith("the item with id 'X' does not exist.")
    assert error["event_id"] == "e"


class TestRetrieve:
    def test_audio_comes_back_as_it_went_in(self) -> None:
        desk = Desk()
        create(desk, message("user", {"type": "input_audio", "audio": HELLO}, id="a"))
        desk.send("conversation.item.retrieve", item_id="a")
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        assert part["audio"] == HELLO

    def test_model_audio(self) -> None:
        desk = Desk()
        events = desk.ask("hello what")
        sent = b"".join(
            base64.b64decode(e["delta"])
            for e in events
            if e["type"] == "response.output_audio.delta"
        )
        desk.send("conversation.item.retrieve", item_id=desk.items[-1])
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        assert base64.b64decode(part["audio"]) == sent == speech("hello what")
        assert part["transcript"] == "hello what"

    def test_in_the_format_of_the_session(self) -> None:
        desk = Desk()
        desk.configure(format={"type": "audio/pcmu"}, turn_detection=None)
        silence = base64.b64encode(b"\xff" * 1600).decode()
        create(desk, message("user", {"type": "input_audio", "audio": silence}, id="a"))
        desk.send("conversation.item.retrieve", item_id="a")
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        back = base64.b64decode(part["audio"])
        assert len(back) == 1600
        # The resampler rounds by one sample value; the codec makes that its smallest step, 8.
        assert pcm.level_db(decode(back, Pcmu())) < -70, "silence"

    def test_text_and_calls(self) -> None:
        desk = Desk()
        create(desk, user("x", id="a"))
        create(desk, {"type": "function_call", "id": "f", "name": "n", "arguments": "{}"})
        for name in "af":
            assert types(desk.send("conversation.item.retrieve", item_id=name)) == [
                "conversation.item.retrieved"
            ]

    def test_oldest_recording_is_forgotten_first(self) -> None:
        room = len(speech("hello")) * 2
        desk = Desk(limits=Limits(max_sound_bytes=room))
        for name in "abc":
            create(desk, message("user", {"type": "input_audio", "audio": HELLO}, id=name))
        held = []
        for name in "abc":
            desk.send("conversation.item.retrieve", item_id=name)
            held.append("audio" in desk.last("conversation.item.retrieved")["item"]["content"][0])
        assert held == [False, True, True]


class TestTruncate:
    def truncate(self, desk: Desk, item_id: str, ms: int, index: int = 0) -> list[dict[str, Any]]:
        return desk.send(
            "conversation.item.truncate", item_id=item_id, content_index=index, audio_end_ms=ms
        )

    def test_cuts_audio_and_removes_the_transcript(self) -> None:
        desk = Desk()
        desk.ask("one two three four")
        item_id = desk.items[-1]
        assert types(self.truncate(desk, item_id, 300)) == ["conversation.item.truncated"]
        desk.send("conversation.item.retrieve", item_id=item_id)
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        assert len(base64.b64decode(part["audio"])) == 300 * 48
        assert "transcript" not in part

    def test_model_remembers_what_was_heard(self) -> None:
        desk = Desk()
        desk.ask("one two three, four five six seven.")
        self.truncate(desk, desk.items[-1], 160 * 5)
        desk.ask("window", output_modalities=["text"])
        assert (
            "assistant: one two three, four five | user"
            in (desk.last("response.output_text.done")["text"])
        )

    def test_twice_and_to_nothing(self) -> None:
        desk = Desk()
        desk.ask("one two three")
        item_id = desk.items[-1]
        self.truncate(desk, item_id, 200)
        assert types(self.truncate(desk, item_id, 200)) == ["conversation.item.truncated"]
        assert types(self.truncate(desk, item_id, 0)) == ["conversation.item.truncated"]
        assert error_of(self.truncate(desk, item_id, 1))["message"] == (
            "Audio content of 0ms is already shorter than 1ms."
        )

    def test_beyond_the_end(self) -> None:
        desk = Desk()
        desk.ask("one")
        error = error_of(self.truncate(desk, desk.items[-1], 57_340))
        assert error["message"] == "Audio content of 160ms is already shorter than 57340ms."

    @pytest.mark.parametrize(("ms", "index", "param"), [(-1, 0, "audio_end_ms"), (1, 3, "content")])
    def test_nonsense(self, ms: int, index: int, param: str) -> None:
        desk = Desk()
        desk.ask("one")
        error = error_of(self.truncate(desk, desk.items[-1], ms, index))
        assert error["code"] == "invalid_value"
        assert error["param"].startswith(param)

    def test_unknown_item(self) -> None:
        assert error_of(self.truncate(Desk(), "X", 1))["code"] == "item_truncate_invalid_item_id"

    def test_only_the_voice_of_the_model(self) -> None:
        desk = Desk()
        create(desk, user("x", id="text"))
        create(desk, message("user", {"type": "input_audio", "audio": HELLO}, id="voice"))
        desk.ask("one", output_modalities=["text"])
        for name in ("text", "voice", desk.items[-1]):
            error = error_of(self.truncate(desk, name, 1))
            assert error["code"] == "unsupported_content_type"
            assert error["message"] == "Only model output audio messages can be truncated."

    def test_while_it_is_still_being_said(self) -> None:
        desk = Desk()
        desk.hold = (Speak,)
        desk.ask("one two three, four five six, seven eight nine.")
        desk.release(1)
        item_id = desk.items[-1]
        assert types(self.truncate(desk, item_id, 100)) == ["conversation.item.truncated"]
        desk.hold = ()
        desk.release()
        assert desk.last("response.done")["response"]["status"] == "completed"
        desk.send("conversation.item.retrieve", item_id=item_id)
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        assert len(base64.b64decode(part["audio"])) == 100 * 48


def test_recording_that_is_forgotten_can_still_be_cut() -> None:
    desk = Desk(limits=Limits(max_sound_bytes=100))
    desk.hold = (Speak,)
    desk.ask("one two three, four five six.")
    desk.release(1)
    audio = base64.b64encode(speech("hello")).decode()
    create(desk, message("user", {"type": "input_audio", "audio": audio}))
    desk.hold = ()
    desk.release()
    reply = desk.items[1]
    cut = {"item_id": reply, "content_index": 0, "audio_end_ms": 100}
    assert types(desk.send("conversation.item.truncate", **cut)) == ["conversation.item.truncated"]
    desk.send("conversation.item.retrieve", item_id=reply)
    assert "audio" not in desk.last("conversation.item.retrieved")["item"]["content"][0]


def test_item_deleted_while_it_is_being_said() -> None:
    desk = Desk()
    desk.hold = (Speak,)
    desk.ask("one two three, four five six.")
    desk.release(1)
    desk.send("conversation.item.delete", item_id=desk.items[-1])
    desk.hold = ()
    events = desk.release()
    assert "conversation.item.done" not in types(events)
    assert types(events)[-3:] == [
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert len(desk.items) == 1


def test_audio_item_is_heard_by_the_model() -> None:
    desk = Desk()
    two = base64.b64encode(speech("who am I")).decode()
    create(
        desk,
        message(
            "user",
            {"type": "input_audio", "audio": HELLO},
            {"type": "input_audio", "audio": two, "transcript": "not shown to the model"},
        ),
    )
    desk.send("response.create", response={"output_modalities": ["text"]})
    assert desk.last("response.output_text.done")["text"].split() == ["hello", "who", "am", "I"]
    assert "transcription" not in str(types(desk.events))


def test_silent_audio_item() -> None:
    desk = Desk()
    quiet = base64.b64encode(SILENCE * 500).decode()
    create(desk, message("user", {"type": "input_audio", "audio": quiet}))
    desk.send("response.create")
    assert desk.last("response.done")["response"]["output"] == []
