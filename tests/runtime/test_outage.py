"""While there is no line: when it is tried again, who may hasten it, and what the screen knows."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.runtime.bench import IMPATIENT, served, talk
from tests.runtime.proxy import Step, between
from tui_voice.conversation import events as e
from tui_voice.runtime import waking


def _nowhere() -> socket.socket:
    """A port that nobody listens on, and nobody else can take."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


async def test_the_screen_knows_when_the_next_try_is_and_what_waits_for_it(tmp_path: Path) -> None:
    never = replace(IMPATIENT, first=3600, longest=3600)
    async with (
        served() as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path, patience=never) as bench,
    ):
        assert bench.session.meters().retry_at is None
        proxy.cut_oldest()
        lost = await bench.fact(e.LinkLost)
        await bench.on_the_loop(lambda: bench.session.meters().retry_at is not None)
        assert lost.retry_in is not None
        retry_at = bench.session.meters().retry_at
        assert retry_at is not None
        assert 0 < retry_at - time.monotonic() <= lost.retry_in <= 1.0


@pytest.mark.parametrize("by", ["typing", "key"])
async def test_who_wants_to_talk_does_not_wait_for_the_next_try(tmp_path: Path, by: str) -> None:
    never = replace(IMPATIENT, first=3600, longest=3600)
    with closing(_nowhere()) as place:
        url = f"ws://127.0.0.1:{place.getsockname()[1]}/v1/realtime"
        async with served() as server, talk(url, tmp_path, patience=never, opening=False) as bench:
            lost = await bench.fact(e.LinkLost)
            await bench.on_the_loop(lambda: bench.session.meters().retry_at is not None)
            assert lost.retry_in is not None
            bench.place.url = server.url
            event = e.TextSubmitted(item_id="q", text="hello") if by == "typing" else None
            bench.session.post(event or e.TalkPressed())
            await bench.online()
            if by == "typing":
                await bench.until(lambda _: bench.turns()[-1:] == [("assistant", "hello")])
        meters = bench.session.meters()
    assert (meters.retry_at, meters.held_turns) == (None, 0)


async def test_turns_that_wait_for_a_line_are_counted(tmp_path: Path) -> None:
    async with (
        served() as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        await bench.say("hello")
        bench.place.url = "ws://127.0.0.1:9/v1/realtime"
        proxy.cut_oldest()
        await bench.fact(e.LinkLost)
        for number in range(3):
            bench.session.post(e.TextSubmitted(item_id=f"q{number}", text=f"one {number}"))
        await bench.until(lambda s: len(s.ledger.turns) == 5)
        await bench.on_the_loop(lambda: bench.session.meters().held_turns == 3)
        bench.place.url = server.url
        await bench.until(lambda _: bench.turns()[-1] == ("assistant", "one 2"))
        await bench.on_the_loop(lambda: bench.session.meters().held_turns == 0)


async def test_a_line_that_did_not_outlive_a_sleep_is_noticed_at_waking_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ping is due for an hour; the clock on the wall jumps."""
    patience = replace(IMPATIENT, ping=3600, tick=0.01, probe=0.05)
    slept = [0.0]
    monkeypatch.setattr(waking, "time", SimpleNamespace(time=lambda: time.time() + slept[0]))
    stalled = Step("up", "conversation.item.create", 2)
    async with (
        served() as server,
        between(server.url, stalled, "stall") as proxy,
        talk(proxy.url, tmp_path, patience=patience) as bench,
    ):
        await bench.say("hello")
        line = bench.backend._line.connection
        assert line is not None
        await asyncio.wrap_future(bench.session.call(line.prove(20)))  # it lives: no complaint
        bench.session.post(e.TextSubmitted(item_id="q", text="one two"))
        await bench.on_the_loop(lambda: proxy.done)
        slept[0] += 3600
        lost = await bench.fact(e.LinkLost)
        await bench.until(lambda _: bench.turns()[-1] == ("assistant", "one two"))
    assert lost.reason == "the line did not outlive the machine's sleep"


async def test_waking_up_ends_the_waiting_for_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = replace(IMPATIENT, first=3600, longest=3600, tick=0.01)
    slept = [0.0]
    monkeypatch.setattr(waking, "time", SimpleNamespace(time=lambda: time.time() + slept[0]))
    with closing(_nowhere()) as place:
        url = f"ws://127.0.0.1:{place.getsockname()[1]}/v1/realtime"
        async with served() as server, talk(url, tmp_path, patience=patience, opening=False) as b:
            await b.fact(e.LinkLost)
            b.place.url = server.url
            slept[0] += 3600
            await b.online()
