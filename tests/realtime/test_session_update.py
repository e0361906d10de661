"""The `session.update` for a configuration; every message is one that a strict server accepts."""

from __future__ import annotations

from typing import Any

from tests.realtime.frames_harness import as_json
from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.realtime.session_update import session_update


def updated(config: ServerSessionConfig) -> dict[str, Any]:
    update = as_json(session_update(config))
    assert (update["type"], update["event_id"]) == ("session.update", "update")
    session: dict[str, Any] = update["session"]
    assert session["type"] == "realtime"
    assert "model" not in session  # the address names it; it cannot be changed
    return session


def test_settings_that_matter_are_sent_explicitly() -> None:
    session = updated(ServerSessionConfig(model="m", voice="marin"))
    assert session["output_modalities"] == ["audio"]
    source, output = session["audio"]["input"], session["audio"]["output"]
    assert source["format"] == output["format"] == {"type": "audio/pcm", "rate": 24000}
    assert source["transcription"] == {"model": "gpt-transcribe"}
    assert source["noise_reduction"] is None
    assert source["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    }
    assert output["voice"] == "marin"
    assert session["truncation"] == "auto"
    assert not {"tools", "tool_choice", "reasoning"} & set(session)


def test_without_a_chosen_voice_none_is_sent() -> None:
    assert "voice" not in updated(ServerSessionConfig(model="m"))["audio"]["output"]


def test_turns_ended_by_commit_or_by_meaning() -> None:
    manual = ServerSessionConfig(model="m", turn_detection="manual")
    assert manual.manual
    assert updated(manual)["audio"]["input"]["turn_detection"] is None
    semantic = ServerSessionConfig(
        model="m", turn_detection="semantic_vad", eagerness="low", audio=False
    )
    assert not semantic.manual
    session = updated(semantic)
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["input"]["turn_detection"]["eagerness"] == "low"


def test_optional_settings_and_the_essential_configuration_without_them() -> None:
    tool = {"name": "recall", "description": "Look.", "parameters": {"type": "object"}}
    full = ServerSessionConfig(
        model="m",
        language="en",
        noise_reduction="far_field",
        reasoning_effort="low",
        tools=(tool,),
    )
    session = updated(full)
    assert session["audio"]["input"]["noise_reduction"] == {"type": "far_field"}
    assert session["audio"]["input"]["transcription"]["language"] == "en"
    assert session["reasoning"] == {"effort": "low"}
    assert session["tools"] == [{"type": "function", **tool}]
    assert session["tool_choice"] == "auto"
    essential = updated(full.essential())
    assert essential["audio"]["input"]["noise_reduction"] is None
    assert "language" not in essential["audio"]["input"]["transcription"]
    assert "reasoning" not in essential
    assert essential["tools"]


def test_how_the_voice_speaks_and_what_the_transcription_knows() -> None:
    config = ServerSessionConfig(
        model="m",
        voice="voice_123",
        speed=1.25,
        idle_timeout_ms=6_000,
        languages=("en", "hr"),
        keywords=("Ana Kovač",),
        transcription_prompt="A call about a tram ticket.",
    )
    session = updated(config)
    source, output = session["audio"]["input"], session["audio"]["output"]
    assert output["voice"] == {"id": "voice_123"}
    assert output["speed"] == 1.25
    assert source["turn_detection"]["idle_timeout_ms"] == 6_000
    assert source["transcription"] == {
        "model": "gpt-transcribe",
        "languages": ["en", "hr"],
        "keywords": ["Ana Kovač"],
        "prompt": "A call about a tram ticket.",
    }
    essential = updated(config.essential())
    assert "speed" not in essential["audio"]["output"]
    assert essential["audio"]["input"]["transcription"] == {"model": "gpt-transcribe"}
    assert "idle_timeout_ms" not in essential["audio"]["input"]["turn_detection"]
