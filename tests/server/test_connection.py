"""A whole connection in memory: threads at work, bounds held, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator

import pytest

from tests.server.desk import SILENCE
from tests.server.engines import ToneSynthesiser, ToyEngines, speech
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import decode_server
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputText, Message
from tui_voice.realtime.wire.server import ServerEvent
from tui_voice.realtime.wire.session import Audio, AudioInput, Realtime, ServerVad
from tui_voice.server.connection import Connection
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.jobs import Fact, Reply, Speak, Transcribe
from tui_voice.server.limits import Limits
from tui_voice.server.memory import InMemoryLink
from tui_voice.server.workers import Workers


@pytest.fixture
def engines() -> ToyEngines:
    return ToyEngines()


@pytest.fixture
async def link(engines: ToyEngines) -> AsyncIterator[InMemoryLink]:
    async with InMemoryLink(engines) as link:
        assert isinstance(await link.receive(), s.SessionCreated)
        yield link


def typed(text: str) -> c.ConversationItemCreate:
    return c.ConversationItemCreate(item=Message(role="user", content=[InputText(text=text)]))


async def until(link: InMemoryLink, kind: type[ServerEvent]) -> list[ServerEvent]:
    """All events up to the first of this kind, which is the last of them."""
    found: list[ServerEvent] = []
    async for event in link:
        found.append(event)
        if isinstance(event, kind):
            break
    return found


async def test_spoken_turn(link: InMemoryLink) -> None:
    sound = SILENCE * 500 + speech("hello what is the time") + SILENCE * 700
    for at in range(0, len(sound), 1_920):
        await link.send(c.InputAudioBufferAppend(audio=sound[at : at + 1_920]))
    events = await until(link, s.ResponseDone)
    said = [e for e in events if isinstance(e, s.ResponseOutputAudioTranscriptDone)]
    assert [e.transcript for e in said] == ["hello what is the time"]


async def test_events_are_answered_while_engines_work(
    link: InMemoryLink, engines: ToyEngines
) -> None:
    """The model thinks, the voice speaks, and neither is in anybody's way."""
    engines.speaks.free.clear()
    await link.send(typed("hello"))
    await link.send(c.ResponseCreate())
    await until(link, s.ResponseCreated)
    await link.send(c.SessionUpdateEvent(session=Realtime(instructions="Short.")))
    await until(link, s.SessionUpdated)
    await link.send(c.ResponseCancel())
    done = (await until(link, s.ResponseDone))[-1]
    assert isinstance(done, s.ResponseDone)
    assert done.response.status == "cancelled"
    engines.speaks.free.set()
    await link.send(c.ResponseCreate())
    done = (await until(link, s.ResponseDone))[-1]
    assert isinstance(done, s.ResponseDone)
    assert done.response.status == "completed"


async def test_model_is_stopped_in_the_middle(link: InMemoryLink, engines: ToyEngines) -> None:
    engines.thinks.free.clear()
    await link.send(typed("wait"))
    await link.send(c.ResponseCreate())
    await until(link, s.ResponseOutputAudioDelta)
    await link.send(c.ResponseCancel())
    events = await until(link, s.RateLimitsUpdated)
    assert any(isinstance(e, s.ResponseDone) for e in events)


async def test_wrong_frames(link: InMemoryLink) -> None:
    for frame, code in [("{", "invalid_json"), ("[]", "invalid_event"), (b"\xff", "invalid_json")]:
        await link.send_raw(frame)
        error = await link.receive()
        assert isinstance(error, s.Error)
        assert error.error.code == code


async def test_two_talks_know_nothing_of_each_other(engines: ToyEngines) -> None:
    workers = Workers(engines)
    async with (
        InMemoryLink(workers=workers, model="a") as one,
        InMemoryLink(workers=workers, model="b") as two,
    ):
        await one.send(typed("secret"))
        await until(one, s.ConversationItemDone)
        await two.send(typed("window"))
        await two.send(c.ResponseCreate(response=c.ResponseParams(output_modalities=["text"])))
        events = await until(two, s.ResponseOutputTextDone)
        assert isinstance(events[-1], s.ResponseOutputTextDone)
        assert events[-1].text == "user: window"
    workers.close()


async def test_client_that_reads_slowly_holds_up_its_own_voice(engines: ToyEngines) -> None:
    """No more is spoken while a mebibyte waits; it goes on when there is room."""
    async with InMemoryLink(engines) as link:
        await link.receive()
        await link.send(typed("count 400"))
        await link.send(c.ResponseCreate())
        connection = link.connection
        assert connection is not None
        async with asyncio.timeout(60):
            while connection.holding == 0:
                await connection.changed()  # not in a task of its own: nothing may come between
        assert 2**20 <= connection.waiting_bytes < 2 * 2**20
        done = (await until(link, s.ResponseDone))[-1]
        assert isinstance(done, s.ResponseDone)
        assert done.response.status == "completed"


async def test_client_that_never_reads_is_let_go(engines: ToyEngines) -> None:
    workers = Workers(engines)
    connection = Connection(workers, "m", most_bytes=100_000)
    connection.equip()
    while connection.close_code == 1000:
        await connection.submit(typed("x" * 1_000))
        await asyncio.sleep(0)
    assert connection.close_code == 1008
    assert connection.waiting_bytes == 0
    assert await connection.next_frame() is None
    connection.end()
    workers.close()


async def test_reading_stops_while_too_much_audio_is_unheard(engines: ToyEngines) -> None:
    workers = Workers(engines)
    connection = Connection(workers, "m")
    append = c.InputAudioBufferAppend(audio=bytes(15 * 2**20))
    for _ in range(3):
        await connection.submit(append)
    waiting = asyncio.ensure_future(connection.submit(append))
    await asyncio.sleep(0)
    assert not waiting.done()
    connection.end()
    await waiting
    workers.close()


async def test_session_ends_at_its_cap(engines: ToyEngines) -> None:
    async with InMemoryLink(engines, limits=Limits(session_seconds=0.05)) as link:
        async for _event in link:
            pass
        assert link.connection is not None
        assert link.connection.close_code == 1001
        assert "maximum duration" in link.connection.close_reason


async def test_engines_that_cannot_be_had(engines: ToyEngines) -> None:
    workers = Workers(engines)
    connection = Connection(workers, "m")
    connection.fail("The engines are not installed.")
    connection.fail("Again.")
    frames = []
    while (frame := await connection.next_frame()) is not None:
        frames.append(decode_server(frame))
    assert [type(f) for f in frames] == [s.SessionCreated, s.Error]
    assert connection.close_code == 1011
    connection.end()
    workers.close()


async def test_idle_time_runs_on_the_clock(engines: ToyEngines) -> None:
    async with InMemoryLink(engines) as link:
        turns = ServerVad(idle_timeout_ms=5_000)
        audio = Audio(input=AudioInput(turn_detection=turns))
        await link.send(c.SessionUpdateEvent(session=Realtime(audio=audio)))
        assert link.connection is not None
        cap = link.connection.engine.deadline
        await link.send(typed("hello"))
        await link.send(c.ResponseCreate())
        await until(link, s.RateLimitsUpdated)
        assert link.connection.engine.deadline < cap - 3_000


async def test_fault_of_ours_ends_one_talk_and_no_other(engines: ToyEngines) -> None:
    class FaultError(Exception):
        pass

    def fails(text: str) -> int:
        raise FaultError(text)

    workers = Workers(engines)
    async with InMemoryLink(workers=workers) as one, InMemoryLink(workers=workers) as two:
        for link in (one, two):
            await link.send(typed("hello"))
            await until(link, s.ConversationItemDone)
        assert one.connection is not None
        one.connection.engine.replies._count = fails
        with pytest.raises(FaultError):
            await one.send(c.ResponseCreate())
        assert one.connection.close_code == 1011
        await two.send(c.ResponseCreate())
        await until(two, s.ResponseDone)
    workers.close()


async def test_engines_that_break_when_first_used() -> None:
    class Broken(ToyEngines):
        def synthesiser(self) -> ToneSynthesiser:
            raise OSError("no voice")

    async with InMemoryLink(Broken()) as link:
        events = [event async for event in link]
        assert isinstance(events[-1], s.Error)
        assert events[-1].error.message == "The engine failed: OSError: no voice"
        assert link.connection is not None
        assert link.connection.close_code == 1011


async def test_job_that_nobody_waits_for_any_more_is_not_done(engines: ToyEngines) -> None:
    workers = Workers(engines)
    stop = threading.Event()
    stop.set()
    facts: list[Fact] = []
    workers.start("a", Speak(1, "hello", "marin", 1.0, stop=stop), facts.append)
    workers.start("a", Transcribe(2, b"", stop=stop), facts.append)
    workers.start("a", Reply(3, ReplyRequest("", []), stop), facts.append)
    done = threading.Event()
    for name in ("_speaking", "_hearing", "_thinking"):
        getattr(workers, name).submit("a", done.set)
        assert await asyncio.to_thread(done.wait, 5)
        done.clear()
    workers.close()
    assert facts == []


async def test_nothing_is_left_of_a_connection(engines: ToyEngines) -> None:
    workers = Workers(engines)
    gone = []
    for _ in range(5):
        link = InMemoryLink(workers=workers)
        async with link:
            await link.receive()
            await link.send(typed("one two three"))
            await link.send(c.ResponseCreate())
            await until(link, s.ResponseCreated)
            gone.append(weakref.ref(link.connection))
        del link
    workers.close()
    await asyncio.sleep(0)
    gc.collect()
    assert [ref() for ref in gone] == [None] * 5


async def test_fact_for_a_loop_that_is_closed(engines: ToyEngines) -> None:
    """A model may answer after everybody has left."""
    from tui_voice.server.jobs import SaidAll

    connection = None

    async def short() -> None:
        nonlocal connection
        connection = Connection(Workers(engines), "m")
        connection.end()

    await asyncio.to_thread(lambda: asyncio.run(short()))
    assert connection is not None
    connection._report(SaidAll(1))


def test_link_needs_somebody_to_talk_to() -> None:
    with pytest.raises(ValueError, match="either engines or workers"):
        InMemoryLink()
