"""A loudspeaker whose device takes sound ahead of time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.requirements_harness import require_package
from tui_voice.audio.driver import BLOCK_MS, Device, Pull
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import FRAME_MS, SAMPLES_PER_MS, silence
from tui_voice.audio.speaker import Speaker


class AheadDriver:
    """A driver whose one loudspeaker takes what the test asks it to, and says nothing more."""

    name = "ahead"
    _pull: Pull

    def devices(self) -> list[Device]:
        return [Device("ahead", "ahead", output=1, default_output=True)]

    def open_output(self, _device: Device | None, pull: Pull, **_: Any) -> Any:
        self._pull = pull
        return SimpleNamespace(
            name="ahead", **dict.fromkeys(("close", "flush", "rest", "wake"), lambda: None)
        )

    def open_input(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def take(self, ms: int) -> None:
        for ahead_ms in range(0, ms, BLOCK_MS):
            self._pull(BLOCK_MS * SAMPLES_PER_MS, ahead_ms / 1000)


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
