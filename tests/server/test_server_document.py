"""`docs/server.md` lists every event, session field, error code and limit that the server has."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import msgspec
import pytest

from tui_voice.realtime.wire import client, session
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
