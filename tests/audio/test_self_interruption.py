"""A reply does not interrupt itself, whatever its way to the microphone does to it."""

import numpy as np
import pytest

from tests.audio.echo_harness import FRAME, Sound, later, room, with_holes
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE, samples
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


def interruptions(reply: Sound, echo: Sound, *, cancel: bool = True) -> tuple[int, int]:
    """Returns how many frames with sound reached the server, and how often the reply paused."""
    canceller, played = EchoCanceller(), PlayedReply()
    sent: list[bytes] = []
    speech = SpeechFilter(
        VoiceDetector(),
        sent.append,
        played,
        lambda captured: is_echo(samples(captured), canceller.history),
        lambda: canceller.has_echo,
        min_ms=600,
    )
    near, far = (np.clip(x, -32768, 32767).astype("<i2") for x in (echo, reply))
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
