"""The outbox keeps the order, every message, and as many audio frames as it may."""

from __future__ import annotations

import asyncio

from tui_voice.runtime.outbox import Outbox


async def test_the_oldest_audio_is_dropped_but_no_message_is() -> None:
    outbox = Outbox(max_audio_frames=2)
    outbox.put(b"message 1")
    for number in range(4):
        outbox.put(b"audio %d" % number, audio=True)
    outbox.put(b"message 2")
    frames = [await outbox.get() for _ in range(4)]
    assert frames == [b"message 1", b"audio 2", b"audio 3", b"message 2"]
    assert outbox.dropped_frames == 2


async def test_a_frame_that_comes_later_is_waited_for() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.put(b"late")
    assert await waiting == b"late"
