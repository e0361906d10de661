"""A client connection in memory: worker threads, limits, and what a closed connection leaves."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import weakref
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience_harness import patience
from tests.server.in_memory_client_harness import InMemoryClient
from tests.server.protocol_harness import SILENCE, ProtocolClient
from tests.server.toy_engines_harness import LevelDetector, ToneSynthesiser, ToyEngines, speech
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import decode_server, encode
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputText, Message
from tui_voice.realtime.wire.server import ServerEvent
from tui_voice.realtime.wire.session import Audio, AudioInput, Realtime, ServerVad
from tui_voice.server.client_connection import ClientConnection
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.jobs import JobResult, ReplyJob, SpeakJob, TranscribeJob
from tui_voice.server.limits import SessionLimits
from tui_voice.server.workers import EngineWorkers


@pytest.fixture
def engines() -> ToyEngines:
    return ToyEngines()


@pytest.fixture
def workers(engines: ToyEngines) -> Iterator[EngineWorkers]:
    workers = EngineWorkers(engines)
    yield workers
    workers.close()


@pytest.fixture
async def client(workers: EngineWorkers) -> AsyncIterator[InMemoryClient]:
    async with InMemoryClient(workers) as client:
        assert isinstance(await client.receive(), s.SessionCreated)
        yield client


def typed_turn(text: str) -> c.ConversationItemCreate:
    return c.ConversationItemCreate(item=Message(role="user", content=[InputText(text=text)]))


async def receive_until(client: InMemoryClient, kind: type[ServerEvent]) -> list[ServerEvent]:
    """Returns all events up to the first of class `kind`."""
    events: list[ServerEvent] = []
    async for event in client:
        events.append(event)
        if isinstance(event, kind):
            break
    return events


async def test_spoken_turn_gets_a_spoken_response(client: InMemoryClient) -> None:
    sound = SILENCE * 500 + speech("hello what is the time") + SILENCE * 700
    for at in range(0, len(sound), 1_920):
        await client.send(c.InputAudioBufferAppend(audio=sound[at : at + 1_920]))
    events = await receive_until(client, s.ResponseDone)
    done = [e for e in events if isinstance(e, s.ResponseOutputAudioTranscriptDone)]
    assert [e.transcript for e in done] == ["hello what is the time"]


async def test_events_are_answered_while_engines_work(
    client: InMemoryClient, engines: ToyEngines
) -> None:
    engines.tts.may_continue.clear()
    await client.send(typed_turn("hello"))
    await client.send(c.ResponseCreate())
    await receive_until(client, s.ResponseCreated)
    await client.send(c.SessionUpdateEvent(session=Realtime(instructions="Short.")))
    await receive_until(client, s.SessionUpdated)
    await client.send(c.ResponseCancel())
    done = (await receive_until(client, s.ResponseDone))[-1]
    assert isinstance(done, s.ResponseDone)
    assert done.response.status == "cancelled"
    engines.tts.may_continue.set()
    await client.send(c.ResponseCreate())
    done = (await receive_until(client, s.ResponseDone))[-1]
    assert isinstance(done, s.ResponseDone)
    assert done.response.status == "completed"


async def test_cancel_stops_a_model_in_the_middle_of_its_reply(
    client: InMemoryClient, engines: ToyEngines
) -> None:
    engines.llm.may_continue.clear()
    await client.send(typed_turn("wait"))
    await client.send(c.ResponseCreate())
    await receive_until(client, s.ResponseOutputAudioDelta)
    await client.send(c.ResponseCancel())
    events = await receive_until(client, s.RateLimitsUpdated)
    assert any(isinstance(e, s.ResponseDone) for e in events)


async def test_frames_that_are_no_events_are_answered_with_errors(client: InMemoryClient) -> None:
    for frame, code in [("{", "invalid_json"), ("[]", "invalid_event"), (b"\xff", "invalid_json")]:
        await client.send_frame(frame)
        error = await client.receive()
        assert isinstance(error, s.Error)
        assert error.error.code == code


async def test_two_connections_do_not_see_each_others_conversation(workers: EngineWorkers) -> None:
    async with InMemoryClient(workers, "a") as one, InMemoryClient(workers, "b") as two:
        await one.send(typed_turn("secret"))
        await receive_until(one, s.ConversationItemDone)
        await two.send(typed_turn("window"))
        await two.send(c.ResponseCreate(response=c.ResponseParams(output_modalities=["text"])))
        events = await receive_until(two, s.ResponseOutputTextDone)
        assert isinstance(events[-1], s.ResponseOutputTextDone)
        assert events[-1].text == "user: window"


async def test_synthesis_pauses_while_the_client_reads_slowly(client: InMemoryClient) -> None:
    """No more is synthesised while 1 MiB waits to be sent; it goes on when there is room."""
    await client.send(typed_turn("count 400"))
    await client.send(c.ResponseCreate())
    async with asyncio.timeout(patience(60)):
        while client.connection.held_jobs == 0:
            await client.connection.changed()  # not in a task: nothing may run in between
    assert 2**20 <= client.connection.unsent_bytes < 2 * 2**20
    done = (await receive_until(client, s.ResponseDone))[-1]
    assert isinstance(done, s.ResponseDone)
    assert done.response.status == "completed"


async def test_client_that_never_reads_is_disconnected(workers: EngineWorkers) -> None:
    connection = ClientConnection(workers, "m", max_unsent_bytes=100_000)
    connection.prepare_engines()
    while connection.close_code == 1000:
        await connection.receive(encode(typed_turn("x" * 1_000)))
        await asyncio.sleep(0)
    assert connection.close_code == 1008
    assert connection.unsent_bytes == 0
    assert await connection.next_frame() is None
    connection.end()


async def test_reading_stops_while_too_much_audio_is_unprocessed(workers: EngineWorkers) -> None:
    connection = ClientConnection(workers, "m")
    append = encode(c.InputAudioBufferAppend(audio=bytes(15 * 2**20)))
    for _ in range(3):
        await connection.receive(append)
    receiving = asyncio.ensure_future(connection.receive(append))
    await asyncio.sleep(0)
    assert not receiving.done()
    connection.end()
    await receiving


async def test_flooding_client_does_not_stall_others(workers: EngineWorkers) -> None:
    """Each of its events takes as long as the first, and others are served between two of them.

    10 000 created items stalled the other clients for 6 s: the work for one item grew with their
    number. The test counts turns of the event loop instead of measuring time.
    """
    async with InMemoryClient(workers) as flooding, InMemoryClient(workers) as other:
        create = encode(typed_turn("hello"))

        async def flood() -> None:
            for _ in range(2_000):
                await flooding.send_frame(create)

        async def drain() -> None:
            async for _event in flooding:
                pass

        flooded = asyncio.ensure_future(flood())
        drained = asyncio.ensure_future(drain())
        answered = 0
        while not flooded.done():
            await other.send(c.ResponseCancel())
            await receive_until(other, s.Error)
            answered += 1
        drained.cancel()
        assert answered > 500


def test_work_for_one_item_does_not_grow_with_their_number() -> None:
    client = ProtocolClient(limits=SessionLimits(max_items=3_000))
    call = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
    client.send("conversation.item.create", item=call)
    reads = 0

    class CountedItems(list[ItemRecord]):
        def __iter__(self) -> Iterator[ItemRecord]:
            nonlocal reads
            reads += 1
            return super().__iter__()

    items = client.protocol.items
    items._records = CountedItems(items._records)
    for _ in range(20):
        client.type_turn("hello")
    assert reads <= 1, "the first item collects the names of the functions"


async def test_session_ends_at_its_maximum_duration(workers: EngineWorkers) -> None:
    async with InMemoryClient(workers, limits=SessionLimits(session_seconds=0.05)) as client:
        async for _event in client:
            pass
        assert client.connection.close_code == 1001
        assert "maximum duration" in client.connection.close_reason


async def test_connection_whose_engines_cannot_be_loaded_is_closed(workers: EngineWorkers) -> None:
    connection = ClientConnection(workers, "m")
    connection.fail("The engines are not installed.")
    connection.fail("Again.")
    frames = []
    while (frame := await connection.next_frame()) is not None:
        frames.append(decode_server(frame))
    assert [type(frame) for frame in frames] == [s.SessionCreated, s.Error]
    assert connection.close_code == 1011
    connection.end()


async def test_timer_follows_a_deadline_that_comes_nearer(workers: EngineWorkers) -> None:
    """The first deadline is the end of the session; after a response it is the idle timeout.

    The clock goes on by 10 s with each reading, so that the test does not wait for 5 s.
    """
    readings = itertools.count(step=10)
    connection = ClientConnection(workers, "m", clock=lambda: float(next(readings)))
    connection.prepare_engines()
    detection = ServerVad(idle_timeout_ms=5_000)
    audio = Audio(input=AudioInput(turn_detection=detection))
    await connection.receive(encode(c.SessionUpdateEvent(session=Realtime(audio=audio))))
    await connection.receive(encode(typed_turn("hello")))
    await connection.receive(encode(c.ResponseCreate()))
    event_type = ""
    async with asyncio.timeout(patience(5)):
        while event_type != "input_audio_buffer.timeout_triggered":
            frame = await connection.next_frame()
            assert frame is not None
            event_type = decode_server(frame).type
    connection.end()


async def test_bug_in_the_server_closes_one_connection_and_no_other() -> None:
    class BugError(Exception):
        pass

    class BuggyEngines(ToyEngines):
        def count_tokens(self, text: str) -> int:
            if "bug" in text:
                raise BugError(text)
            return super().count_tokens(text)

    workers = EngineWorkers(BuggyEngines())
    async with InMemoryClient(workers) as one, InMemoryClient(workers) as two:
        for client, text in ((one, "bug"), (two, "hello")):
            await client.send(typed_turn(text))
            await receive_until(client, s.ConversationItemDone)
        with pytest.raises(BugError):
            await one.send(c.ResponseCreate())
        assert one.connection.close_code == 1011
        await two.send(c.ResponseCreate())
        await receive_until(two, s.ResponseDone)
    workers.close()


async def test_engines_that_fail_at_their_first_use_close_the_connection() -> None:
    class BrokenEngines(ToyEngines):
        def detector(self) -> LevelDetector:
            raise OSError("no detector")

    workers = EngineWorkers(BrokenEngines())
    async with InMemoryClient(workers) as client:
        events = [event async for event in client]
        assert isinstance(events[-1], s.Error)
        assert events[-1].error.message == "The engine failed: OSError: no detector"
        assert client.connection.close_code == 1011
    workers.close()


async def test_stopped_jobs_are_skipped(workers: EngineWorkers) -> None:
    stop = threading.Event()
    stop.set()
    results: list[JobResult] = []
    finished = threading.Semaphore(0)

    def report(result: JobResult) -> None:
        results.append(result)
        finished.release()

    workers.start("a", SpeakJob(1, "hello", "marin", 1.0, stop=stop), report)
    workers.start("a", TranscribeJob(2, b"", stop=stop), report)
    workers.start("a", ReplyJob(3, ReplyRequest("", []), stop), report)
    # One job for each pool, behind the stopped ones.
    workers.start("a", SpeakJob(4, "hello", "marin", 1.0), report)
    workers.start("a", TranscribeJob(5, b""), report)
    workers.start("a", ReplyJob(6, ReplyRequest("", [])), report)
    for _ in range(3):
        assert await asyncio.to_thread(finished.acquire, timeout=5)
    assert {getattr(result, "job_id", None) for result in results} == {4, 5, 6}


async def test_closed_connections_are_not_kept_in_memory(workers: EngineWorkers) -> None:
    references = []
    for _ in range(5):
        client = InMemoryClient(workers)
        async with client:
            await client.receive()
            await client.send(typed_turn("one two three"))
            await client.send(c.ResponseCreate())
            await receive_until(client, s.ResponseCreated)
            references.append(weakref.ref(client.connection))
        del client
    workers.close()
    await asyncio.sleep(0)
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


def test_job_may_finish_after_the_event_loop_has_ended(engines: ToyEngines) -> None:
    """The synthesiser is still at work when the server ends; its result is dropped.

    A worker thread that raised would fail the test: pytest reports it.
    """

    class SlowSynthesiser(ToneSynthesiser):
        started = threading.Event()

        def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
            self.started.set()
            return super().speak(text, voice, speed)

    engines.tts = synthesiser = SlowSynthesiser()
    synthesiser.may_continue.clear()
    workers = EngineWorkers(engines)

    async def short_session() -> None:
        async with InMemoryClient(workers) as client:
            await client.send(typed_turn("hello"))
            await client.send(c.ResponseCreate())
            assert await asyncio.to_thread(synthesiser.started.wait, 5)

    asyncio.run(short_session())
    synthesiser.may_continue.set()
    workers.close()
    assert [text for text, _, _ in synthesiser.calls] == ["hello"]
