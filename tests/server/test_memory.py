"""What ended connections leave in the memory of the server process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.server_harness import ServerProcess
from tests.patience_harness import patience
from tests.server.protocol_harness import SILENCE
from tests.server.toy_engines_harness import LevelDetector
from tui_voice.server.detector_pool import BorrowedDetector, DetectorPool

CHUNK = np.zeros(512, np.int16)


def resident_mib(pid: int) -> float:
    """Returns the memory of a process, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


async def receive(socket: ClientConnection, event_type: str) -> dict[str, Any]:
    while True:
        event = json.loads(await socket.recv())
        if event["type"] == event_type:
            assert isinstance(event, dict)
            return event


async def speak_and_clear(socket: ClientConnection) -> None:
    """Sends 64 ms of audio in which the server looks for turns, and waits until it has."""
    audio = base64.b64encode(SILENCE * 64).decode()
    await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    await socket.send('{"type": "input_audio_buffer.clear"}')
    await receive(socket, "input_audio_buffer.cleared")


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_thousand_connections_give_their_memory_back() -> None:
    """It was 467 MB before 800 idle connections and 3.2 GB after them.

    Each had a speech detector of 3 MB of its own, which the C library kept when it was freed.
    """
    server = await asyncio.to_thread(ServerProcess, os.environ, "--api-key", "k")
    headers = {"Authorization": "Bearer k"}
    url = f"{server.url}?model=m"
    try:
        async with connect(url, additional_headers=headers, compression=None) as socket:
            await speak_and_clear(socket)
            await socket.send(
                '{"type":"response.create","response":{"output_modalities":["text"]}}'
            )
            await receive(socket, "response.done")  # all engines are loaded now
        before = resident_mib(server.process.pid)
        for _ in range(10):
            sockets = [
                await connect(url, additional_headers=headers, compression=None) for _ in range(100)
            ]
            assert resident_mib(server.process.pid) < before + 100
            await asyncio.gather(*(speak_and_clear(socket) for socket in sockets[:10]))
            for socket in sockets:
                socket.transport.abort()  # a closing handshake for each would take longer
        async with asyncio.timeout(patience(60)):
            while resident_mib(server.process.pid) > before + 50:  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0.1)
    finally:
        await asyncio.to_thread(server.close)


def test_detectors_are_made_for_audio_only_and_used_again() -> None:
    made: list[LevelDetector] = []

    def new() -> LevelDetector:
        made.append(LevelDetector())
        return made[-1]

    pool = DetectorPool(new)
    idle, one, two = BorrowedDetector(pool), BorrowedDetector(pool), BorrowedDetector(pool)
    idle.reset()
    one(CHUNK)
    two(CHUNK)
    assert len(made) == 2
    for detector in (idle, one, two):
        detector.close()
    BorrowedDetector(pool)(CHUNK)
    assert len(made) == 2
