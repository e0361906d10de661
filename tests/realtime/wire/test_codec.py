"""Frames of clients are decoded strictly, frames of servers tolerantly."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from tui_voice.realtime import wire
from tui_voice.realtime.wire import UNSET, Unknown, WireError, decode_client, decode_server, encode
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import items as i
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire import session as cfg
from tui_voice.realtime.wire import usage as u


def error_of(frame: Any) -> WireError:
    raw = frame if isinstance(frame, (str, bytes)) else json.dumps(frame)
    with pytest.raises(WireError) as caught:
        decode_client(raw)
    return caught.value


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "e1", "session": {"type": "realtime", **session}}


def user(*content: Any) -> dict[str, Any]:
    item = {"type": "message", "role": "user", "content": list(content)}
    return {"type": "conversation.item.create", "item": item}


class TestClientFrames:
    @pytest.mark.parametrize(
        ("frame", "code", "param"),
        [
            (update(modalities=["text"]), "unknown_parameter", "session.modalities"),
            (update(voice="alloy"), "unknown_parameter", "session.voice"),
            (update(id="sess_1"), "unknown_parameter", "session.id"),
            (
                update(audio={"input": {"turn_detection": {"type": "server_vad", "x": 1}}}),
                "unknown_parameter",
                "session.audio.input.turn_detection.x",
            ),
            (
                update(audio={"output": {"format": {"type": "audio/pcmu", "rate": 8000}}}),
                "unknown_parameter",
                "session.audio.output.format.rate",
            ),
            (
                update(audio={"output": {"format": {"type": "audio/pcm", "rate": 16000}}}),
                "invalid_value",
                "session.audio.output.format.rate",
            ),
            (update(audio={"output": {"speed": 3}}), "invalid_value", "session.audio.output.speed"),
            (update(max_output_tokens="many"), "invalid_value", "session.max_output_tokens"),
            (update(max_output_tokens=0), "invalid_value", "session.max_output_tokens"),
            (update(instructions=7), "invalid_type", "session.instructions"),
            (update(parallel_tool_calls=1), "invalid_type", "session.parallel_tool_calls"),
            (update(max_output_tokens=True), "invalid_type", "session.max_output_tokens"),
            (update(tools=[{"name": "f"}]), "missing_required_parameter", "session.tools[0].type"),
            (update(tools=[{"type": "magic"}]), "invalid_value", "session.tools[0].type"),
            (
                {"type": "session.update", "session": {}},
                "missing_required_parameter",
                "session.type",
            ),
            ({"type": "session.update"}, "missing_required_parameter", "session"),
            (user({"type": "input_text"}), "missing_required_parameter", "item.content[0].text"),
            (user({"type": "hologram"}), "invalid_value", "item.content[0].type"),
            (user({"type": "input_audio", "audio": "%"}), "invalid_value", "item.content[0].audio"),
            ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
            ({"type": "input_audio_buffer.append", "audio": "AAA"}, "invalid_value", "audio"),
            ({"type": "input_audio_buffer.append", "audio": None}, "invalid_type", "audio"),
            (
                {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
                "missing_required_parameter",
                "audio_end_ms",
            ),
            ({"type": "beta.event"}, "invalid_value", "type"),
            ({"kind": "nothing"}, "missing_required_parameter", "type"),
            ({"type": 5}, "invalid_value", "type"),
            ({"type": "response.cancel", "event_id": 5}, "invalid_type", "event_id"),
            (
                {"type": "response.cancel", "event_id": "e" * 513},
                "string_above_max_length",
                "event_id",
            ),
            (
                {"type": "response.create", "response": {"metadata": {"a": 1}}},
                "invalid_type",
                "response.metadata.a",
            ),
            ("[]", "invalid_event", None),
            ("{", "invalid_json", None),
            (b'"\xff"', "invalid_json", None),
            ("[" * 100_000 + "]" * 100_000, "invalid_json", None),
        ],
    )
    def test_an_invalid_frame_is_refused_with_code_and_path(
        self, frame: Any, code: str, param: str | None
    ) -> None:
        error = error_of(frame)
        assert (error.code, error.param) == (code, param)
        assert error.message

    def test_the_error_has_the_event_id(self) -> None:
        assert error_of(update(modalities=[])).event_id == "e1"
        assert error_of({"type": "nothing", "event_id": "x" * 600}).event_id == "x" * 512
        assert error_of({"type": "nothing"}).event_id is None

    def test_the_error_lists_the_allowed_values(self) -> None:
        assert error_of(update(output_modalities=["video"])).message == (
            "Invalid value: 'video'. Supported values are: 'text' and 'audio'."
        )
        assert "'session.update', " in error_of({"type": "no"}).message
        assert "expected an integer or a string, but got a number" in (
            error_of(update(max_output_tokens=1.5)).message
        )

    def test_tool_parameters_are_free_up_to_a_depth(self) -> None:
        deep: Any = {"type": "object", "properties": {"a": {"enum": [1, None, "x", 2.5]}}}
        event = decode_client(json.dumps(update(tools=[{"type": "function", "parameters": deep}])))
        assert isinstance(event, c.SessionUpdateEvent)
        assert isinstance(event.session, cfg.Realtime)
        assert event.session.tools == [cfg.FunctionTool(parameters=deep)]
        for _ in range(70):
            deep = [deep]
        error = error_of(update(tools=[{"type": "function", "parameters": deep}]))
        assert error.param == "session.tools[0].parameters"

    def test_null_and_absent_are_different(self) -> None:
        event = decode_client(json.dumps(update(audio={"input": {"turn_detection": None}})))
        assert isinstance(event, c.SessionUpdateEvent)
        assert isinstance(event.session, cfg.Realtime)
        assert event.session.audio == cfg.Audio(input=cfg.AudioInput(turn_detection=None))
        assert event.session.instructions is UNSET


class TestServerFrames:
    def test_an_event_of_an_unknown_type(self) -> None:
        assert decode_server('{"type":"a.b","x":1}') == Unknown(
            type="a.b", raw=b'{"type":"a.b","x":1}'
        )

    @pytest.mark.parametrize("raw", ["", "{", "[1]", '{"type":5}', "null", b"\xff\xfe", "[" * 9999])
    def test_a_frame_that_is_no_event(self, raw: str | bytes) -> None:
        event = decode_server(raw)
        assert isinstance(event, Unknown)
        assert event.type == ""

    def test_an_event_without_a_required_field(self) -> None:
        assert decode_server('{"type":"response.done"}') == Unknown(
            type="response.done", raw=b'{"type":"response.done"}'
        )

    def test_unknown_fields_and_null_are_accepted(self) -> None:
        raw = (
            '{"type":"response.done","event_id":"e","new":1,"response":{"id":"r","status":"paused",'
            '"usage":null,"status_details":null,"output":[],"phase":"final"}}'
        )
        event = decode_server(raw)
        assert isinstance(event, s.ResponseDone)
        assert event.response == s.Response(id="r", status="paused", output=[])

    def test_invalid_parts_are_left_out(self) -> None:
        """The rest of the event must still be usable."""
        frame = {
            "type": "response.done",
            "response": {
                "id": 7,
                "output": [
                    {"type": "sculpture"},
                    {"type": "message", "role": "assistant"},
                    {
                        "type": "message",
                        "role": "assistant",
                        "content": [
                            {"type": "hologram"},
                            {"type": "output_audio", "audio": "?", "transcript": "hi"},
                        ],
                    },
                ],
                "usage": {"total_tokens": "many", "input_tokens": 3},
                "metadata": {"a": "b", "c": 4},
            },
        }
        event = decode_server(json.dumps(frame))
        assert isinstance(event, s.ResponseDone)
        assert event.response.id is None
        assert event.response.output == [
            i.Message(role="assistant", content=[i.OutputAudio(transcript="hi")])
        ]
        assert event.response.usage == u.Usage(input_tokens=3)
        assert event.response.metadata == {"a": "b"}

    def test_a_session_without_a_type_is_a_realtime_session(self) -> None:
        event = decode_server('{"type":"session.created","session":{"id":"s","voice":"x"}}')
        assert event == s.SessionCreated(session=cfg.RealtimeSession(id="s"))

    def test_both_types_of_an_audio_part(self) -> None:
        for kind in ("audio", "output_audio"):
            raw = json.dumps(
                {
                    "type": "response.content_part.done",
                    "response_id": "r",
                    "item_id": "i",
                    "part": {"type": kind, "transcript": "yes"},
                }
            )
            event = decode_server(raw)
            assert isinstance(event, s.ResponseContentPartDone)
            assert i.words(event.part) == "yes"


def test_audio_is_base64_on_the_wire() -> None:
    audio = bytes(range(256))
    frame = encode(c.InputAudioBufferAppend(audio=audio))
    assert json.loads(frame) == {
        "type": "input_audio_buffer.append",
        "audio": base64.b64encode(audio).decode(),
    }
    assert decode_client(frame) == c.InputAudioBufferAppend(audio=audio)


def test_the_words_of_a_message_are_those_of_its_parts() -> None:
    message = i.Message(
        role="user",
        content=[
            i.InputText(text="a"),
            i.InputImage(),
            i.InputAudio(),
            i.InputAudio(transcript="b"),
            i.OutputText(text=None),
            i.TextPart(text="c"),
            i.AudioPart(transcript=None),
        ],
    )
    assert message.words() == "abc"
    assert message.type == "message"


def test_every_event_class_is_in_its_union() -> None:
    """An event that is not listed there would decode as `Unknown`."""
    for module, union in ((s, s.ServerEvent), (c, c.ClientEvent)):
        listed = set(union.__args__)
        defined = {
            each
            for each in vars(module).values()
            if isinstance(each, type)
            and issubclass(each, (s.ServerMessage, c.ClientMessage))
            and each.__struct_config__.tag
        }
        assert defined <= listed


def test_the_types_load_neither_numpy_nor_openai() -> None:
    code = (
        "import sys, tui_voice.realtime.wire\n"
        "print([m for m in ('numpy', 'openai', 'pydantic', 'asyncio') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_limits_are_checked_for_clients_only() -> None:
    """The limit is in the type, and a server's value outside of it decodes."""
    info = inspect.type_info(cfg.ServerVad)
    assert isinstance(info, inspect.StructType)
    threshold = next(f for f in info.fields if f.encode_name == "threshold")
    assert "low" in str(threshold.type)
    assert wire.decode_server(encode(s.SessionCreated(session=cfg.RealtimeSession()))) is not None
    assert msgspec.convert({"type": "server_vad", "threshold": 9}, cfg.ServerVad).threshold == 9
