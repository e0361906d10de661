"""The microphone delivers a device's frames to the loop; a driver of the test supplies them."""

import asyncio

import numpy as np
import pytest

from tests.audio.push_driver_harness import PushDriver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.microphone import Microphone

FRAME = 960


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * (FRAME // 2)


async def turn_of_the_loop() -> None:
    await asyncio.sleep(0)


async def test_a_closed_microphone_does_not_wake_the_loop_and_keeps_the_pre_roll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out: list[bytes] = []
    microphone, driver = Microphone(out.append), PushDriver()
    await microphone.open(driver=driver)
    microphone.gate(False)
    driver.push(frame(1))  # the first callback reports that the stream runs
    await turn_of_the_loop()
    woken: list[object] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *job: woken.append(job))
    for number in range(10_000, 10_100):
        driver.push(frame(number))
    assert (woken, out, microphone.dropped) == ([], [], 0)
    assert microphone.level > 0.5
    monkeypatch.undo()
    microphone.gate(True)
    assert out == [frame(number) for number in range(10_085, 10_100)]
    driver.push(frame(1))
    await turn_of_the_loop()
    assert out[-1] == frame(1)


async def test_frames_captured_while_muted_are_not_kept() -> None:
    out: list[bytes] = []
    microphone, driver = Microphone(out.append), PushDriver()
    await microphone.open(driver=driver)
    microphone.gate(False)
    microphone.mute(True)
    for number in range(100, 120):
        driver.push(frame(number))
    assert microphone.level == 0.0
    microphone.mute(False)
    microphone.gate(True)
    assert out == []


async def test_frames_delayed_by_the_echo_canceller_are_sent_before_the_gate_closes() -> None:
    """While a reply plays, frames are delayed: closing or muting must not lose them, and no later
    frame is sent."""
    noise = (np.random.default_rng(5).standard_normal(FRAME // 2 * 40) * 3000).astype("<i2")
    spoken = [noise[at : at + FRAME // 2].tobytes() for at in range(0, noise.size, FRAME // 2)]
    for silence in (lambda end: end.gate(False), lambda end: end.mute(True)):
        out: list[bytes] = []
        canceller = EchoCanceller()
        microphone, driver = Microphone(out.append, echo=canceller), PushDriver()
        await microphone.open(driver=driver)
        for number, said in enumerate(spoken[:20]):
            canceller.played(frame(number + 1))
            driver.push(said)
        await turn_of_the_loop()
        assert 15 < len(out) < 20
        silence(microphone)
        assert len(out) == 20
        for said in spoken[20:]:
            canceller.played(frame(7))
            driver.push(said)
        await turn_of_the_loop()
        assert not any(any(sent) for sent in out[20:])
