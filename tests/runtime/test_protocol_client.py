"""A session runs over any `ProtocolClient`: here over one without a wire.

So a second wire protocol is one package, and the session above it is the same.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runtime.scripted_protocol_harness import (
    REPLY_MS,
    SUMMARY,
    ScriptedClient,
    ScriptedServer,
)
from tests.runtime.session_harness import NEVER, SHORT_TIMEOUTS, SessionHarness, running_session
from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import OutOfBandRequest
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.runtime import sleep_detection
from tui_voice.runtime.reconnecting_connection import ESSENTIAL_ONLY, HANDED_OVER

HELLO = [("user", "hello"), ("assistant", "hello")]


def lose(harness: SessionHarness, client: ScriptedClient, reason: CloseReason) -> None:
    """Ends the connection of this client."""

    async def on_loop() -> None:
        client.lose(reason)

    harness.session.call(on_loop())


async def test_a_typed_turn_is_answered_and_the_reply_is_played(tmp_path: Path) -> None:
    server = ScriptedServer()
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        await harness.say("hello")
        played = await harness.event(e.PlaybackFinished)
        assert harness.turns() == HELLO
        assert played.played_ms == REPLY_MS
        opened = await harness.event(e.ConnectionOpened)
        assert (opened.server_session_id, opened.model) == ("scripted_1", "toy")
        done = await harness.event(e.ResponseDone)
        assert done.usd == 0.0
    assert server.clients[0].closed


async def test_a_spoken_turn_is_committed_after_its_audio(tmp_path: Path) -> None:
    server = ScriptedServer()
    async with running_session(
        "", tmp_path, new_client=server.new_client, turn_detection="manual"
    ) as harness:
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(bytes(400 * BYTES_PER_MS))
        harness.session.post(e.TalkReleased())
        await harness.until(
            lambda _: harness.turns() == [("user", "400 ms"), ("assistant", "400 ms")]
        )


async def test_a_compaction_asks_for_a_summary_and_deletes_the_turns(tmp_path: Path) -> None:
    server = ScriptedServer()
    limits = replace(NEVER, policy="notebook", keep=2)
    async with running_session(
        "", tmp_path, new_client=server.new_client, limits=limits
    ) as harness:
        for words in ("hello", "one two", "three four"):
            await harness.say(words)
        harness.session.post(e.SummarisePressed())
        now = await harness.until(lambda s: s.ledger.memory and s.ledger.compaction is None)
        assert now.ledger.memory == SUMMARY
        [client] = server.clients
        purposes = [
            ResponseMetadata.from_wire(outgoing.metadata).purpose
            for outgoing in client.written
            if isinstance(outgoing, OutOfBandRequest)
        ]
        assert "summary" in purposes
        assert any(isinstance(outgoing, x.DeleteItem) for outgoing in client.written)
        assert [text for text in client.items.values() if SUMMARY in text]
        assert "hello" not in client.items.values()


async def test_an_item_is_retrieved(tmp_path: Path) -> None:
    server = ScriptedServer()
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        await harness.say("hello")
        user, _reply = harness.snapshot.ledger.turns
        assert await asyncio.wrap_future(harness.session.retrieve(user.id)) == "hello"
        assert await asyncio.wrap_future(harness.session.retrieve("unknown")) is None


async def test_after_a_loss_the_next_server_session_gets_the_conversation(tmp_path: Path) -> None:
    server = ScriptedServer()
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        await harness.say("hello")
        lose(harness, server.clients[0], CloseReason("the cable was cut", code=1234))
        lost = await harness.event(e.ConnectionLost)
        assert (lost.reason, lost.code) == ("the cable was cut", 1234)
        await harness.online()
        await harness.say("one two")
        first, second = server.clients
        assert first.closed
        assert list(second.items.values())[:2] == ["hello", "hello"]


async def test_a_fatal_refusal_waits_for_the_user(tmp_path: Path) -> None:
    server = ScriptedServer(refusals=[CloseReason("wrong key", fatal=True, hint="Check it.")])
    async with running_session(
        "", tmp_path, new_client=server.new_client, wait_online=False
    ) as harness:
        lost = await harness.event(e.ConnectionLost)
        assert (lost.reason, lost.hint, lost.retry_in) == ("wrong key", "Check it.", None)
        harness.session.post(e.TextSubmitted(item_id="q", text="hello"))
        await harness.until(lambda _: harness.turns() == HELLO)


async def test_a_refused_configuration_is_reported(tmp_path: Path) -> None:
    server = ScriptedServer(essential_only=True)
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        notice = await harness.event(e.Noticed)
        assert notice.text == ESSENTIAL_ONLY


async def test_a_handover_before_the_end_of_the_server_session(tmp_path: Path) -> None:
    server = ScriptedServer(expires_at=time.time() + 1)
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        await harness.say("hello")
        await harness.event(e.Noticed, lambda notice: notice.text == HANDED_OVER)
        await harness.online()
        await harness.say("one two")
        first, second = server.clients
        assert first.closed
        assert not second.closed
        assert not [event for event in harness.events if isinstance(event, e.ConnectionLost)]


async def test_after_a_sleep_the_connection_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        """Jumps by `step_s` each time that it is read."""

        slept_s = 0.0
        step_s = 0.0

        def time(self) -> float:
            self.slept_s += self.step_s
            return time.time() + self.slept_s

    clock = Clock()
    monkeypatch.setattr(sleep_detection, "time", clock)
    server = ScriptedServer()
    timeouts = replace(SHORT_TIMEOUTS, sleep_check_s=0.01)
    async with running_session(
        "", tmp_path, new_client=server.new_client, timeouts=timeouts
    ) as harness:
        clock.step_s = 3600
        await harness.until_on_loop(lambda: server.clients[0].checks > 1)
        assert harness.snapshot.ledger.connection.status == "online"
        server.clients[0].alive = False
        lost = await harness.event(e.ConnectionLost)
        assert lost.reason == "the scripted server sleeps"
