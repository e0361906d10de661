"""The reply is taken out of what the microphone hears; the user is not."""

import builtins
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE
from tui_voice.audio.sound import open_sound

FRAME = 480


def db(sound: npt.NDArray[Any]) -> float:
    return 10 * math.log10(float((sound.astype(float) ** 2).mean()) + 1e-9)


def room(reply: npt.NDArray[Any], delay_ms: int, gain: float) -> npt.NDArray[Any]:
    """The reply as the microphone hears it: later, weaker, and with 150 ms of reverberation."""
    rng = np.random.default_rng(7)
    tail = rng.standard_normal(RATE * 150 // 1000) * np.exp(-np.arange(RATE * 150 // 1000) / 800)
    tail[0] = 4.0
    heard = np.convolve(reply, tail / np.abs(tail).sum() * 4)[: len(reply)] * gain
    delay = RATE * delay_ms // 1000
    return np.concatenate((np.zeros(delay), heard))[: len(reply)]


def through(near: npt.NDArray[Any], far: npt.NDArray[Any], burst: int = 1) -> npt.NDArray[Any]:
    """Both streams through the canceller, the loudspeaker's 10 ms blocks `burst` at a time."""
    canceller, out = EchoCanceller(), []
    near, far = (np.clip(x, -32768, 32767).astype("<i2") for x in (near, far))
    for number, at in enumerate(range(0, len(near) - FRAME + 1, FRAME)):
        if number % burst == 0:
            canceller.played(far[at : at + burst * FRAME].tobytes())
        out.append(canceller.clean(near[at : at + FRAME].tobytes()))
    return np.frombuffer(b"".join(out), "<i2")


@pytest.fixture
def reply(sentence: bytes) -> npt.NDArray[Any]:
    return np.tile(np.frombuffer(sentence, "<i2").astype(float), 3)


@pytest.mark.parametrize(("delay_ms", "gain"), [(40, 0.5), (120, 0.5), (160, 0.3)])
@pytest.mark.parametrize("burst", [1, 2])
def test_the_reply_is_not_heard(
    reply: npt.NDArray[Any], delay_ms: int, gain: float, burst: int
) -> None:
    echo = room(reply, delay_ms, gain)
    cleaned = through(echo, reply, burst)
    assert len(cleaned) == len(echo) // FRAME * FRAME
    last = slice(len(cleaned) * 2 // 3, None)  # it needs a second or two to learn the room
    assert db(echo[last]) - db(cleaned[last]) > 25


def test_the_user_is_heard_over_the_reply(reply: npt.NDArray[Any], sentence: bytes) -> None:
    user = np.zeros(len(reply))
    voice = np.frombuffer(sentence, "<i2").astype(float)[::-1]  # the same loudness, other sound
    user[-len(voice) :] = voice
    cleaned = through(room(reply, 60, 0.3) + user, reply)
    alone = through(room(reply, 60, 0.3), reply)
    assert db(cleaned[-len(voice) :]) - db(alone[-len(voice) :]) > 20


def test_frames_pass_untouched_before_the_reply_and_a_second_after_it() -> None:
    canceller = EchoCanceller()
    frame = (np.random.default_rng(1).standard_normal(FRAME) * 3000).astype("<i2").tobytes()
    canceller.played(bytes(960))
    assert canceller.clean(frame) == frame
    canceller.played(frame)
    touched = []
    for _ in range(80):
        canceller.played(bytes(960))
        touched.append(canceller.clean(frame) != frame)
    assert all(touched[3:45])
    assert not any(touched[60:])


def test_the_distance_is_kept_through_stalls_and_pauses() -> None:
    """Each captured frame is set beside the reply given 20 ms before it, whatever happened."""
    canceller = EchoCanceller()
    size, number, beside = 960, 0, b""
    played = bytearray()

    def play(frames: int) -> None:
        nonlocal number
        for _ in range(frames):
            number += 1
            played.extend(number.to_bytes(2, "little") * (size // 2))
            canceller.played(bytes(played[-size:]))

    for step in [1] * 10 + [0, 0, 3] + [1] * 5 + [2, 0] + [0, 2] * 5 + [1] * 10:
        play(step)
        beside = canceller._beside(size)
    assert beside == bytes(played[-2 * size : -size])
    for _ in range(20):  # the loudspeaker is gone for a while, and comes back
        canceller._beside(size)
    for _ in range(30):
        play(1)
        beside = canceller._beside(size)
    assert beside == bytes(played[-2 * size : -size])


def test_a_loudspeaker_without_a_microphone_fills_no_memory() -> None:
    canceller = EchoCanceller()
    for _ in range(1_000):
        canceller.played(b"\1\1" * 480)
    assert len(canceller._reference) <= 48_000


async def test_without_the_package_the_talk_goes_on_with_a_notice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "pywebrtc_audio":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    sound = await open_sound(lambda _: None)
    await sound.close()
    assert sound.notice is not None
    assert "Echo cancellation is not installed: use headphones." in sound.notice
