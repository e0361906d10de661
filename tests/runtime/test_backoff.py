"""When a lost connection is tried again, and what ends that wait early."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.runtime.fault_proxy_harness import Step, fault_proxy
from tests.runtime.session_harness import SHORT_TIMEOUTS, running_session, toy_server
from tui_voice.conversation import events as e
from tui_voice.runtime import sleep_detection
from tui_voice.runtime.timeouts import ConnectionTimeouts


@asynccontextmanager
async def overloaded() -> AsyncIterator[str]:
    """A server that is overloaded and closes every connection."""

    async def handle(connection: ServerConnection) -> None:
        await connection.close(1013, "busy")

    async with serve(handle, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"


class Clock:
    """The wall clock; once `sleeps` is set, an hour passes each time that it is read."""

    def __init__(self) -> None:
        self.sleeps = False
        self._slept = 0.0

    def time(self) -> float:
        self._slept += 3600 if self.sleeps else 0
        return time.time() + self._slept


def test_delays_double_up_to_a_limit_and_vary() -> None:
    timeouts = ConnectionTimeouts()
    for attempt in range(12):
        delays = {timeouts.retry_delay_s(attempt, 0.0, answered=True) for _ in range(50)}
        longest = min(15.0, 0.25 * 2**attempt)
        assert longest / 2 <= min(delays) <= max(delays) <= longest
        assert len(delays) > 40


@pytest.mark.parametrize(("outage_s", "most"), [(0, 1.0), (600, 1.0), (1800, 3.0), (86_400, 5.0)])
def test_attempts_that_do_not_leave_this_machine_are_made_often(
    outage_s: float, most: float
) -> None:
    timeouts = ConnectionTimeouts()
    delays = [timeouts.retry_delay_s(30, outage_s, answered=False, cheap=True) for _ in range(50)]
    assert max(delays) <= most
    assert min(delays) >= most / 2


@pytest.mark.parametrize(("outage_s", "most"), [(0, 1.0), (20, 1.0), (60, 3.0), (3600, 15.0)])
def test_attempts_without_an_answer_are_made_often_at_first(outage_s: float, most: float) -> None:
    assert ConnectionTimeouts().retry_delay_s(30, outage_s, answered=False) <= most


async def test_the_meters_have_the_time_of_the_next_attempt(tmp_path: Path) -> None:
    one_hour = replace(SHORT_TIMEOUTS, first_retry_s=3600, max_retry_s=3600)
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        assert harness.session.meters().retry_at is None
    async with (
        overloaded() as url,
        running_session(url, tmp_path / "b", timeouts=one_hour, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
        await harness.until_on_loop(lambda: harness.session.meters().retry_at is not None)
        retry_at = harness.session.meters().retry_at
        assert retry_at is not None
        assert lost.retry_in is not None
        assert 0 < retry_at - time.monotonic() <= lost.retry_in


@pytest.mark.parametrize("by", ["typing", "key"])
async def test_typing_or_the_talk_key_ends_the_wait_for_the_next_attempt(
    tmp_path: Path, by: str
) -> None:
    one_hour = replace(SHORT_TIMEOUTS, first_retry_s=3600, max_retry_s=3600)
    async with (
        overloaded() as url,
        toy_server() as server,
        running_session(url, tmp_path, timeouts=one_hour, wait_online=False) as harness,
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


async def test_turns_that_wait_for_a_connection_are_counted(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        fault_proxy(server.url) as proxy,
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


async def test_a_connection_that_died_during_a_sleep_is_noticed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ping is due for an hour; the wall clock jumps."""
    timeouts = replace(SHORT_TIMEOUTS, ping_s=3600, sleep_check_s=0.01, alive_s=0.05)
    clock = Clock()
    monkeypatch.setattr(sleep_detection, "time", clock)
    stalled = Step("up", "conversation.item.create", 2)
    async with (
        toy_server() as server,
        fault_proxy(server.url, stalled, "stall") as proxy,
        running_session(proxy.url, tmp_path, timeouts=timeouts) as harness,
    ):
        await harness.say("hello")
        harness.session.post(e.TextSubmitted(item_id="q", text="one two"))
        await harness.until_on_loop(lambda: proxy.done)
        clock.sleeps = True
        lost = await harness.event(e.ConnectionLost)
        await harness.until(lambda _: harness.turns()[-1] == ("assistant", "one two"))
    assert lost.reason == "the server did not answer after this machine woke up"


async def test_the_end_of_a_sleep_ends_the_wait_for_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = replace(SHORT_TIMEOUTS, first_retry_s=3600, max_retry_s=3600, sleep_check_s=0.01)
    clock = Clock()
    monkeypatch.setattr(sleep_detection, "time", clock)
    async with (
        overloaded() as url,
        toy_server() as server,
        running_session(url, tmp_path, timeouts=timeouts, wait_online=False) as harness,
    ):
        await harness.event(e.ConnectionLost)
        harness.endpoint.url = server.url
        clock.sleeps = True
        await harness.online()
