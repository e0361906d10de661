"""The names in the memory are told to the transcription, in the form that its model takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import running_session, toy_server
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import Outgoing
from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.realtime.client import RealtimeClient
from tui_voice.realtime.session_update import session_update
from tui_voice.realtime.wire import encode
from tui_voice.runtime.learned_names import MOST_NAMES, learned_names

MEMORY = "- My dentist is Doctor Okafor, near Nanzen-ji.\n- The budget is 2,400 euros."


def test_names_of_a_memory_in_the_order_of_their_last_mention() -> None:
    assert learned_names(MEMORY) == ("Doctor Okafor", "Nanzen-ji")
    assert learned_names(f"{MEMORY}\n- I met Okafor and Marit.")[:2] == ("Okafor", "Marit")
    many = "\n".join(f"- He met Name{chr(97 + n % 26)}{chr(97 + n // 26)}." for n in range(100))
    assert len(learned_names(many)) == MOST_NAMES
    assert learned_names("") == ()


@pytest.mark.parametrize(
    ("model", "keywords", "prompt"),
    [
        ("gpt-transcribe", ["Lisbon", "Okafor"], "About teeth."),
        ("gpt-4o-transcribe", ["Lisbon"], "About teeth. Okafor."),
        ("gpt-realtime-whisper", ["Lisbon"], "About teeth."),
    ],
)
def test_names_are_keywords_or_a_part_of_the_prompt(
    model: str, keywords: list[str], prompt: str
) -> None:
    config = ServerSessionConfig(
        model="m",
        transcription_model=model,
        keywords=("Lisbon",),
        names=("Okafor",),
        transcription_prompt="About teeth.",
    )
    source: Any = session_update(config).session.audio.input.transcription
    assert (source.keywords, source.prompt) == (keywords, prompt)
    assert b"Okafor" not in encode(session_update(config.essential()))


async def test_a_session_tells_new_names_on_this_connection_and_on_later_ones(
    tmp_path: Path,
) -> None:
    told: list[tuple[str, ...]] = []
    begun: list[tuple[str, ...]] = []

    class Client(RealtimeClient):
        def __init__(self, address: Any, config: ServerSessionConfig, pricing: Any) -> None:
            super().__init__(address, config, pricing)
            begun.append(config.names)

        def encode(self, outgoing: Outgoing) -> Any:
            if isinstance(outgoing, x.SetNames):
                told.append(outgoing.names)
            return super().encode(outgoing)

    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, new_client=Client, learn_names=True) as harness,
    ):
        harness.session.post(e.MemoryEdited(text=MEMORY))
        await harness.event(e.ItemPlaced)
        await harness.say("hello")
        connection = harness.backend._connection.current
        await asyncio.wrap_future(harness.session.call(connection.close()))
        await harness.until(lambda _: len(begun) > 1)
    assert told == [("Doctor Okafor", "Nanzen-ji")]
    assert begun[0] == ()
    assert begun[-1] == told[0]
