"""Connecting to servers that refuse, send nothing or go away; handover before a time limit."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.runtime.fault_proxy_harness import fault_proxy
from tests.runtime.scripted_protocol_harness import ScriptedClient, ScriptedServer
from tests.runtime.session_harness import SHORT_TIMEOUTS, running_session, toy_server
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.protocol.client import ServerSessionInfo
from tui_voice.protocol.messages import Incoming, Resend
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.realtime.client import RealtimeClient
from tui_voice.runtime.backoff import GAVE_UP
from tui_voice.runtime.reconnecting_connection import (
    ESSENTIAL_ONLY,
    HANDED_OVER,
    ReconnectingConnection,
)
from tui_voice.server.limits import SessionLimits

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def server_that(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime"


async def send(connection: ServerConnection, type: str, **fields: Any) -> None:
    await connection.send(json.dumps({"type": type, "event_id": "e", **fields}))


async def receive(connection: ServerConnection) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(await connection.recv())
    return loaded


# ── new attempts ─────────────────────────────────────────────────────────────────────────────


async def test_it_tries_again_until_a_server_answers(tmp_path: Path) -> None:
    """Attempts that fail for the same reason are reported once, however many there are."""
    async with server_that(lambda _: asyncio.sleep(0)) as gone:
        pass
    async with running_session(gone, tmp_path, wait_online=False) as harness:
        first = await harness.event(e.ConnectionLost)
        await harness.until_on_loop(lambda: harness.endpoint.asked > 5)
        assert "no server answers" in first.reason
        assert first.retry_in is not None
        assert harness.snapshot.ledger.connection.status == "reconnecting"
        async with toy_server() as server:
            harness.endpoint.url = server.url
            await harness.online()
            await harness.say("hello")
        reported = [
            type(f) for f in harness.events if isinstance(f, e.ConnectionOpening | e.ConnectionLost)
        ]
    assert reported[:2] == [e.ConnectionOpening, e.ConnectionLost]
    assert [
        f for f in harness.events if isinstance(f, e.ConnectionLost) and f.reason == first.reason
    ] == [first]


async def test_after_a_refused_key_the_next_attempt_waits_for_the_user(
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
        opened = [event for event in harness.events if isinstance(event, e.ConnectionOpening)]
        assert len(opened) == 2


async def test_delays_grow_where_a_server_ends_each_session_at_once(tmp_path: Path) -> None:
    """No connection lasts long enough to count as stable."""

    async def closes_at_once(connection: ServerConnection) -> None:
        await send(connection, "session.created", session={"type": "realtime", "id": "s"})
        await receive(connection)
        await send(connection, "session.updated", session={"type": "realtime", "id": "s"})
        await connection.close(1011)

    timeouts = replace(SHORT_TIMEOUTS, first_retry_s=0.001, max_retry_s=1000)
    async with (
        server_that(closes_at_once) as url,
        running_session(url, tmp_path, timeouts=timeouts, wait_online=False) as harness,
    ):
        await harness.until(
            lambda _: sum(isinstance(f, e.ConnectionLost) for f in harness.events) >= 6
        )
        delays = [
            event.retry_in or 0.0 for event in harness.events if isinstance(event, e.ConnectionLost)
        ]
    for number, delay in enumerate(delays):
        assert delay >= 0.0005 * 2**number


@asynccontextmanager
async def ends_each_session_at_once(seen: list[str]) -> AsyncIterator[str]:
    """A server that configures each session and then breaks the connection, without a close code.

    `seen`: gets the types of all messages of the client.
    """

    async def handle(connection: ServerConnection) -> None:
        seen.append("opened")
        await send(connection, "session.created", session={"type": "realtime", "id": "s"})
        seen.append((await receive(connection))["type"])
        await send(connection, "session.updated", session={"type": "realtime", "id": "s"})
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(0.02):
                while True:
                    seen.append((await receive(connection))["type"])
        connection.transport.abort()

    async with server_that(handle) as url:
        yield url


async def test_a_server_that_ends_each_session_at_once_is_given_up_until_the_user_acts(
    tmp_path: Path,
) -> None:
    """The history is not sent to it again and again, and the question is not asked ten times."""
    seen: list[str] = []
    timeouts = replace(SHORT_TIMEOUTS, probation_s=0.1)
    async with (
        toy_server() as server,
        fault_proxy(server.url) as proxy,
        ends_each_session_at_once(seen) as url,
        running_session(proxy.url, tmp_path, timeouts=timeouts) as harness,
    ):
        await harness.say("hello Anna")
        harness.endpoint.url = url
        proxy.cut_all()
        lost = await harness.event(e.ConnectionLost, lambda event: event.retry_in is None)
        opened, seeds = seen.count("opened"), seen.count("conversation.item.create")
        assert opened == timeouts.most_short_connections
        assert 0 < seeds <= 2 * 2  # two turns, on two connections
        assert "response.create" not in seen
        assert harness.snapshot.ledger.connection.status == "offline"
        assert lost.hint == GAVE_UP
        harness.endpoint.url = server.url
        await harness.say("still there")
        assert seen.count("opened") == opened
        assert harness.turns()[-1] == ("assistant", "still there")


@pytest.mark.parametrize("step", ["session.created", "nothing"])
async def test_waits_grow_where_a_server_ends_each_connection_before_it_is_configured(
    tmp_path: Path, step: str
) -> None:
    async def handle(connection: ServerConnection) -> None:
        if step == "session.created":
            await send(connection, "session.created", session={"type": "realtime", "id": "s"})
            await receive(connection)
        connection.transport.abort()

    timeouts = replace(SHORT_TIMEOUTS, first_retry_s=0.001, max_retry_s=1000)
    began = time.monotonic()
    async with (
        server_that(handle) as url,
        running_session(url, tmp_path, timeouts=timeouts, wait_online=False) as harness,
    ):
        await harness.until_on_loop(lambda: harness.endpoint.asked == 9)
    assert time.monotonic() - began >= sum(0.0005 * 2**number for number in range(8))


async def test_connections_that_serve_replies_are_no_failures_however_short(
    tmp_path: Path,
) -> None:
    timeouts = replace(SHORT_TIMEOUTS, most_short_connections=2, first_retry_s=0.001)
    async with (
        toy_server() as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path, timeouts=timeouts) as harness,
    ):
        for number in range(4):
            await harness.say(f"hello {number}")
            proxy.cut_all()
            await harness.until(lambda s: s.ledger.connection.status != "online")
            await harness.online()
        losses = [event for event in harness.events if isinstance(event, e.ConnectionLost)]
    assert all(0 <= (lost.retry_in or 0) <= 0.001 for lost in losses)
    assert None not in {lost.retry_in for lost in losses}


async def test_the_wait_that_a_server_asks_for_is_not_shortened_by_typing(tmp_path: Path) -> None:
    asked: list[float] = []

    def limit(connection: ServerConnection, _request: Request) -> Response | None:
        asked.append(time.monotonic())
        if len(asked) > 1:
            return None
        response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "")
        response.headers["Retry-After"] = "1"
        return response

    async with (
        toy_server() as server,
        fault_proxy(server.url, process_request=limit) as proxy,
        running_session(proxy.url, tmp_path, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
        assert lost.retry_in == 1.0
        assert "limiting requests" in lost.reason
        await harness.until_on_loop(lambda: harness.session.meters().retry_at is not None)
        harness.session.post(e.TextSubmitted(item_id="q", text="hello"))
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "hello")])
    assert asked[1] - asked[0] >= 1.0


# ── configuring ──────────────────────────────────────────────────────────────────────────────


def refuses_settings(times: int, named: bool) -> Handler:
    """A server that refuses this many updates. `named`: it sends back the `event_id` of ours."""

    async def handle(connection: ServerConnection) -> None:
        await send(connection, "session.created", session={"type": "realtime", "id": "s"})
        for number in range(times + 1):
            update = await receive(connection)
            if number < times:
                await send(
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
        await send(connection, "session.updated", session=update["session"] | {"id": "s"})
        await connection.wait_closed()

    return handle


@pytest.mark.parametrize("named", [True, False])
async def test_settings_that_are_refused_are_sent_again_without_the_optional_ones(
    tmp_path: Path, named: bool
) -> None:
    async with (
        server_that(refuses_settings(1, named)) as url,
        running_session(url, tmp_path, reasoning_effort="low") as harness,
    ):
        notice = await harness.event(e.Noticed)
    assert notice.text == ESSENTIAL_ONLY


async def test_a_server_that_knows_no_logprobs_is_asked_for_all_the_rest(tmp_path: Path) -> None:
    updates: list[dict[str, Any]] = []

    async def handle(connection: ServerConnection) -> None:
        await send(connection, "session.created", session={"type": "realtime", "id": "s"})
        updates.append((await receive(connection))["session"])
        error = {"code": "unknown_parameter", "message": "Unknown parameter: 'session.include'."}
        error |= {"type": "invalid_request_error", "event_id": "update"}
        await send(connection, "error", error=error)
        updates.append((await receive(connection))["session"])
        await send(connection, "session.updated", session=updates[1] | {"id": "s"})
        await connection.wait_closed()

    async with (
        server_that(handle) as url,
        running_session(url, tmp_path, uncertain_below=0.5, language="en") as harness,
    ):
        assert not [event for event in harness.events if isinstance(event, e.Noticed)]
    first, second = updates
    assert first.pop("include") == ["item.input_audio_transcription.logprobs"]
    assert first == second


async def test_essential_settings_that_are_refused(tmp_path: Path) -> None:
    async with (
        server_that(refuses_settings(2, True)) as url,
        running_session(url, tmp_path, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
    assert lost.reason == (
        "the server refused our settings: Unknown parameter: 'session.reasoning'."
    )
    assert lost.retry_in is None
    assert "config show" in lost.hint


async def test_a_server_that_accepts_the_connection_and_sends_nothing(tmp_path: Path) -> None:
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    timeouts = replace(SHORT_TIMEOUTS, configure_s=0.05)
    async with (
        server_that(silent) as url,
        running_session(url, tmp_path, timeouts=timeouts, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
    assert "sent nothing" in lost.reason
    assert lost.retry_in is not None


async def test_a_server_that_sends_an_error_and_then_nothing(tmp_path: Path) -> None:
    async def error_only(connection: ServerConnection) -> None:
        await send(connection, "error", error={"type": "server_error", "message": "Not today."})
        await connection.wait_closed()

    timeouts = replace(SHORT_TIMEOUTS, configure_s=0.05)
    async with (
        server_that(error_only) as url,
        running_session(url, tmp_path, timeouts=timeouts, wait_online=False) as harness,
    ):
        lost = await harness.event(e.ConnectionLost)
    assert lost.reason == "Not today."


# ── handover ─────────────────────────────────────────────────────────────────────────────────

SHORT = SessionLimits(session_seconds=3)


async def test_a_handover_before_the_time_limit_loses_nothing_of_the_conversation(
    tmp_path: Path,
) -> None:
    async with toy_server(limits=SHORT) as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        await harness.speak("one two")
        handed_over = await harness.event(e.Noticed)
        await harness.online()
        await harness.say("window")
        window = harness.turns()[-1][1].split(" | ")
        await harness.speak("three four")
        connections = [
            type(event)
            for event in harness.events
            if isinstance(event, e.ConnectionOpened | e.ConnectionLost)
        ]
        notices = [event.text for event in harness.events if isinstance(event, e.Noticed)]
    assert handed_over.text == HANDED_OVER
    assert connections[:2] == [e.ConnectionOpened, e.ConnectionOpened]
    assert notices.count(handed_over.text) == len(connections) - 1
    assert [text for text in window if text.endswith(("hello Anna", "one two"))] == [
        "user: hello Anna",
        "assistant: hello Anna",
        "user: one two",
        "assistant: one two",
    ]
    assert harness.turns()[-2:] == [("user", "three four"), ("assistant", "three four")]


async def test_text_typed_during_a_handover_is_answered_once(tmp_path: Path) -> None:
    """The old connection is not in use any more, the new one not yet."""
    typed = [e.TextSubmitted(item_id="q", text="window")]

    class TypesWhenReplaced(RealtimeClient):
        async def receive(self) -> Sequence[Incoming | Resend]:
            try:
                return await super().receive()
            except asyncio.CancelledError:
                if typed:
                    harness.session.process(typed.pop())
                raise

    async with (
        toy_server(limits=SHORT) as server,
        running_session(server.url, tmp_path, new_client=TypesWhenReplaced) as harness,
    ):
        await harness.say("hello Anna")
        await harness.until(lambda _: harness.turns()[-1][1].endswith("user: window"))
        await harness.settled()
        assert harness.turns()[-1][1].split(" | ") == [
            "user: hello Anna",
            "assistant: hello Anna",
            "user: window",
        ]
        assert sum(isinstance(event, e.ResponseStarted) for event in harness.events) == 2


async def test_a_handover_waits_for_the_reply_under_way(tmp_path: Path) -> None:
    """The spare connection waits meanwhile, and takes over where the first one is lost."""
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    ready: list[ServerSessionInfo] = []

    class Noted(RealtimeClient):
        async def configure(self, timeout_s: float) -> ServerSessionInfo:
            ready.append(await super().configure(timeout_s))
            return ready[-1]

    async with (
        toy_server(engines, limits=SHORT) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path, new_client=Noted) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="typed", text="wait"))
        await harness.event(e.ResponseStarted)
        await harness.until_on_loop(lambda: len(ready) == 2)
        assert sum(isinstance(event, e.ConnectionOpened) for event in harness.events) == 1
        proxy.cut_oldest()
        lost = await harness.event(e.ConnectionLost)
        assert lost.retry_in == 0.0
        await harness.online()
        assert proxy.connections == 2
        engines.llm.may_continue.set()
        partial = harness.snapshot.ledger.turns.last
        assert partial is not None
        assert (partial.text, partial.note) == ("one two three,", "cut off by a lost connection")
        await harness.say("hello")


async def test_the_end_of_the_session_closes_both_connections(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    async with toy_server(engines, limits=SHORT) as server:
        async with (
            fault_proxy(server.url) as proxy,
            running_session(proxy.url, tmp_path) as harness,
        ):
            harness.session.post(e.TextSubmitted(item_id="typed", text="wait"))
            await harness.event(e.ResponseStarted)
            await proxy.reached(2)
            await harness.close()
            await proxy.reached(0)
        engines.llm.may_continue.set()


async def test_an_end_at_any_moment_of_a_handover_closes_both_connections() -> None:
    """The session is ended after each number of steps of the loop, also after the handover."""
    for steps in range(100):
        server = ScriptedServer(expires_at=0.0)
        connection = ReconnectingConnection(
            partial(new_scripted_client, server), lambda _incoming: None, lambda _event: None
        )
        connection.set_quiet(True)
        running = asyncio.create_task(connection.run())
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert all(client.closed for client in server.clients), steps
    assert len(server.clients) == 2


async def new_scripted_client(server: ScriptedServer) -> ScriptedClient:
    return server.new_client(None, ServerSessionConfig(model="m"), Pricing())
