"""A loudspeaker whose device takes sound ahead of time."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from tests.requirements_harness import require_package
from tui_voice.audio.driver import BLOCK_MS, Device, Pull
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import BYTES_PER_MS, FRAME_MS, SAMPLES_PER_MS, silence
from tui_voice.audio.speaker import Speaker


class AheadDriver:
    """A driver whose one loudspeaker takes what the test asks it to, and says nothing more."""

    name = "ahead"
    _pull: Pull

    def __init__(self) -> None:
        self.opened = threading.Semaphore(0)

    def devices(self) -> list[Device]:
        return [
            Device("ahead", "ahead", output=1, default_output=True),
            Device("other", "other", output=1),
        ]

    def open_output(self, _device: Device | None, pull: Pull, **_: Any) -> Any:
        self._pull = pull
        self.opened.release()
        return SimpleNamespace(
            name="ahead", **dict.fromkeys(("close", "flush", "rest", "wake"), lambda: None)
        )

    def open_input(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def take(self, ms: int) -> list[bytes]:
        return [
            self._pull(BLOCK_MS * SAMPLES_PER_MS, ahead_ms / 1000)
            for ahead_ms in range(0, ms, BLOCK_MS)
        ]


async def test_what_was_taken_ahead_is_known_when_it_is_heard(sentence: bytes) -> None:
    """Also while the device does not ask for more, as on a busy machine: else its echo would come
    before it."""
    require_package("pywebrtc_audio")
    echo, driver = EchoCanceller(), AheadDriver()
    speaker = Speaker(echo=echo)
    await speaker.open(driver=driver)
    driver.take(BLOCK_MS)  # the first callback reports that the stream runs
    speaker.write("reply", sentence)
    driver.take(400)
    began = echo.history.played
    await asyncio.sleep(0.15)
    echo.clean(silence(FRAME_MS))
    heard_ms = (echo.history.played - began) / SAMPLES_PER_MS
    assert 140 <= heard_ms <= 400
    await speaker.close()


async def test_another_device_plays_what_the_one_before_had_only_taken(sentence: bytes) -> None:
    driver = AheadDriver()
    speaker = Speaker()
    await speaker.open(driver=driver)
    driver.opened.acquire()
    driver.take(BLOCK_MS)  # the first callback reports that the stream runs
    speaker.write("reply", sentence)
    driver.take(1_200)
    choosing = asyncio.create_task(speaker.choose("other"))
    await asyncio.to_thread(driver.opened.acquire)
    heard = b"".join(driver.take(300))
    await choosing
    assert len(heard) == 300 * BYTES_PER_MS
    assert 0 <= sentence.find(heard) / BYTES_PER_MS <= 200
    await speaker.close()
