"""`docs/server.md` lists every event, session field, error code and limit that the server has."""

from __future__ import annotations

import json
import re
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest
from openai.types.realtime import RealtimeSessionCreateRequest

from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.realtime.session_update import session_update
from tui_voice.realtime.wire import client, encode, session
from tui_voice.realtime.wire import server as wire
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.server.admission import MAX_TEXT_CHARS
from tui_voice.server.client_connection import MAX_UNSENT_BYTES
from tui_voice.server.input_audio import MAX_APPEND_BYTES
from tui_voice.server.limits import SessionLimits
from tui_voice.server.realtime_server import ServerOptions

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "server.md").read_text()
SOURCE = "".join(path.read_text() for path in (ROOT / "tui_voice" / "server").glob("*.py"))


def names_in(heading: str) -> set[str]:
    """Returns the names in code type of one section; `.done` after `a.b.added` is `a.b.done`."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    names: set[str] = set()
    base = ""
    for name in re.findall(r"`([^`]+)`", section):
        if name.startswith(".") and base:
            names.add(base.rpartition(".")[0] + name)
        else:
            base = name
            names.add(name.removeprefix("…"))
    return names


def sent_events() -> set[str]:
    """Returns the types of the server events that the server's source creates."""
    classes = {
        name: value
        for name, value in vars(wire).items()
        if isinstance(value, type)
        and issubclass(value, wire.ServerMessage)
        and value.__struct_config__.tag
    }
    return {
        str(value.__struct_config__.tag)
        for name, value in classes.items()
        if re.search(rf"(?<![\w.])(?:s\.|wire\.)?{name}\(", SOURCE)
    }


def test_every_client_event_is_listed() -> None:
    events = {str(event.__struct_config__.tag) for event in typing.get_args(client.ClientEvent)}
    assert events <= names_in("Client events")


def test_every_server_event_is_listed_as_sent_or_as_never_sent() -> None:
    sent = sent_events()
    listed = names_in("Server events")
    assert len(sent) > 25
    assert sent <= listed
    _sent_table, never = DOCUMENT.split("are never sent:")
    never = never.split("\n\n")[0]
    known = {
        str(event.__struct_config__.tag)
        for event in vars(wire).values()
        if isinstance(event, type)
        and issubclass(event, wire.ServerMessage)
        and event.__struct_config__.tag
    }
    patterns = [name.replace(".*", ".") for name in re.findall(r"`([^`]+)`", never)]
    for event in known - sent:
        assert any(event.startswith(pattern) for pattern in patterns), event
    for event in sent:
        assert not any(event.startswith(pattern) for pattern in patterns), event


@pytest.mark.parametrize(
    "part",
    [
        session.Realtime,
        session.AudioInput,
        session.AudioOutput,
        session.ServerVad,
        session.SemanticVad,
        session.Transcription,
    ],
)
def test_every_session_field_is_listed(part: type[msgspec.Struct]) -> None:
    listed = {name.rpartition(".")[2] for name in names_in("Session fields")}
    assert set(part.__struct_fields__) - {"audio"} <= listed


def test_every_field_of_response_create_is_listed() -> None:
    fields = set(client.ResponseParams.__struct_fields__) - {"audio"}
    assert fields <= names_in("Client events")
    assert "audio.output" in names_in("Client events")


def test_every_error_code_is_listed() -> None:
    codes = set(re.findall(r'RefusedError\(\s*"(\w+)"', SOURCE))
    codes |= {f"item_{name}_invalid_item_id" for name in ("delete", "retrieve", "truncate")}
    codes |= set(re.findall(r'WireError\(\s*"(\w+)"', SOURCE))
    codes |= set(re.findall(r'\.fail\(\s*"(\w+)"', SOURCE))
    assert len(codes) > 20
    assert codes <= names_in("Errors")


def test_limits_have_the_values_of_the_code() -> None:
    limits = SessionLimits()
    section = DOCUMENT.split("\n## Limits\n")[1].split("\n## ")[0].replace(" ", "")
    for value in (
        f"{limits.session_seconds / 60:.0f}minutes",
        f"{limits.window_tokens}",
        f"{limits.max_items}",
        f"{MAX_TEXT_CHARS}",
        f"|{ServerOptions().max_connections}(",
        f"{limits.max_audio_bytes // 2**20}MiB",
        f"{limits.max_input_ms / 60_000:.0f}minutes",
        f"|{limits.max_responses},",
        f"{limits.tokens_per_minute}",
        f"{MAX_APPEND_BYTES // 2**20}MiB",
        f"{MAX_UNSENT_BYTES // 2**20}MiB",
    ):
        assert value in section, value


def test_metadata_keys_of_our_client_are_listed() -> None:
    metadata = ResponseMetadata(
        key="k",
        purpose="summary",
        prompt_is_last_item=True,
        form="f",
        layout="json",
        language="l",
        focus="f",
        timeout_s=1.0,
        second_attempt=True,
    )
    assert set(metadata.to_wire()) <= names_in("Beyond the API")


def paths_of(model: type[pydantic.BaseModel], prefix: str = "") -> set[str]:
    """Returns the fields of a type of the package openai: below `audio` the innermost, else the
    outermost. A format or a voice counts as one field.
    """
    found: set[str] = set()
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = models_in(field.annotation) if path.startswith("audio") else []
        if inner and name not in ("format", "voice"):
            found |= set().union(*(paths_of(one, f"{path}.") for one in inner))
        else:
            found.add(path)
    return found


def models_in(annotation: Any) -> list[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [one for part in typing.get_args(annotation) for one in models_in(part)]


def sent_paths(value: dict[str, Any], prefix: str = "") -> set[str]:
    """Returns the fields of a `session.update`, as `paths_of` does."""
    found: set[str] = set()
    for name, inner in value.items():
        path = f"{prefix}{name}"
        split = path.startswith("audio") and name not in ("format", "voice")
        found |= sent_paths(inner, f"{path}.") if split and isinstance(inner, dict) else {path}
    return found


def test_every_field_of_a_session_is_listed_as_sent_or_as_not_sent() -> None:
    section = DOCUMENT.split("\n## What the app sends\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (sent|not sent) \| .+ \|$", section, re.M))
    assert set(rows) == paths_of(RealtimeSessionCreateRequest)
    everything = ServerSessionConfig(
        model="m",
        voice="marin",
        speed=1.2,
        idle_timeout_ms=6_000,
        language="en",
        languages=("en",),
        keywords=("Okafor",),
        transcription_prompt="About teeth.",
        uncertain_below=0.5,
        noise_reduction="near_field",
        reasoning_effort="low",
        tools=({"name": "f", "description": "", "parameters": {}},),
    )
    sent: set[str] = set()
    for config in (everything, replace(everything, turn_detection="semantic_vad")):
        update = json.loads(encode(session_update(config)))
        sent |= sent_paths(update["session"])
    assert {name for name, how in rows.items() if how == "sent"} == sent
