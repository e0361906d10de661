"""While there is no line: when it is tried again, who may hasten it, and what the screen knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.runtime.proxy_harness import Step, between
from tests.runtime.session_harness import SHORT_TIMEOUTS, running_session, toy_server
from tui_voice.conversation import events as e
from tui_voice.runtime import sleep_detection


@asynccontextmanager
async def overloaded() -> AsyncIterator[str]:
    """A server that turns everybody away, and is to be left alone for a while."""

    async def handle(connection: ServerConnection) -> None:
        await connection.close(1013, "busy")

    async with serve(handle, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"


class Clock:
    """The clock on the wall; once `sleeps` is set, an hour goes by between any two looks at it."""

    def __init__(self) -> None:
        self.sleeps = False
        self._slept = 0.0

    def time(self) -> float:
        self._slept += 3600 if self.sleeps else 0
        return time.time() + self._slept


async def test_the_screen_knows_when_the_next_try_is(tmp_path: Path) -> None:
    never = replace(SHORT_TIMEOUTS, first=3600, longest=3600)
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        assert harness.session.meters().retry_at is None
    async with (
        overloaded() as url,
        running_session(url, tmp_path / "b", timeouts=never, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
        await harness.until_on_loop(lambda: harness.session.meters().retry_at is not None)
        retry_at = harness.session.meters().retry_at
        assert retry_at is not None
        assert lost.retry_in is not None
        assert 0 < retry_at - time.monotonic() <= lost.retry_in


@pytest.mark.parametrize("by", ["typing", "key"])
async def test_who_wants_to_talk_does_not_wait_for_the_next_try(tmp_path: Path, by: str) -> None:
    never = replace(SHORT_TIMEOUTS, first=3600, longest=3600)
    async with (
        overloaded() as url,
        toy_server() as server,
        running_session(url, tmp_path, timeouts=never, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
        await harness.until_on_loop(lambda: harness.session.meters().retry_at is not None)
        assert (lost.code, (lost.retry_in or 0) > 1000) == (1013, True)
        harness.endpoint.url = server.url
        event = e.TextSubmitted(item_id="q", text="hello") if by == "typing" else None
        harness.session.post(event or e.TalkPressed())
        await harness.online()
        if by == "typing":
            await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "hello")])
        meters = harness.session.meters()
    assert (meters.retry_at, meters.held_turns) == (None, 0)


async def test_turns_that_wait_for_a_line_are_counted(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        between(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        await harness.say("hello")
        harness.endpoint.url = "ws://127.0.0.1:9/v1/realtime"
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        for number in range(3):
            harness.session.post(e.TextSubmitted(item_id=f"q{number}", text=f"one {number}"))
        await harness.until(lambda s: len(s.ledger.turns) == 5)
        await harness.until_on_loop(lambda: harness.session.meters().held_turns == 3)
        harness.endpoint.url = server.url
        await harness.until(lambda _: harness.turns()[-1] == ("assistant", "one 2"))
        await harness.until_on_loop(lambda: harness.session.meters().held_turns == 0)


async def test_a_line_that_did_not_outlive_a_sleep_is_noticed_at_waking_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ping is due for an hour; the clock on the wall jumps."""
    patience = replace(SHORT_TIMEOUTS, ping=3600, tick=0.01, probe=0.05)
    clock = Clock()
    monkeypatch.setattr(sleep_detection, "time", clock)
    stalled = Step("up", "conversation.item.create", 2)
    async with (
        toy_server() as server,
        between(server.url, stalled, "stall") as proxy,
        running_session(proxy.url, tmp_path, timeouts=patience) as harness,
    ):
        await harness.say("hello")
        line = harness.backend._line.connection
        assert line is not None
        await asyncio.wrap_future(harness.session.call(line.prove(20)))  # it lives: no complaint
        harness.session.post(e.TextSubmitted(item_id="q", text="one two"))
        await harness.until_on_loop(lambda: proxy.done)
        clock.sleeps = True
        lost = await harness.event(e.ConnectionLost)
        await harness.until(lambda _: harness.turns()[-1] == ("assistant", "one two"))
    assert lost.reason == "the line did not outlive the machine's sleep"


async def test_waking_up_ends_the_waiting_for_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = replace(SHORT_TIMEOUTS, first=3600, longest=3600, tick=0.01)
    clock = Clock()
    monkeypatch.setattr(sleep_detection, "time", clock)
    async with (
        overloaded() as url,
        toy_server() as server,
        running_session(url, tmp_path, timeouts=patience, wait_online=False) as harness,
    ):
        await harness.event(e.ConnectionLost)
        harness.endpoint.url = server.url
        clock.sleeps = True
        await harness.online()
