"""The line: what it does about servers that refuse, fall silent, end in time, or go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.runtime.proxy_harness import between
from tests.runtime.session_harness import (
    SHORT_TIMEOUTS,
    SessionHarness,
    running_session,
    toy_server,
)
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.server.limits import SessionLimits

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def server_that(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"


async def say(connection: ServerConnection, type: str, **fields: Any) -> None:
    await connection.send(json.dumps({"type": type, "event_id": "e", **fields}))


async def hear(connection: ServerConnection) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(await connection.recv())
    return loaded


# ── trying again ─────────────────────────────────────────────────────────────────────────────


def test_pauses_double_up_to_a_bound_and_vary() -> None:
    patience = ConnectionTimeouts()
    for attempt in range(12):
        delays = {patience.back_off(attempt, 0.0, told=True) for _ in range(50)}
        full = min(15.0, 0.25 * 2**attempt)
        assert full / 2 <= min(delays) <= max(delays) <= full
        assert len(delays) > 40


@pytest.mark.parametrize(("outage", "most"), [(0, 1.0), (600, 1.0), (1800, 3.0), (86_400, 5.0)])
def test_what_costs_nobody_anything_is_tried_often(outage: float, most: float) -> None:
    delays = [ConnectionTimeouts().back_off(30, outage, told=False, cheap=True) for _ in range(50)]
    assert max(delays) <= most
    assert min(delays) >= most / 2


@pytest.mark.parametrize(("outage", "most"), [(0, 1.0), (20, 1.0), (60, 3.0), (3600, 15.0)])
def test_a_net_that_is_gone_is_looked_for_often_at_first(outage: float, most: float) -> None:
    assert ConnectionTimeouts().back_off(30, outage, told=False) <= most


async def test_it_tries_again_until_somebody_answers(tmp_path: Path) -> None:
    """Tries that fail for the same reason are told once, however many there are."""
    async with server_that(lambda _: asyncio.sleep(0)) as gone:
        pass
    async with running_session(gone, tmp_path, wait_online=False) as harness:
        first = await harness.event(e.ConnectionLost)
        await harness.until_on_loop(lambda: harness.endpoint.asked > 5)
        assert "nobody answers" in first.reason
        assert first.retry_in is not None
        assert harness.snapshot.ledger.connection.status == "reconnecting"
        async with toy_server() as server:
            harness.endpoint.url = server.url
            await harness.online()
            await harness.say("hello")
        told = [
            type(f) for f in harness.events if isinstance(f, e.ConnectionOpening | e.ConnectionLost)
        ]
    assert told[:2] == [e.ConnectionOpening, e.ConnectionLost]
    assert [
        f for f in harness.events if isinstance(f, e.ConnectionLost) and f.reason == first.reason
    ] == [first]


async def test_a_refused_key_is_not_tried_again_before_the_user_does_something(
    tmp_path: Path,
) -> None:
    async with (
        toy_server(api_key="sk-right") as strict,
        toy_server() as open_to_all,
        running_session(strict.url, tmp_path, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
        assert (lost.retry_in, lost.code) == (None, 3000)
        assert lost.reason == "Incorrect API key provided."
        assert "key" in lost.hint
        await harness.until(lambda s: s.ledger.connection.status == "offline")
        harness.endpoint.url = open_to_all.url
        harness.session.post(e.TextSubmitted(item_id="typed", text="hello"))
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "hello")])
        opened = [fact for fact in harness.events if isinstance(fact, e.ConnectionOpening)]
        assert len(opened) == 2


async def test_a_server_that_ends_its_session_at_once_is_not_stormed(tmp_path: Path) -> None:
    """Each try lasts no time at all, so the pauses go on growing."""

    async def fickle(connection: ServerConnection) -> None:
        await say(connection, "session.created", session={"type": "realtime", "id": "s"})
        await hear(connection)
        await say(connection, "session.updated", session={"type": "realtime", "id": "s"})
        await connection.close(1011)

    patience = replace(SHORT_TIMEOUTS, first=0.001, longest=1000)
    async with (
        server_that(fickle) as url,
        running_session(url, tmp_path, timeouts=patience, wait_online=False) as harness,
    ):
        await harness.until(
            lambda _: sum(isinstance(f, e.ConnectionLost) for f in harness.events) >= 6
        )
        pauses = [
            fact.retry_in or 0.0 for fact in harness.events if isinstance(fact, e.ConnectionLost)
        ]
    for number, pause in enumerate(pauses):
        assert pause >= 0.0005 * 2**number


# ── configuring ──────────────────────────────────────────────────────────────────────────────


def fastidious(refusals: int, named: bool) -> Handler:
    """A server that refuses so many settings, naming our event or only the field."""

    async def handle(connection: ServerConnection) -> None:
        await say(connection, "session.created", session={"type": "realtime", "id": "s"})
        for number in range(refusals + 1):
            update = await hear(connection)
            if number < refusals:
                await say(
                    connection,
                    "error",
                    error={
                        "type": "invalid_request_error",
                        "code": "unknown_parameter",
                        "message": "Unknown parameter: 'session.reasoning'.",
                        "param": "session.reasoning",
                        "event_id": update["event_id"] if named else None,
                    },
                )
        await say(connection, "session.updated", session=update["session"] | {"id": "s"})
        await connection.wait_closed()

    return handle


@pytest.mark.parametrize("named", [True, False])
async def test_settings_that_are_refused_are_asked_for_again_without_the_extras(
    tmp_path: Path, named: bool
) -> None:
    async with (
        server_that(fastidious(1, named)) as url,
        running_session(url, tmp_path, reasoning_effort="low") as harness,
    ):
        told = await harness.event(e.Noticed)
    assert "without them" in told.text


async def test_settings_that_are_refused_for_good(tmp_path: Path) -> None:
    async with (
        server_that(fastidious(2, True)) as url,
        running_session(url, tmp_path, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
    assert lost.reason == (
        "the server refused our settings: Unknown parameter: 'session.reasoning'."
    )
    assert lost.retry_in is None
    assert "config show" in lost.hint


async def test_a_server_that_opens_and_says_nothing(tmp_path: Path) -> None:
    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    patience = replace(SHORT_TIMEOUTS, configure=0.05)
    async with (
        server_that(mute) as url,
        running_session(url, tmp_path, timeouts=patience, wait_online=False) as b,
    ):
        lost = await b.event(e.ConnectionLost)
    assert "said nothing" in lost.reason
    assert lost.retry_in is not None


async def test_a_server_that_complains_and_then_says_nothing(tmp_path: Path) -> None:
    async def sulk(connection: ServerConnection) -> None:
        await say(connection, "error", error={"type": "server_error", "message": "Not today."})
        await connection.wait_closed()

    patience = replace(SHORT_TIMEOUTS, configure=0.05)
    async with (
        server_that(sulk) as url,
        running_session(url, tmp_path, timeouts=patience, wait_online=False) as b,
    ):
        lost = await b.event(e.ConnectionLost)
    assert lost.reason == "Not today."


# ── renewing ─────────────────────────────────────────────────────────────────────────────────

SHORT = SessionLimits(session_seconds=3)


async def test_a_session_is_renewed_before_its_end_without_a_seam(tmp_path: Path) -> None:
    async with toy_server(limits=SHORT) as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        await harness.speak("one two")
        renewed = await harness.event(e.Noticed)
        await harness.online()
        await harness.say("window")
        told = harness.turns()[-1][1].split(" | ")
        await harness.speak("three four")
        lines = [
            type(fact)
            for fact in harness.events
            if isinstance(fact, e.ConnectionOpened | e.ConnectionLost)
        ]
        notices = [fact.text for fact in harness.events if isinstance(fact, e.Noticed)]
    assert renewed.text == "The server session was renewed before its end."
    assert lines[:2] == [e.ConnectionOpened, e.ConnectionOpened]
    assert notices.count(renewed.text) == len(lines) - 1
    assert [text for text in told if text.endswith(("hello Anna", "one two"))] == [
        "user: hello Anna",
        "assistant: hello Anna",
        "user: one two",
        "assistant: one two",
    ]
    assert harness.turns()[-2:] == [("user", "three four"), ("assistant", "three four")]


async def test_what_is_typed_in_the_moment_of_the_change_is_answered(tmp_path: Path) -> None:
    """The old line has been left and the new one not been told of: it is asked there, once."""
    async with toy_server(limits=SHORT) as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        line, typed = harness.backend._line, [e.TextSubmitted(item_id="q", text="window")]
        post = line._post

        def between_lines(event: e.Event) -> None:
            if typed and isinstance(event, e.ConnectionOpened):
                line.connection, fresh = None, line.connection
                harness.session.dispatch(typed.pop())
                line.connection = fresh
            post(event)

        line._post = between_lines
        await harness.until(lambda _: harness.turns()[-1][1].endswith("user: window"))
        await harness.settled()
        assert harness.turns()[-1][1].split(" | ") == [
            "user: hello Anna",
            "assistant: hello Anna",
            "user: window",
        ]
        assert sum(isinstance(fact, e.ResponseStarted) for fact in harness.events) == 2


async def spare(harness: SessionHarness) -> None:
    """Until the second line is ready: nothing tells of it, since nobody needs to know."""
    await harness.until_on_loop(lambda: harness.backend._line._spare is not None)


async def test_nobody_is_interrupted_for_it(tmp_path: Path) -> None:
    """While a reply is being made the other line waits, and takes over should the first break."""
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    async with (
        toy_server(engines, limits=SHORT) as server,
        between(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="typed", text="wait"))
        await harness.event(e.ResponseStarted)
        await proxy.reached(2)
        await spare(harness)
        assert sum(isinstance(fact, e.ConnectionOpened) for fact in harness.events) == 1
        proxy.cut_oldest()
        lost = await harness.event(e.ConnectionLost)
        assert lost.retry_in == 0.0
        await harness.online()
        assert proxy.connections == 2
        engines.llm.may_continue.set()
        partial = harness.snapshot.ledger.turns.last
        assert partial is not None
        assert (partial.text, partial.note) == ("one two three,", "cut by the line")
        await harness.say("hello")


async def test_leaving_closes_every_line(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    async with toy_server(engines, limits=SHORT) as server:
        async with between(server.url) as proxy, running_session(proxy.url, tmp_path) as harness:
            harness.session.post(e.TextSubmitted(item_id="typed", text="wait"))
            await harness.event(e.ResponseStarted)
            await proxy.reached(2)
            await harness.close()
            await proxy.reached(0)
        engines.llm.may_continue.set()
