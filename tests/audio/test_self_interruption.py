"""A reply does not interrupt itself, whatever its way to the microphone does to it."""

import asyncio

import numpy as np
import pytest

from tests.audio.echo_harness import FRAME, Sound, later, room, with_holes
from tests.audio.push_driver_harness import PushDriver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.microphone import Microphone
from tui_voice.audio.pcm import FRAME_MS, RATE, samples
from tui_voice.audio.similarity import is_echo
from tui_voice.audio.speech_filter import SpeechFilter
from tui_voice.audio.voice_detector import VoiceDetector


class PlayedReply:
    """A reply of which the filter thinks that it plays; counts how often it was paused."""

    playing = True
    waiting_ms = 5_000
    pauses = 0

    def pause(self, paused: bool) -> None:
        self.pauses += paused


def filtered(canceller: EchoCanceller, played: PlayedReply, sent: list[bytes]) -> SpeechFilter:
    return SpeechFilter(
        VoiceDetector(),
        sent.append,
        played,
        lambda captured: is_echo(samples(captured), canceller.history),
        lambda: canceller.has_echo,
        min_ms=600,
    )


def as_pcm(*sounds: Sound) -> list[Sound]:
    return [np.clip(sound, -32768, 32767).astype("<i2") for sound in sounds]


def interruptions(reply: Sound, echo: Sound, *, cancel: bool = True) -> tuple[int, int]:
    """Returns how many frames with sound reached the server, and how often the reply paused."""
    canceller, played = EchoCanceller(), PlayedReply()
    sent: list[bytes] = []
    speech = filtered(canceller, played, sent)
    near, far = as_pcm(echo, reply)
    for at in range(0, len(near) - FRAME + 1, FRAME):
        canceller.played(far[at : at + FRAME].tobytes())
        frame = near[at : at + FRAME].tobytes()
        for ready in canceller.clean(frame) if cancel else [frame]:
            speech.accept(ready)
    return sum(any(frame) for frame in sent), played.pauses


@pytest.fixture
def reply(sentence: bytes) -> Sound:
    return np.tile(np.frombuffer(sentence, "<i2").astype(float), 3)


JUMPS = dict.fromkeys(range(2000, 16000, 2000), 60)
"""The loudspeaker runs dry for 60 ms every 2 s, as through a pipe or Bluetooth."""


@pytest.mark.parametrize("kind", ["jumps", "distorted jumps", "room", "without canceller"])
def test_no_frame_of_an_echo_reaches_the_server(reply: Sound, kind: str) -> None:
    jumping = with_holes(reply, JUMPS, 60) * 0.5
    echo = {
        "jumps": jumping,
        "distorted jumps": np.tanh(jumping / 4_000) * 4_000,
        "room": room(reply, 120, 0.5),
        "without canceller": later(reply, 80) * 0.5,
    }[kind]
    sounding, pauses = interruptions(reply, echo, cancel=kind != "without canceller")
    assert (sounding, pauses) == (0, 0)
    assert len(echo) > 10 * RATE


STALL_MS = 1_400
STALLS = [range(at, at + STALL_MS) for at in (1_500, 5_000, 8_500)]
"""Milliseconds of a reply in which a busy machine lets the program wait."""


@pytest.mark.parametrize("hole_ms", [0, 400])
@pytest.mark.parametrize("lost_ms", [0, 700])
async def test_no_echo_that_a_busy_machine_holds_up_reaches_the_server(
    reply: Sound, hole_ms: int, lost_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was captured in a stall comes at once after it, unless some of it is lost, when the
    loudspeaker has played on from its buffer, or run dry."""
    now_ms = 0
    monkeypatch.setattr("tui_voice.audio.microphone.monotonic", lambda: now_ms / 1000)
    canceller, played, sent = EchoCanceller(), PlayedReply(), list[bytes]()
    driver = PushDriver()
    microphone = Microphone(filtered(canceller, played, sent).accept, echo=canceller)
    await microphone.open(driver=driver)
    dry = [range(stall.stop - hole_ms, stall.stop) for stall in STALLS]
    holes = {hole.start - number * hole_ms: hole_ms for number, hole in enumerate(dry)}
    near, far = as_pcm(with_holes(reply, holes if hole_ms else {}, 60) * 0.5, reply)
    waiting, at_far = list[bytes](), 0
    for at in range(0, len(near) - FRAME + 1, FRAME):
        now_ms = at * 1000 // RATE
        if not any(now_ms in hole for hole in dry):
            canceller.played(far[at_far : at_far + FRAME].tobytes())
            at_far += FRAME
        waiting.append(near[at : at + FRAME].tobytes())
        if any(now_ms in stall for stall in STALLS):
            continue
        if len(waiting) > 1:
            del waiting[len(waiting) - lost_ms // FRAME_MS :]
        for frame in waiting:
            driver.push(frame)
        waiting.clear()
        await asyncio.sleep(0)
    await microphone.close()
    assert (sum(any(frame) for frame in sent), played.pauses) == (0, 0)
    assert now_ms > 10_000
