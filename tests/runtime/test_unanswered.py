"""Questions whose answers do not come: the line broke before them, or the server never ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.runtime.bench import Bench, served, spoken, talk
from tests.runtime.proxy import Proxy, Step, between
from tests.server.engines import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.runtime.live import TOO_SLOW
from tui_voice.runtime.outbox import Outbox

SOON = 0.2
"""Seconds of silence from a server that nothing will ever end: how long does not matter."""
CUT_BY_LINE = 'The reply was cut by the line: say "go on" for the rest.'


def asked(proxy: Proxy) -> int:
    return sum(step.type == "response.create" for step in proxy.seen)


def log(bench: Bench) -> list[str]:
    return [notice.text for notice in bench.now.ledger.notices]


# ── the line broke ───────────────────────────────────────────────────────────────────────────


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
async def test_an_answer_that_had_not_begun_is_asked_for_again(tmp_path: Path, step: Step) -> None:
    async with (
        served() as server,
        between(server.url, step, "cut") as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        bench.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await bench.fact(e.ConnectionLost)
        await bench.fact(e.ResponseDone)
        await bench.settled()
        worded = [turn for turn in bench.turns() if turn[1]]
        assert worded == [("user", "one two three"), ("assistant", "one two three")]
        assert all(turn.text or turn.note for turn in bench.now.ledger.turns)
        assert 1 <= asked(proxy) <= 2  # the first may not have come so far
        assert [f.status for f in bench.facts if isinstance(f, e.ResponseDone)] == ["completed"]
        assert log(bench) == []


async def test_an_answer_that_was_stopped_is_not_asked_for_again(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.speaks.free.clear()
    async with (
        served(engines) as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        bench.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await bench.fact(e.ResponseStarted)
        bench.session.post(e.StopPressed())
        await bench.fact(e.StopPressed)
        proxy.cut_oldest()
        await bench.fact(e.ConnectionLost)
        engines.speaks.free.set()
        await bench.online()
        await bench.say("yes")
        assert asked(proxy) == 2
        assert [text for role, text in bench.turns() if role == "user"] == ["one two three", "yes"]
        assert bench.turns()[-1] == ("assistant", "yes")


async def test_an_answer_that_was_heard_in_part_stays(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.thinks.free.clear()
    async with (
        served(engines) as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        bench.session.post(e.TextSubmitted(item_id="q", text="wait"))
        await bench.fact(e.AudioReceived)
        proxy.cut_oldest()
        await bench.fact(e.ReplyCut)
        engines.thinks.free.set()
        await bench.online()
        last = bench.now.ledger.turns.last
        assert last is not None
        assert (last.text, last.note) == ("one two three,", "cut by the line")
        assert log(bench) == [CUT_BY_LINE]
        await bench.say("yes")
        assert asked(proxy) == 2
        assert log(bench) == [CUT_BY_LINE]


async def test_who_speaks_on_meanwhile_is_answered(tmp_path: Path) -> None:
    """A question waits for its answer, the line goes, and something else is said before it is
    back: the server hears that while it is asked for the answer. We ask once on each line; a
    server that is done with its own answer before that comes to it answers both in a second one.
    """
    engines = ToyEngines()
    engines.speaks.free.clear()
    async with (
        served(engines) as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        bench.session.post(e.TalkPressed())
        await bench.until(lambda s: s.microphone_open)
        bench.session.post(e.TextSubmitted(item_id="q", text="one two three"))
        await bench.fact(e.ResponseStarted)
        bench.place.url = "ws://127.0.0.1:9/v1/realtime"
        proxy.cut_oldest()
        await bench.fact(e.ConnectionLost)
        await bench.feed(spoken("hello Anna"))
        engines.speaks.free.set()
        bench.place.url = proxy.url
        await bench.until(lambda _: bench.turns()[-1] == ("assistant", "hello Anna"))
        await bench.settled()
        said = [text for role, text in bench.turns() if role == "user" and text]
        assert said == ["one two three", "hello Anna"]
        answers = [text for role, text in bench.turns() if role == "assistant" and text]
        assert "hello Anna" in answers
        assert answers.count("one two three") <= 1
        assert asked(proxy) <= 2


async def test_a_question_that_could_not_be_written_down_is_said_again(tmp_path: Path) -> None:
    """Its sound is all there is of it, until the answer shows that it was understood."""
    engines = ToyEngines()
    engines.hears.breaks = True
    engines.speaks.free.clear()
    async with (
        served(engines) as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path) as bench,
    ):
        bench.session.post(e.TalkPressed())
        await bench.until(lambda s: s.microphone_open)
        await bench.feed(spoken("hello Anna"))
        await bench.fact(e.TranscriptFailed)
        engines.hears.breaks = False
        proxy.cut_oldest()
        lost = await bench.fact(e.ConnectionLost)
        engines.speaks.free.set()
        await bench.until(lambda _: bench.turns()[-1] == ("assistant", "hello Anna"))
        assert len(lost.again) == 1
        gap = bench.now.ledger.turns.get(lost.again[0])
        assert gap is not None
        assert (gap.text, gap.note) == ("", "said again on a new line")


async def test_a_line_that_is_too_slow_for_the_voice_is_told_once(tmp_path: Path) -> None:
    async with served() as server, talk(server.url, tmp_path) as bench:
        line = bench.backend._line.connection
        assert line is not None
        line._outbox = Outbox(sound_kept=0)  # as if nothing ever went out
        bench.session.post(e.TalkPressed())
        await bench.until(lambda s: s.microphone_open)
        await bench.feed(spoken("hello Anna"))
        await bench.until(lambda _: line.dropped > 5)
        assert log(bench) == [TOO_SLOW]


# ── the server never ends ────────────────────────────────────────────────────────────────────


async def test_a_reply_that_never_ends_is_given_up_and_the_talk_goes_on(tmp_path: Path) -> None:
    engines = ToyEngines()
    engines.thinks.free.clear()
    async with (
        served(engines) as server,
        between(server.url) as proxy,
        talk(proxy.url, tmp_path, reply_patience=SOON) as bench,
    ):
        bench.session.post(e.TextSubmitted(item_id="q", text="wait"))
        given_up = await bench.fact(e.ReplyOverdue)
        assert given_up.waited_for
        await bench.until(lambda s: s.state is State.IDLE)
        engines.thinks.free.set()
        await bench.fact(e.ResponseDone, lambda done: done.status == "cancelled")
        assert any(step.type == "response.cancel" for step in proxy.seen)
        reply = next(turn for turn in bench.now.ledger.turns if turn.role == "assistant")
        assert (reply.text, reply.note) == ("one two three,", "not finished by the server")
        assert 'say "go on"' in log(bench)[0]
        await bench.say("yes")


async def test_a_server_that_answers_nothing_at_all(tmp_path: Path) -> None:
    async with deaf() as (url, heard), talk(url, tmp_path, reply_patience=SOON) as bench:
        for number in (1, 2):
            since = len(bench.facts)
            bench.session.post(e.TextSubmitted(item_id=f"q{number}", text="hello"))
            await bench.fact(e.ReplyOverdue, since=since)
            await bench.until(lambda s: s.state is State.IDLE)
        assert log(bench) == ["No answer came within 0.2 s: say it once more."] * 2
    assert heard == ["conversation.item.create", "response.create", "response.cancel"] * 2


@asynccontextmanager
async def deaf() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that opens a session and then does nothing that it is asked; what it was asked."""
    heard: list[str] = []

    async def handle(connection: ServerConnection) -> None:
        session = {"type": "realtime", "id": "s"}
        created = {"type": "session.created", "event_id": "e", "session": session}
        await connection.send(json.dumps(created))
        await connection.recv()
        await connection.send(json.dumps(created | {"type": "session.updated"}))
        async for frame in connection:
            heard.append(json.loads(frame)["type"])

    async with serve(handle, "127.0.0.1", 0) as socket:
        yield f"ws://127.0.0.1:{socket.sockets[0].getsockname()[1]}/v1/realtime", heard
