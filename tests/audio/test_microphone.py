"""A microphone between its device's thread and the loop, its frames given by hand."""

import asyncio

import numpy as np
import pytest

from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.microphone import Microphone

FRAME = 960


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * (FRAME // 2)


async def turn_of_the_loop() -> None:
    await asyncio.sleep(0)


async def test_a_closed_microphone_wakes_nobody_and_keeps_the_pre_roll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out: list[bytes] = []
    microphone = Microphone(out.append)
    microphone.gate(False)
    woken: list[object] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *job: woken.append(job))
    for number in range(10_000, 10_100):
        microphone._captured(frame(number))
    assert (woken, out, microphone.dropped) == ([], [], 0)
    assert microphone.level > 0.5
    monkeypatch.undo()
    microphone.gate(True)
    assert out == [frame(number) for number in range(10_085, 10_100)]
    microphone._captured(frame(1))
    await turn_of_the_loop()
    assert out[-1] == frame(1)


async def test_what_was_captured_while_muted_is_not_kept_either() -> None:
    out: list[bytes] = []
    microphone = Microphone(out.append)
    microphone.gate(False)
    microphone.mute(True)
    for number in range(100, 120):
        microphone._captured(frame(number))
    assert microphone.level == 0.0
    microphone.mute(False)
    microphone.gate(True)
    assert out == []


async def test_what_waits_for_the_echo_canceller_counts_as_said_before_the_key() -> None:
    """While a reply sounds some frames are held back: closing or muting must not lose them, and
    nothing that comes after is sent."""
    noise = (np.random.default_rng(5).standard_normal(FRAME // 2 * 40) * 3000).astype("<i2")
    spoken = [noise[at : at + FRAME // 2].tobytes() for at in range(0, noise.size, FRAME // 2)]
    for silence in (lambda end: end.gate(False), lambda end: end.mute(True)):
        out: list[bytes] = []
        canceller = EchoCanceller()
        microphone = Microphone(out.append, echo=canceller)
        for number, said in enumerate(spoken[:20]):
            canceller.played(frame(number + 1))
            microphone._captured(said)
        await turn_of_the_loop()
        assert 15 < len(out) < 20
        silence(microphone)
        assert len(out) == 20
        for said in spoken[20:]:
            canceller.played(frame(7))
            microphone._captured(said)
        await turn_of_the_loop()
        assert not any(any(sent) for sent in out[20:])
