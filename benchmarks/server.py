"""Measures the embedded server: time to the first audio, throughput, memory of a connection.

Run: `python benchmarks/server.py [--quick]`. A user speaks in real time, with another voice of the
synthesiser, over a socket on loopback. Other work on the machine makes the times longer. Needs the
extra `local`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.figures import note

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.engines import recognising, speaking
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import decode_server, encode
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputText, Message
from tui_voice.realtime.wire.session import Audio, AudioInput, Realtime, ServerVad, Transcription
from tui_voice.server.interfaces import SPEECH_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.realtime_server import RealtimeServer, start_server

TURNS = (
    "What time is it?",
    "What day is it today?",
    "Tell me something about the ocean.",
    "My name is Anna and I live in Lisbon.",
    "What is my name?",
    "I feel a little tired this evening.",
    "What do you think about gardens?",
    "Do I live in Lisbon?",
)
FRAME_MS = 20
FRAME_SAMPLES = SPEECH_RATE * FRAME_MS // 1000
LEADING_FRAMES = 25
"""Half a second of silence before each turn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one spoken turn was answered."""

    text: str
    transcript: str
    reply: str
    first_audio_s: float
    """From the end of the user's speech to the first audio of the reply."""


def user_speech(engines: LocalEngines, text: str) -> NDArray[np.int16]:
    """Returns a turn in the voice of another speaker, without silence at its ends."""
    sound = engines.synthesiser().speak(text, "echo", 1.0)
    loud = np.flatnonzero(np.abs(sound) > 300)
    return sound[loud[0] : loud[-1] + 1]


@asynccontextmanager
async def session(server: RealtimeServer, silence_ms: int) -> AsyncIterator[ClientConnection]:
    """Gives a connection whose turns end after `silence_ms` of silence."""
    async with connect(f"{server.url}?model=local", max_size=None) as socket:
        detection = ServerVad(silence_duration_ms=silence_ms)
        transcription = Transcription(model="whisper-1")
        audio = Audio(input=AudioInput(turn_detection=detection, transcription=transcription))
        await send(socket, c.SessionUpdateEvent(session=Realtime(audio=audio)))
        async for frame in socket:
            if isinstance(decode_server(frame), s.SessionUpdated):
                break
        yield socket


async def send(socket: ClientConnection, event: c.ClientEvent) -> None:
    await socket.send(encode(event), text=True)


async def ask(socket: ClientConnection, text: str) -> None:
    """Sends a typed turn and `response.create`."""
    item = Message(role="user", content=[InputText(text=text)])
    await send(socket, c.ConversationItemCreate(item=item))
    await send(socket, c.ResponseCreate())


async def say(socket: ClientConnection, sound: NDArray[np.int16]) -> None:
    """Appends leading silence, `sound`, then silence until cancelled, in real time."""
    lead = np.zeros(FRAME_SAMPLES * LEADING_FRAMES, dtype=np.int16)
    padding = np.zeros(-len(sound) % FRAME_SAMPLES, dtype=np.int16)
    samples = np.concatenate([lead, sound, padding])
    start = time.perf_counter()
    for n in range(10_000):
        frame = samples[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES].tobytes()
        await asyncio.sleep(start + (n + 1) * FRAME_MS / 1000 - time.perf_counter())
        await send(socket, c.InputAudioBufferAppend(audio=frame or bytes(FRAME_SAMPLES * 2)))


async def measure_answers(
    server: RealtimeServer, engines: LocalEngines, silence_ms: int
) -> list[Answer]:
    answers = []
    async with session(server, silence_ms) as socket:
        for text in TURNS:
            sound = user_speech(engines, text)
            lead_s = LEADING_FRAMES * FRAME_MS / 1000
            speech_end = time.perf_counter() + lead_s + len(sound) / SPEECH_RATE
            saying = asyncio.create_task(say(socket, sound))
            first_audio_s, transcript, reply = 0.0, "", ""
            async for frame in socket:
                match decode_server(frame):
                    case s.ResponseOutputAudioDelta() if not first_audio_s:
                        first_audio_s = time.perf_counter() - speech_end
                        saying.cancel()
                    case s.TranscriptionCompleted() as completed:
                        transcript = completed.transcript
                    case s.ResponseOutputAudioTranscriptDone() as done:
                        reply = done.transcript
                    case s.ResponseDone():
                        break
            saying.cancel()
            answers.append(Answer(text, transcript, reply, first_audio_s))
    return answers


async def measure_cancel_ms(server: RealtimeServer) -> list[float]:
    """Returns the ms from `response.cancel` to `response.done`, while the engines work."""
    times_ms = []
    async with session(server, 500) as socket:
        for text in ("Tell me a long story about a river.", "Explain what a forest is.") * 5:
            await ask(socket, text)
            sent = 0.0
            async for frame in socket:
                match decode_server(frame):
                    case s.ResponseCreated():
                        await asyncio.sleep(0.15)
                        sent = time.perf_counter()
                        await send(socket, c.ResponseCancel())
                    case s.ResponseDone() | s.Error():
                        times_ms.append((time.perf_counter() - sent) * 1000)
                        break
    return times_ms


async def measure_throughput(server: RealtimeServer) -> tuple[float, float]:
    """Returns how many appends of 20 ms the server takes in a second, and how many audio deltas of
    100 ms it sends."""
    async with session(server, 500) as socket:
        append = encode(c.InputAudioBufferAppend(audio=bytes(FRAME_SAMPLES * 2)))
        count = 3_000
        start = time.perf_counter()
        for _ in range(count):
            await socket.send(append, text=True)
        await send(socket, c.InputAudioBufferClear())
        async for frame in socket:
            if isinstance(decode_server(frame), s.InputAudioBufferCleared):
                break
        appends_per_second = count / (time.perf_counter() - start)
        numbers = "one two three four five six seven eight nine ten. " * 20
        await ask(socket, "Repeat after me: " + numbers)
        deltas, first = 0, 0.0
        async for frame in socket:
            match decode_server(frame):
                case s.ResponseOutputAudioDelta():
                    first = first or time.perf_counter()
                    deltas += 1
                case s.ResponseDone():
                    break
        return appends_per_second, deltas / (time.perf_counter() - first)


def resident_kb() -> float:
    """Returns the memory of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1024


async def measure_connection_kb(server: RealtimeServer) -> list[tuple[int, float]]:
    """Returns, for numbers of idle connections, the KB that each adds (both ends together)."""
    rows = []
    for count in (1, 4, 16):
        gc.collect()
        before = resident_kb()
        sockets = [await connect(f"{server.url}?model=local") for _ in range(count)]
        for socket in sockets:
            await socket.recv()
            await send(socket, c.InputAudioBufferClear())
            await socket.recv()
        rows.append((count, (resident_kb() - before) / count))
        for socket in sockets:
            await socket.close()
    return rows


def median_and_p95(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):6.2f}   p95 {p95:6.2f}"


async def main(quick: bool) -> None:
    engines = LocalEngines(probe=False)
    server = await start_server("127.0.0.1", 0, engines)
    await server.loaded.wait()
    print(engines.describe())
    for silence_ms in (500,) if quick else (500, 300):
        answers = await measure_answers(server, engines, silence_ms)
        print(f"\nseconds from the end of speech to the first audio, {silence_ms} ms of silence")
        for each in answers:
            print(f"  {each.first_audio_s:5.2f}  {each.text}  →  {each.transcript!r}")
            print(f"         {each.reply[:80]!r}")
        print(f"  {median_and_p95([each.first_audio_s for each in answers])}")
        first = statistics.median(each.first_audio_s for each in answers)
        note(f"speech end → first audio on the wire, {silence_ms} ms of silence", first, "s")
    cancels = await measure_cancel_ms(server)
    print(f"\nms from cancel to done:  {median_and_p95(cancels)}")
    note("cancel → done", statistics.median(cancels), "ms")
    appends, deltas = await measure_throughput(server)
    print(f"appends taken per second: {appends:.0f} ({appends * FRAME_MS / 1000:.0f} × real time)")
    note("appends taken", appends, "a second", by="real time", other=1000 / FRAME_MS)
    print(f"audio deltas sent per second: {deltas:.0f} ({deltas / 10:.0f} × real time)")
    for count, kilobytes in await measure_connection_kb(server):
        print(f"{count:3} connections: {kilobytes:6.0f} KB each")
        note(f"memory of each of {count} connections", kilobytes, "KB")
    await server.close()
    print("\nthe engines behind it")
    recognising(engines)
    speaking(engines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one silence setting only")
    asyncio.run(main(parser.parse_args().quick))
