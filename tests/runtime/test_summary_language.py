"""A summary in the wrong language is used, with a notice; the server holds exactly its text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.chat_server_harness import chat_server, completion
from tests.runtime.session_harness import drive, running_session, settings_for, toy_server
from tests.runtime.test_summariser import ENGLISH, FRENCH
from tui_voice.config import SummarySettings
from tui_voice.conversation import events as e
from tui_voice.conversation.items import memory_text
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store.reading import read


async def test_an_item_is_read_back_from_the_server(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        first, second = harness.snapshot.ledger.turns

        async def held(item_id: str) -> str | None:
            return await asyncio.wrap_future(harness.session.retrieve(item_id))

        assert await held(first.id) == "hello Anna"
        assert await held(second.id) == "hello Anna"
        assert await held("unknown") is None
        await harness.settled()
        assert not [event for event in harness.events if isinstance(event, e.ServerErred)]


@pytest.mark.parametrize(("written", "is_wrong"), [(ENGLISH, True), (FRENCH, False)])
async def test_a_summary_in_the_wrong_language_leads_to_one_notice(
    tmp_path: Path, written: str, is_wrong: bool
) -> None:
    def answer(path: str, _body: dict[str, Any]) -> tuple[int, Any]:
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
        return 200, completion(written)

    async with toy_server() as server, chat_server(answer) as url:
        wanted = SummarySettings(by="url", url=url, language="French", probe=False)
        options = SessionOptions(settings=settings_for(server.url, summary=wanted), folder=tmp_path)

        def use(session: HeadlessSession) -> None:
            for _ in range(2):
                for number in range(6):
                    session.say(f"tell me a story about cats and dogs please, number {number}")
                session.summarise()
            ledger = session.snapshot.ledger
            assert ledger.memory == written
            held = session.retrieve(ledger.memory_id).result(30)
            assert held == memory_text(written)

        path = await drive(options, use)
    events = read(path).events
    ready = [event for event in events if isinstance(event, e.SummaryReady)]
    assert len(ready) >= 2
    shortfall = "in English, though French was asked for"
    assert {event.shortfall for event in ready} == ({shortfall} if is_wrong else {""})
    notices = [event.text for event in events if isinstance(event, e.Noticed)]
    said = [text for text in notices if shortfall in text]
    assert len(said) == is_wrong
