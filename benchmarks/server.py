"""The embedded server: how soon it answers, how many events it bears, what a connection weighs.

Run: `python benchmarks/server.py [--quick]`. The user speaks with one of the synthesiser's other
voices, in real time, over a socket on loopback. Medians and p95; trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.engines import hearing, speaking
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import decode_server, encode
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputText, Message
from tui_voice.realtime.wire.session import Audio, AudioInput, Realtime, ServerVad, Transcription
from tui_voice.server.interfaces import SPEECH_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.realtime_server import RealtimeServer, start_server

QUESTIONS = (
    ("computed", "What is seventeen times four?"),
    ("computed", "What day is it today?"),
    ("model", "Tell me something about the ocean."),
    ("computed", "My name is Anna and I live in Lisbon."),
    ("computed", "What is my name?"),
    ("model", "I feel a little tired this evening."),
    ("model", "What do you think about gardens?"),
    ("computed", "What did I say about Lisbon?"),
)
FRAME_MS = 20
FRAME = SPEECH_RATE * FRAME_MS // 1000


def speech_with_silence(engines: LocalEngines, text: str) -> np.ndarray[Any, Any]:
    """A question as another speaker says it, its silent ends cut off."""
    sound = engines.synthesiser().speak(text, "echo", 1.0)
    loud = np.flatnonzero(np.abs(sound) > 300)
    return sound[loud[0] : loud[-1] + 1]


@asynccontextmanager
async def talk(server: RealtimeServer, silence_ms: int) -> Any:
    async with connect(f"{server.url}?model=local", max_size=None) as socket:
        turns = ServerVad(silence_duration_ms=silence_ms)
        heard = AudioInput(turn_detection=turns, transcription=Transcription(model="whisper-1"))
        await socket.send(
            encode(c.SessionUpdateEvent(session=Realtime(audio=Audio(input=heard)))), text=True
        )
        async for frame in socket:
            if isinstance(decode_server(frame), s.SessionUpdated):
                break
        yield socket


async def speak(socket: ClientConnection, sound: np.ndarray[Any, Any]) -> None:
    """In real time: leading silence, the words, silence until cancelled."""
    lead = np.zeros(FRAME * 25, dtype=np.int16)
    voiced = np.concatenate([lead, sound])
    voiced = np.concatenate([voiced, np.zeros(-len(voiced) % FRAME, dtype=np.int16)])
    start = time.perf_counter()
    for n in range(10_000):
        frame = voiced[n * FRAME : (n + 1) * FRAME].tobytes() or bytes(FRAME * 2)
        await asyncio.sleep(start + (n + 1) * FRAME_MS / 1000 - time.perf_counter())
        await socket.send(encode(c.InputAudioBufferAppend(audio=frame)), text=True)


async def answer_times(
    server: RealtimeServer, engines: LocalEngines, silence_ms: int
) -> Iterator[Any]:
    """For each question: kind, s from the end of the voice to the first sound, transcript."""
    rows = []
    async with talk(server, silence_ms) as socket:
        for kind, text in QUESTIONS:
            sound = speech_with_silence(engines, text)
            began = time.perf_counter()
            ended = began + 0.5 + len(sound) / SPEECH_RATE
            speaking = asyncio.create_task(speak(socket, sound))
            first = heard = reply = None
            async for frame in socket:
                match decode_server(frame):
                    case s.ResponseOutputAudioDelta() if first is None:
                        first = time.perf_counter() - ended
                        speaking.cancel()
                    case s.TranscriptionCompleted(transcript=heard):
                        pass
                    case s.ResponseOutputAudioTranscriptDone(transcript=reply):
                        pass
                    case s.ResponseDone():
                        break
            speaking.cancel()
            rows.append((kind, first, text, heard, reply))
    return iter(rows)


async def responsiveness(server: RealtimeServer) -> list[float]:
    """ms from `response.cancel` to `response.done`, while engines are at work."""
    found = []
    async with talk(server, 500) as socket:
        for text in ("Tell me a long story about a river.", "Explain what a forest is.") * 5:
            item = Message(role="user", content=[InputText(text=text)])
            await socket.send(encode(c.ConversationItemCreate(item=item)), text=True)
            await socket.send(encode(c.ResponseCreate()), text=True)
            sent = 0.0
            async for frame in socket:
                match decode_server(frame):
                    case s.ResponseCreated():
                        await asyncio.sleep(0.15)
                        sent = time.perf_counter()
                        await socket.send(encode(c.ResponseCancel()), text=True)
                    case s.ResponseDone() | s.Error():
                        found.append((time.perf_counter() - sent) * 1000)
                        break
    return found


async def events_per_second(server: RealtimeServer) -> tuple[float, float]:
    """Appends of 20 ms of silence taken, and audio deltas given, in a second."""
    async with talk(server, 500) as socket:
        append = encode(c.InputAudioBufferAppend(audio=bytes(FRAME * 2)))
        count = 3_000
        began = time.perf_counter()
        for _ in range(count):
            await socket.send(append, text=True)
        await socket.send(encode(c.InputAudioBufferClear()), text=True)
        async for frame in socket:
            if isinstance(decode_server(frame), s.InputAudioBufferCleared):
                break
        taken = count / (time.perf_counter() - began)
        text = "Repeat after me: " + "one two three four five six seven eight nine ten. " * 20
        item = Message(role="user", content=[InputText(text=text)])
        await socket.send(encode(c.ConversationItemCreate(item=item)), text=True)
        await socket.send(encode(c.ResponseCreate()), text=True)
        deltas, first = 0, 0.0
        async for frame in socket:
            match decode_server(frame):
                case s.ResponseOutputAudioDelta():
                    first = first or time.perf_counter()
                    deltas += 1
                case s.ResponseDone():
                    break
        return taken, deltas / (time.perf_counter() - first)


def resident() -> float:
    """MB now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


async def weights(server: RealtimeServer) -> list[tuple[int, float]]:
    """KB that each of so many idle connections adds (client end included)."""
    rows = []
    for count in (1, 4, 16):
        gc.collect()
        before = resident()
        sockets = [await connect(f"{server.url}?model=local") for _ in range(count)]
        for socket in sockets:
            await socket.recv()
            await socket.send(encode(c.InputAudioBufferClear()), text=True)
            await socket.recv()
        rows.append((count, (resident() - before) * 1024 / count))
        for socket in sockets:
            await socket.close()
    return rows


def summary(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):6.2f}   p95 {p95:6.2f}"


async def main(quick: bool) -> None:
    engines = LocalEngines(probe=False)
    server = await start_server("127.0.0.1", 0, engines)
    await server.loaded.wait()
    print(engines.describe())
    for silence_ms in (500,) if quick else (500, 300):
        rows = list(await answer_times(server, engines, silence_ms))
        print(f"\nspeech end → first audio, s, at {silence_ms} ms of silence")
        for kind, first, text, heard, reply in rows:
            print(f"  {kind:9} {first:5.2f}  {text}  ⇒ {heard!r}  ⇒ {str(reply)[:60]!r}")
        for kind in ("computed", "model", ""):
            print(f"  {kind or 'all':9} {summary([r[1] for r in rows if kind in r[0]])}")
    print(f"\ncancel → done, ms:  {summary(await responsiveness(server))}")
    taken, given = await events_per_second(server)
    print(f"appends taken a second: {taken:.0f} ({taken * FRAME_MS / 1000:.0f} × real time)")
    print(f"audio deltas given a second: {given:.0f} ({given / 10:.0f} × real time)")
    for count, kilobytes in await weights(server):
        print(f"{count:3} connections: {kilobytes:6.0f} KB each")
    await server.close()
    print("\nthe ears and the voice behind it")
    hearing(engines)
    speaking(engines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one silence setting only")
    asyncio.run(main(parser.parse_args().quick))
