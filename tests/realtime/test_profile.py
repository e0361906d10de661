"""What a session is asked to be: every message must be one that a strict server takes."""

from __future__ import annotations

from typing import Any

from tests.realtime.frames import plain
from tui_voice.realtime.profile import Profile, configure


def asked(profile: Profile) -> dict[str, Any]:
    update = plain(configure(profile))
    assert (update["type"], update["event_id"]) == ("session.update", "update")
    session: dict[str, Any] = update["session"]
    assert session["type"] == "realtime"
    assert "model" not in session  # it is named in the address and cannot be changed
    return session


def test_what_matters_is_said_explicitly() -> None:
    session = asked(Profile(model="m", voice="marin"))
    assert session["output_modalities"] == ["audio"]
    heard, said = session["audio"]["input"], session["audio"]["output"]
    assert heard["format"] == said["format"] == {"type": "audio/pcm", "rate": 24000}
    assert heard["transcription"] == {"model": "gpt-transcribe"}
    assert heard["noise_reduction"] is None
    assert heard["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    }
    assert said["voice"] == "marin"
    assert session["truncation"] == "auto"
    assert not {"tools", "tool_choice", "reasoning"} & set(session)


def test_a_voice_that_nobody_chose_is_the_servers_own() -> None:
    assert "voice" not in asked(Profile(model="m"))["audio"]["output"]


def test_turns_by_the_talk_key_or_by_meaning() -> None:
    manual = Profile(model="m", turn_detection="manual")
    assert manual.manual
    assert asked(manual)["audio"]["input"]["turn_detection"] is None
    semantic = Profile(model="m", turn_detection="semantic_vad", eagerness="low", audio=False)
    assert not semantic.manual
    session = asked(semantic)
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["input"]["turn_detection"]["eagerness"] == "low"


def test_the_rest_and_how_to_do_without_it() -> None:
    tool = {"name": "recall", "description": "Look.", "parameters": {"type": "object"}}
    full = Profile(
        model="m",
        language="en",
        noise_reduction="far_field",
        reasoning_effort="low",
        tools=(tool,),
    )
    session = asked(full)
    assert session["audio"]["input"]["noise_reduction"] == {"type": "far_field"}
    assert session["audio"]["input"]["transcription"]["language"] == "en"
    assert session["reasoning"] == {"effort": "low"}
    assert session["tools"] == [{"type": "function", **tool}]
    assert session["tool_choice"] == "auto"
    plainer = asked(full.plain())
    assert plainer["audio"]["input"]["noise_reduction"] is None
    assert "language" not in plainer["audio"]["input"]["transcription"]
    assert "reasoning" not in plainer
    assert plainer["tools"]  # functions are no luxury
