"""Where servers are, and that a key goes nowhere else."""

from __future__ import annotations

import pytest

from tui_voice.runtime import endpoints


async def test_openai() -> None:
    target = await endpoints.openai("gpt-realtime-2.1", "sk-1").target()
    assert target.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert target.headers == {"Authorization": "Bearer sk-1"}
    elsewhere = await endpoints.openai("m", "sk-1", "wss://proxy.example/v1/realtime").target()
    assert elsewhere.url == "wss://proxy.example/v1/realtime?model=m"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://res.openai.azure.com",
        "https://res.openai.azure.com/",
        "https://res.openai.azure.com/openai/v1/realtime",
    ],
)
async def test_azure(endpoint: str) -> None:
    target = await endpoints.azure(endpoint, "voice", "k").target()
    assert target.url == "wss://res.openai.azure.com/openai/v1/realtime?model=voice"
    assert target.headers == {"api-key": "k"}
    assert target.kind == "azure"


async def test_any_other_server_gets_no_key() -> None:
    remote = endpoints.websocket("ws://127.0.0.1:1/v1/realtime", "m")
    target = await remote.target()
    assert (target.url, target.headers) == ("ws://127.0.0.1:1/v1/realtime?model=m", {})
    named = await endpoints.websocket("ws://127.0.0.1:1/v1/realtime?model=own", "m").target()
    assert named.url.endswith("?model=own")
    await remote.stop()
