"""The client of the `openai` package against our server, for every sequence of the protocol."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.server.protocol_harness import SILENCE, event_types, user_item
from tests.server.test_responses import TEXT_RESPONSE_EVENTS
from tests.server.test_turns import RESPONSE_EVENTS, TURN_EVENTS
from tests.server.toy_engines_harness import ToyEngines, speech
from tests.server.wire_check_harness import check_event, event_models
from tui_voice.server.realtime_server import start_server


@pytest.fixture
def engines() -> ToyEngines:
    return ToyEngines()


@pytest.fixture
async def connection(engines: ToyEngines) -> AsyncIterator[AsyncRealtimeConnection]:
    server = await start_server("127.0.0.1", 0, engines)
    client = AsyncOpenAI(api_key="none", websocket_base_url=server.url.removesuffix("/realtime"))
    async with client, client.realtime.connect(model="gpt-realtime-2.1") as connection:
        created = await connection.recv()
        assert created.type == "session.created"
        yield connection
    await server.close()


async def receive_until(connection: AsyncRealtimeConnection, last: str) -> list[dict[str, Any]]:
    """Returns the events up to the first of type `last`; the package parses each into its class."""
    events: list[dict[str, Any]] = []
    async for event in connection:
        assert type(event) is event_models()[event.type]
        raw = event.to_dict(mode="json")
        check_event(raw)
        events.append(raw)
        if event.type == last:
            break
    return events


async def say(connection: AsyncRealtimeConnection, text: str) -> None:
    sound = SILENCE * 400 + speech(text) + SILENCE * 700
    for at in range(0, len(sound), 4_800):
        piece = base64.b64encode(sound[at : at + 4_800]).decode()
        await connection.input_audio_buffer.append(audio=piece)


async def test_server_vad(connection: AsyncRealtimeConnection) -> None:
    await say(connection, "hello what is the time")
    events = await receive_until(connection, "rate_limits.updated")
    assert event_types(events) == TURN_EVENTS + RESPONSE_EVENTS


async def test_push_to_talk(connection: AsyncRealtimeConnection) -> None:
    await connection.session.update(
        session={
            "type": "realtime",
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}},
        }
    )
    await connection.input_audio_buffer.clear()
    await say(connection, "hello")
    await connection.input_audio_buffer.commit()
    completed = "conversation.item.input_audio_transcription.completed"
    events = await receive_until(connection, completed)
    assert event_types(events)[:3] == [
        "session.updated",
        "input_audio_buffer.cleared",
        "input_audio_buffer.committed",
    ]
    assert events[-1]["transcript"] == "hello"
    await connection.response.create()
    assert event_types(await receive_until(connection, "rate_limits.updated")) == RESPONSE_EVENTS


async def test_typed(connection: AsyncRealtimeConnection) -> None:
    await connection.conversation.item.create(item=user_item("hello what"))  # type: ignore[arg-type]  # a TypedDict union
    await connection.response.create(response={"output_modalities": ["text"]})
    events = await receive_until(connection, "rate_limits.updated")
    assert event_types(events) == [
        "conversation.item.added",
        "conversation.item.done",
        *TEXT_RESPONSE_EVENTS,
    ]


async def test_out_of_band_summary(connection: AsyncRealtimeConnection) -> None:
    await connection.conversation.item.create(item=user_item("one", id="a"))  # type: ignore[arg-type]  # as above
    await receive_until(connection, "conversation.item.done")
    await connection.response.create(
        response={
            "conversation": "none",
            "metadata": {"purpose": "summary"},
            "output_modalities": ["text"],
            "tools": [],
            "input": [
                {"type": "item_reference", "id": "a"},
                user_item("Summarise."),  # type: ignore[list-item]  # as above
            ],
        }
    )
    events = await receive_until(connection, "rate_limits.updated")
    assert not [e for e in events if e["type"].startswith("conversation.")]
    done = next(e for e in events if e["type"] == "response.done")
    assert done["response"]["metadata"] == {"purpose": "summary"}
    assert done["response"].get("conversation_id") is None
    assert done["response"]["output"][0]["content"][0]["text"] == "2 turns in any."


async def test_barge_in(connection: AsyncRealtimeConnection, engines: ToyEngines) -> None:
    engines.llm.may_continue.clear()
    await connection.conversation.item.create(item=user_item("wait"))  # type: ignore[arg-type]  # as above
    await connection.response.create()
    events = await receive_until(connection, "response.output_audio.delta")
    item_id = events[-1]["item_id"]
    await say(connection, "hello")
    events = await receive_until(connection, "response.done")
    started = event_types(events).index("input_audio_buffer.speech_started")
    assert "response.done" in event_types(events)[started:]
    details = events[-1]["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "turn_detected"}
    await connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=100)
    assert (await receive_until(connection, "conversation.item.truncated"))[-1][
        "audio_end_ms"
    ] == 100


async def test_delete_retrieve_and_create_again(connection: AsyncRealtimeConnection) -> None:
    for name in ("a", "b"):
        await connection.conversation.item.create(item=user_item(name, id=name))  # type: ignore[arg-type]  # as above
    await connection.conversation.item.retrieve(item_id="a")
    assert (await receive_until(connection, "conversation.item.retrieved"))[-1]["item"]["id"] == "a"
    await connection.conversation.item.delete(item_id="a")
    await receive_until(connection, "conversation.item.deleted")
    await connection.conversation.item.create(
        item=user_item("s", id="a"),  # type: ignore[arg-type]  # as above
        previous_item_id="root",
    )
    assert (await receive_until(connection, "conversation.item.done"))[-1].get(
        "previous_item_id"
    ) is None


async def test_function_call(connection: AsyncRealtimeConnection) -> None:
    await connection.session.update(
        session={
            "type": "realtime",
            "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "weather"},
        }
    )
    await connection.conversation.item.create(item=user_item("hello"))  # type: ignore[arg-type]  # as above
    await connection.response.create()
    events = await receive_until(connection, "rate_limits.updated")
    (call,) = events[-2]["response"]["output"]
    await connection.conversation.item.create(
        item={"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
    )
    await connection.response.create(
        response={"tool_choice": "none", "output_modalities": ["text"]}
    )
    events = await receive_until(connection, "rate_limits.updated")
    text = next(e for e in events if e["type"] == "response.output_text.done")["text"]
    assert text.strip() == "rain"


async def test_cancel_and_errors(connection: AsyncRealtimeConnection, engines: ToyEngines) -> None:
    engines.llm.may_continue.clear()
    await connection.response.cancel(event_id="mine")
    error = (await receive_until(connection, "error"))[-1]["error"]
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")
    await connection.conversation.item.create(item=user_item("wait"))  # type: ignore[arg-type]  # as above
    await connection.response.create()
    await receive_until(connection, "response.created")
    await connection.response.cancel()
    done = (await receive_until(connection, "response.done"))[-1]["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
