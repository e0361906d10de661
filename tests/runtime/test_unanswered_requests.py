"""Requests whose answers do not come: the connection was lost, or the server never answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.patience_harness import patience
from tests.runtime.fault_proxy_harness import FaultProxy, Step, fault_proxy
from tests.runtime.session_harness import SessionHarness, running_session, toy_server, utterance
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.realtime.client import RealtimeClient
from tui_voice.runtime.live import TOO_SLOW
from tui_voice.runtime.outbox import MAX_AUDIO_FRAMES

SOON = ConversationTimeouts(reply_s=1.0)
CUT_BY_LOSS = 'A lost connection cut off the reply. Say "go on" to hear the rest.'


def requested(proxy: FaultProxy) -> int:
    return sum(step.type == "response.create" for step in proxy.seen)


def log(harness: SessionHarness) -> list[str]:
    return [notice.text for notice in harness.snapshot.ledger.notices]


# ── the connection was lost ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "step",
    [
        Step("down", "conversation.item.done", 1),
        Step("up", "response.create", 1),
        Step("down", "response.created", 1),
        Step("down", "response.output_audio.delta", 1),
    ],
    ids=str,
)
async def test_a_reply_that_had_not_begun_is_requested_again(tmp_path: Path, step: Step) -> None:
    async with (
        toy_server() as server,
        fault_proxy(server.url, step, "cut") as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await harness.event(e.ConnectionLost)
        await harness.event(e.ResponseDone)
        await harness.settled()
        worded = [turn for turn in harness.turns() if turn[1]]
        assert worded == [("user", "one two three"), ("assistant", "one two three")]
        assert all(turn.text or turn.note for turn in harness.snapshot.ledger.turns)
        assert 1 <= requested(proxy) <= 2  # the first may not have come so far
        assert [f.status for f in harness.events if isinstance(f, e.ResponseDone)] == ["completed"]
        assert log(harness) == []


async def test_a_reply_that_was_stopped_is_not_requested_again(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.tts.may_continue.clear()
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await harness.event(e.ResponseStarted)
        harness.session.post(e.StopPressed())
        await harness.event(e.StopPressed)
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        engines.tts.may_continue.set()
        await harness.online()
        await harness.say("yes")
        assert requested(proxy) == 2
        assert [text for role, text in harness.turns() if role == "user"] == [
            "one two three",
            "yes",
        ]
        assert harness.turns()[-1] == ("assistant", "yes")


async def test_a_reply_that_was_played_in_part_is_kept(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="wait"))
        await harness.event(e.AudioReceived)
        proxy.cut_oldest()
        await harness.event(e.ReplyCut)
        engines.llm.may_continue.set()
        await harness.online()
        last = harness.snapshot.ledger.turns.last
        assert last is not None
        assert (last.text, last.note) == ("one two three,", "cut off by a lost connection")
        assert log(harness) == [CUT_BY_LOSS]
        await harness.say("yes")
        assert requested(proxy) == 2
        assert log(harness) == [CUT_BY_LOSS]


async def test_speech_during_the_outage_is_answered_together_with_the_open_question(
    tmp_path: Path,
) -> None:
    """A question waits for its reply, the connection is lost, and the user speaks before it is
    back. The new server session receives that speech together with our request for the reply.
    Each connection carries one request at most.
    """
    engines = ToyEngines()
    engines.tts.may_continue.clear()
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        harness.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await harness.event(e.ResponseStarted)
        harness.endpoint.url = "ws://127.0.0.1:9/v1/realtime"
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        await harness.feed(utterance("hello Anna"))
        engines.tts.may_continue.set()
        harness.endpoint.url = proxy.url
        await harness.until(lambda _: harness.turns()[-1] == ("assistant", "hello Anna"))
        await harness.settled()
        said = [text for role, text in harness.turns() if role == "user" and text]
        assert said == ["one two three", "hello Anna"]
        answers = [text for role, text in harness.turns() if role == "assistant" and text]
        assert "hello Anna" in answers
        assert answers.count("one two three") <= 1
        assert requested(proxy) <= 3  # with the one for the title, which may have been sent already


async def test_speech_without_a_transcript_is_sent_again(tmp_path: Path) -> None:
    """Its audio is all there is of it, until the reply shows that the model understood it."""
    engines = ToyEngines()
    engines.stt.fails = True
    engines.tts.may_continue.clear()
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(utterance("hello Anna"))
        await harness.event(e.TranscriptFailed)
        engines.stt.fails = False
        proxy.cut_oldest()
        lost = await harness.event(e.ConnectionLost)
        engines.tts.may_continue.set()
        await harness.until(lambda _: harness.turns()[-1] == ("assistant", "hello Anna"))
        assert len(lost.again) == 1
        assert harness.snapshot.ledger.turns.get(lost.again[0]) is None, "the new turn replaces it"


async def test_a_connection_that_is_too_slow_for_the_voice_is_reported_once(
    tmp_path: Path,
) -> None:
    class Congested(RealtimeClient):
        async def write(self, frame: bytes) -> None:
            if b"input_audio_buffer.append" in frame:
                await asyncio.Event().wait()
            await super().write(frame)

    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, new_client=Congested) as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(bytes((MAX_AUDIO_FRAMES + 10) * 20 * BYTES_PER_MS))
        await harness.until(lambda _: log(harness))
        await harness.feed(bytes(20 * BYTES_PER_MS))
        assert log(harness) == [TOO_SLOW]


# ── the server never answers ──────────────────────────────────────────────────────────────────


async def test_a_reply_that_never_ends_is_given_up(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.llm.may_continue.clear()
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path, waits=SOON) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="wait"))
        given_up = await harness.event(e.ReplyOverdue)
        assert given_up.waited_for
        await harness.until(lambda s: s.state is State.IDLE)
        await harness.event(e.ResponseDone, lambda done: done.status == "cancelled")
        assert any(step.type == "response.cancel" for step in proxy.seen)
        reply = next(turn for turn in harness.snapshot.ledger.turns if turn.role == "assistant")
        assert (reply.text, reply.note) == ("one two three,", "not finished by the server")
        assert 'Say "go on"' in log(harness)[0]
        await harness.say("yes")


async def test_a_server_that_answers_nothing_at_all(tmp_path: Path) -> None:
    async with (
        ignores_everything() as (url, requests),
        running_session(url, tmp_path, waits=SOON) as harness,
    ):
        for number in (1, 2):
            since = len(harness.events)
            harness.session.post(e.TextSubmitted(item_id=f"q{number}", text="hello"))
            await harness.event(e.ReplyOverdue, since=since)
            await harness.until(lambda s: s.state is State.IDLE)
        assert log(harness) == ["No answer came within 1 s. Please ask again."] * 2
        async with asyncio.timeout(patience(10)):
            while len(requests) < 6:  # noqa: ASYNC110  (no event tells that the server has read it)
                await asyncio.sleep(0.01)
    assert requests == ["conversation.item.create", "response.create", "response.cancel"] * 2


@asynccontextmanager
async def ignores_everything() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that opens a session and then ignores all requests, which are listed."""
    requests: list[str] = []

    async def handle(connection: ServerConnection) -> None:
        session = {"type": "realtime", "id": "s"}
        created = {"type": "session.created", "event_id": "e", "session": session}
        await connection.send(json.dumps(created))
        await connection.recv()
        await connection.send(json.dumps(created | {"type": "session.updated"}))
        async for frame in connection:
            requests.append(json.loads(frame)["type"])

    async with serve(handle, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime", requests
