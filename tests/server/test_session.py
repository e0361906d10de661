"""The server session: its defaults, what `session.update` changes, and what it may not change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.protocol_harness import UNIX_START, ProtocolClient, error_of, event_types
from tui_voice.server.jobs import SpeakJob

SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}


def session(client: ProtocolClient) -> Any:
    """Returns the session of the newest `session.created` or `session.updated`."""
    return next(e for e in reversed(client.events) if e["type"].startswith("session."))["session"]


def test_session_created_has_every_default() -> None:
    client = ProtocolClient(ready=False)
    assert event_types(client.events) == ["session.created"]
    created = session(client)
    assert created.pop("id").startswith("sess_")
    assert created.pop("instructions")
    assert created == {
        "type": "realtime",
        "object": "realtime.session",
        "model": "gpt-realtime-2.1",
        "expires_at": int(UNIX_START) + 3600,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": SERVER_VAD,
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "voice": "marin",
                "speed": 1.0,
            },
        },
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "include": None,
        "tracing": None,
        "prompt": None,
    }


def test_update_is_answered_before_the_engines_are_loaded() -> None:
    client = ProtocolClient(ready=False)
    assert event_types(client.update_session(instructions="Be brief.")) == ["session.updated"]
    assert client.type_turn("hello") == []
    client.prepare_engines()
    assert event_types(client.events[2:]) == ["conversation.item.added", "conversation.item.done"]


def test_update_changes_only_the_fields_it_has() -> None:
    client = ProtocolClient()
    before = session(client)
    client.configure_input(turn_detection={"type": "server_vad", "silence_duration_ms": 300})
    after = session(client)
    assert after["audio"]["input"]["turn_detection"] == SERVER_VAD | {"silence_duration_ms": 300}
    after["audio"]["input"]["turn_detection"] = SERVER_VAD
    assert after == before


def test_session_updated_has_every_field() -> None:
    client = ProtocolClient()
    tool = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
    update: dict[str, Any] = {
        "output_modalities": ["text"],
        "instructions": "Hm.",
        "tools": [tool],
        "tool_choice": {"type": "function", "name": "f"},
        "max_output_tokens": 77,
        "truncation": {
            "type": "retention_ratio",
            "retention_ratio": 0.8,
            "token_limits": {"post_instructions": 8000},
        },
        "include": ["item.input_audio_transcription.logprobs"],
        "tracing": {"workflow_name": "w"},
        "reasoning": {"effort": "high"},
        "parallel_tool_calls": False,
    }
    client.update_session(
        **update,
        audio={
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {"model": "gpt-transcribe", "keywords": ["Anna"]},
                "noise_reduction": {"type": "far_field", "strength": 0.5},
                "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
            },
            "output": {"format": {"type": "audio/pcma"}, "voice": "cedar", "speed": 1.25},
        },
    )
    updated = session(client)
    assert {key: updated[key] for key in update} == update
    assert updated["audio"] == {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "gpt-transcribe", "keywords": ["Anna"]},
            "noise_reduction": {"type": "far_field", "strength": 0.5},
            "turn_detection": {
                "type": "semantic_vad",
                "eagerness": "low",
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcma"}, "voice": "cedar", "speed": 1.25},
    }


def test_null_switches_off_or_restores_the_default() -> None:
    client = ProtocolClient()
    client.update_session(
        instructions="x",
        max_output_tokens=5,
        tools=[{"type": "function", "name": "f"}],
        audio={
            "input": {"transcription": {"model": "whisper-1", "language": "en"}},
            "output": {"voice": "echo", "speed": 1.5},
        },
    )
    client.update_session(
        instructions=None,
        max_output_tokens=None,
        tools=None,
        audio={
            "input": {"transcription": {"language": None}, "turn_detection": None},
            "output": {"voice": None, "speed": None},
        },
    )
    updated = session(client)
    assert (updated["instructions"], updated["max_output_tokens"], updated["tools"]) == (
        "",
        "inf",
        [],
    )
    assert updated["audio"]["output"]["voice"] == "marin"
    assert updated["audio"]["output"]["speed"] == 1.0
    assert updated["audio"]["input"]["turn_detection"] is None
    assert updated["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    client.update_session(audio=None)
    assert session(client)["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_empty_objects_get_their_defaults() -> None:
    client = ProtocolClient()
    client.configure_input(
        transcription={}, noise_reduction={}, turn_detection={"type": "semantic_vad"}
    )
    audio_input = session(client)["audio"]["input"]
    assert audio_input["transcription"] == {"model": "gpt-transcribe"}
    assert audio_input["noise_reduction"] == {"type": "near_field"}
    assert audio_input["turn_detection"]["eagerness"] == "auto"
    client.configure_input(transcription=None, turn_detection={"type": "server_vad"})
    audio_input = session(client)["audio"]["input"]
    assert audio_input["transcription"] is None
    assert audio_input["turn_detection"] == SERVER_VAD


@pytest.mark.parametrize(
    ("update", "code", "param"),
    [
        ({"output_modalities": ["text", "audio"]}, "invalid_value", "output_modalities"),
        ({"output_modalities": []}, "invalid_value", "output_modalities"),
        ({"model": "gpt-realtime"}, "invalid_value", "model"),
        ({"prompt": {"id": "pmpt_1"}}, "invalid_value", "prompt"),
        ({"audio": {"output": {"voice": "bagpipe"}}}, "invalid_value", "audio.output.voice"),
        ({"audio": {"output": {"voice": {"id": "v"}}}}, "invalid_value", "audio.output.voice"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "invalid_value", "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "invalid_value", "tools[0].name"),
        (
            {"tool_choice": {"type": "mcp", "server_label": "x"}},
            "invalid_value",
            "tool_choice.type",
        ),
        (
            {"audio": {"input": {"transcription": {"model": "whisper-1", "keywords": ["a"]}}}},
            "invalid_value",
            "audio.input.transcription.keywords",
        ),
        (
            {"audio": {"input": {"transcription": {"model": "whisper-1", "delay": "low"}}}},
            "invalid_value",
            "audio.input.transcription.delay",
        ),
        (
            {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}},
            "invalid_value",
            "audio.input.turn_detection",
        ),
        ({"modalities": ["text"]}, "unknown_parameter", "modalities"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1}}}},
            "invalid_value",
            "audio.input.turn_detection.idle_timeout_ms",
        ),
    ],
)
def test_one_invalid_field_refuses_the_whole_update(
    update: dict[str, Any], code: str, param: str
) -> None:
    client = ProtocolClient()
    before = session(client)
    fields = {"type": "realtime", "instructions": "changed", **update}
    error = error_of(client.send("session.update", event_id="mine", session=fields))
    assert (error["code"], error["param"]) == (code, f"session.{param}")
    assert error["event_id"] == "mine"
    assert error["type"] == "invalid_request_error"
    client.update_session()
    assert session(client) == before


def test_gpt_realtime_whisper_is_accepted_without_turn_detection() -> None:
    client = ProtocolClient()
    audio_input = {"transcription": {"model": "gpt-realtime-whisper", "delay": "low"}}
    assert event_types(client.configure_input(turn_detection=None, **audio_input)) == [
        "session.updated"
    ]


def test_update_may_repeat_the_model_and_the_voice() -> None:
    client = ProtocolClient()
    client.ask("hello")
    events = client.update_session(model="gpt-realtime-2.1", audio={"output": {"voice": "marin"}})
    assert event_types(events) == ["session.updated"]


def test_own_voices_of_the_synthesiser_are_accepted() -> None:
    client = ProtocolClient()
    assert event_types(client.update_session(audio={"output": {"voice": "tin"}})) == [
        "session.updated"
    ]


def test_voice_is_fixed_after_the_first_audio() -> None:
    client = ProtocolClient()
    client.ask("hello", output_modalities=["text"])
    assert event_types(client.update_session(audio={"output": {"voice": "cedar"}})) == [
        "session.updated"
    ]
    client.ask("hello")
    error = error_of(client.update_session(audio={"output": {"voice": "echo"}}))
    assert error["code"] == "cannot_update_voice"


def test_speed_is_fixed_during_a_response() -> None:
    client = ProtocolClient()
    client.hold = (SpeakJob,)
    client.ask("hello")
    error = error_of(client.update_session(audio={"output": {"speed": 1.5}}))
    assert error["param"] == "session.audio.output.speed"
    client.release()
    assert event_types(client.update_session(audio={"output": {"speed": 1.5}})) == [
        "session.updated"
    ]


def test_tracing_is_fixed_once_set() -> None:
    client = ProtocolClient()
    assert event_types(client.update_session(tracing="auto")) == ["session.updated"]
    assert event_types(client.update_session(tracing="auto")) == ["session.updated"]
    assert error_of(client.update_session(tracing=None))["param"] == "session.tracing"


def test_transcription_session() -> None:
    client = ProtocolClient(transcription_only=True)
    created = session(client)
    assert created["type"] == "transcription"
    assert created["object"] == "realtime.transcription_session"
    transcription = {"model": "whisper-1", "language": "en"}
    events = client.send(
        "session.update",
        session={"type": "transcription", "audio": {"input": {"transcription": transcription}}},
    )
    assert event_types(events) == ["session.updated"]
    assert session(client)["audio"]["input"]["transcription"] == transcription
    assert error_of(client.update_session())["param"] == "session.type"
    assert error_of(client.send("response.create"))["code"] == "invalid_value"
    assert event_types(client.send("session.update", session={"type": "transcription"})) == [
        "session.updated"
    ]


def test_realtime_session_does_not_become_a_transcription_session() -> None:
    error = error_of(ProtocolClient().send("session.update", session={"type": "transcription"}))
    assert (error["code"], error["param"]) == ("invalid_value", "session.type")
