"""The server with the real embedded engines, which run on this machine."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from importlib.util import find_spec

import numpy as np
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.server.test_sdk import receive_until
from tui_voice.server.interfaces import Engines
from tui_voice.server.realtime_server import start_server

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def engines() -> Engines:
    if find_spec("onnxruntime") is None:
        reason = "the embedded engines are not installed (extra `local`)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from tui_voice.server.local.engines import LocalEngines

    engines = LocalEngines(probe=False)
    engines.load()
    return engines


@pytest.fixture
async def connection(engines: Engines) -> AsyncIterator[AsyncRealtimeConnection]:
    server = await start_server("127.0.0.1", 0, engines)
    client = AsyncOpenAI(api_key="none", websocket_base_url=server.url.removesuffix("/realtime"))
    async with client, client.realtime.connect(model="local") as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "audio": {"input": {"transcription": {"model": "whisper-1"}}},
            }
        )
        await receive_until(connection, "session.updated")
        yield connection
    await server.close()


async def say(connection: AsyncRealtimeConnection, engines: Engines, text: str) -> None:
    """As another speaker, half a second of silence before and one after."""
    sound = engines.synthesiser().speak(text, "echo", 1.0)
    quiet = np.zeros(12_000, dtype=np.int16)
    pcm = np.concatenate([quiet, sound, quiet, quiet]).astype("<i2").tobytes()
    for at in range(0, len(pcm), 4_800):
        piece = base64.b64encode(pcm[at : at + 4_800]).decode()
        await connection.input_audio_buffer.append(audio=piece)


def words(text: str) -> set[str]:
    return {w.strip(".,?!").casefold() for w in text.split()}


async def test_spoken_words_get_a_spoken_reply(
    connection: AsyncRealtimeConnection, engines: Engines
) -> None:
    await say(connection, engines, "What is the capital of France?")
    events = await receive_until(connection, "response.done")
    (said,) = [e["transcript"] for e in events if e["type"].endswith("transcription.completed")]
    assert {"capital", "france"} <= words(said)
    (reply,) = [
        e["transcript"] for e in events if e["type"] == "response.output_audio_transcript.done"
    ]
    assert "Paris" in reply
    output = events[-1]["response"]["usage"]["output_token_details"]
    assert output["audio_tokens"] > output["text_tokens"] > 0


async def test_the_recogniser_understands_a_spoken_reply(
    connection: AsyncRealtimeConnection, engines: Engines
) -> None:
    from tui_voice.audio.pcm import resample, samples

    for text in ("My name is Anna and I live in Lisbon.", "What is my name?"):
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text}],
            }
        )
    await connection.response.create()
    events = await receive_until(connection, "response.done")
    pcm = b"".join(
        base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
    )
    fine = samples(resample(pcm, 24_000, 16_000)).astype(np.float32) / 32_768
    assert {"anna", "lisbon"} <= words(engines.recogniser().transcribe(fine))


async def test_a_summary_holds_what_the_user_said(connection: AsyncRealtimeConnection) -> None:
    for text in ("My name is Anna.", "I will fly to Lisbon on 4 May.", "I am allergic to nuts."):
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text}],
            }
        )
    await connection.response.create(
        response={
            "conversation": "none",
            "metadata": {"purpose": "summary"},
            "output_modalities": ["text"],
        }
    )
    events = await receive_until(connection, "response.done")
    (text,) = [e["text"] for e in events if e["type"] == "response.output_text.done"]
    assert all(fact in text for fact in ("Anna", "Lisbon", "4 May", "nuts")), text


async def test_a_demanded_function_is_called(connection: AsyncRealtimeConnection) -> None:
    await connection.conversation.item.create(
        item={
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Is it raining in Lisbon?"}],
        }
    )
    await connection.response.create(
        response={
            "tools": [
                {
                    "type": "function",
                    "name": "weather",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                }
            ],
            "tool_choice": {"type": "function", "name": "weather"},
        }
    )
    events = await receive_until(connection, "response.done")
    assert [i["type"] for i in events[-1]["response"]["output"]] == ["function_call"]


async def test_a_spoken_question_about_the_session_is_answered_with_a_quote(
    connection: AsyncRealtimeConnection, engines: Engines
) -> None:
    await say(connection, engines, "My name is Anna and I live in Lisbon.")
    await receive_until(connection, "response.done")
    await say(connection, engines, "What is my name?")
    events = await receive_until(connection, "response.done")
    (reply,) = [
        e["transcript"] for e in events if e["type"] == "response.output_audio_transcript.done"
    ]
    assert reply.startswith("You said:")
    assert "anna" in words(reply)
