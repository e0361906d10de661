"""A reply is whole while the machine is busy, and still falls silent at once."""

import asyncio
import time

import numpy as np
import pytest

from tests.audio.holes_harness import LOUD, busy, holes_ms, tone
from tests.sound_server_harness import VirtualSound
from tui_voice.audio.driver import Driver
from tui_voice.audio.pcm import RATE
from tui_voice.audio.speaker import Speaker

pytestmark = pytest.mark.sound


async def test_a_busy_machine_leaves_no_holes_in_a_reply(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    """With a buffer of 60 ms there were 15 holes in these 3 s. The reply is then paused, and goes
    on where it stopped; then it is interrupted.
    """
    speaker = Speaker()
    await speaker.open(driver=driver)
    recording = await asyncio.to_thread(virtual_sound.record)

    def heard(start: int = 0) -> np.ndarray:
        return np.frombuffer(bytes(recording.pcm[start : len(recording.pcm) // 2 * 2]), "<i2")

    async def silent_after(stop: object) -> float:
        assert callable(stop)
        at = time.monotonic()
        stop()
        await asyncio.to_thread(recording.wait_for_ms, 500)
        last = int(np.flatnonzero(np.abs(heard().astype(int)) > LOUD)[-1])
        return (recording.began + last / RATE - at) * 1000

    try:
        with busy(4):
            speaker.write("reply", tone(6.0))
            await asyncio.to_thread(recording.wait_for_ms, 3_000)
            found = holes_ms(heard())
            assert len(found) <= 2, found
        paused_ms = await silent_after(lambda: speaker.pause(True))
        played_ms = speaker.played_ms("reply")
        began = len(recording.pcm) // 2 * 2
        speaker.pause(False)
        await asyncio.to_thread(recording.wait_for_ms, 1_000)
        stopped_ms = await silent_after(speaker.interrupt)
        assert max(paused_ms, stopped_ms) < 150, (paused_ms, stopped_ms)
        more = np.flatnonzero(np.abs(heard(began).astype(int)) > LOUD)
        more_ms = (more[-1] - more[0]) * 1000 / RATE
        assert speaker.played_ms("reply") - played_ms == pytest.approx(more_ms, abs=100)
    finally:
        await speaker.close()
        recording.stop()
