"""Echo cancellation removes the reply from the captured sound and keeps the user."""

import builtins
from typing import Any

import numpy as np
import pytest

from tests.audio.echo_harness import FRAME, Sound, db, later, room, through, with_holes
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE
from tui_voice.audio.sound import open_sound

GAPS_MS = range(2_000, 12_000, 2_000)
"""Times of gaps in milliseconds after the start of the reply."""


@pytest.fixture
def reply(sentence: bytes) -> Sound:
    return np.tile(np.frombuffer(sentence, "<i2").astype(float), 3)


@pytest.mark.parametrize(("delay_ms", "gain"), [(40, 0.5), (120, 0.5), (160, 0.3)])
@pytest.mark.parametrize("burst", [1, 2])
def test_the_echo_of_a_reply_is_removed(
    reply: Sound, delay_ms: int, gain: float, burst: int
) -> None:
    echo = room(reply, delay_ms, gain)
    cleaned = through(echo, reply, burst)
    assert len(cleaned) == len(echo) // FRAME * FRAME
    last = slice(len(cleaned) * 2 // 3, None)  # it needs one or two seconds to adapt
    assert db(echo[last]) - db(cleaned[last]) > 25


def test_the_user_is_heard_over_the_reply(reply: Sound, sentence: bytes) -> None:
    user = np.zeros(len(reply))
    voice = np.frombuffer(sentence, "<i2").astype(float)[::-1]  # the same loudness, other sound
    user[-len(voice) :] = voice
    cleaned = through(room(reply, 60, 0.3) + user, reply)
    alone = through(room(reply, 60, 0.3), reply)
    assert db(cleaned[-len(voice) :]) - db(alone[-len(voice) :]) > 20


def test_the_first_words_of_the_first_reply_are_removed(reply: Sound) -> None:
    for echo in (later(reply, 60), room(reply, 60, 0.5)):
        first = slice(0, 2 * RATE)
        cleaned = through(echo, reply)
        assert db(echo[first]) - db(cleaned[first]) > 25


@pytest.mark.parametrize("gaps", [{3_000: 30, 5_000: 60, 7_000: 10}, dict.fromkeys(GAPS_MS, 60)])
def test_no_echo_passes_after_the_loudspeaker_ran_dry(reply: Sound, gaps: dict[int, int]) -> None:
    """Each gap delays the rest of the reply; 30 dB is more than AEC3 alone reaches (25 and 10)."""
    echo = with_holes(reply, gaps, 60)
    cleaned = through(echo, reply)
    for second in range(2, len(cleaned) // RATE):
        part = slice(second * RATE, (second + 1) * RATE)
        assert db(echo[part]) - db(cleaned[part]) > 30, second


def test_a_user_who_speaks_over_the_reply_is_heard_from_the_first_word(
    reply: Sound, sentence: bytes
) -> None:
    voice = np.frombuffer(sentence, "<i2").astype(float)[::-1]
    voice = voice[np.flatnonzero(np.abs(voice) > 1000)[0] :]
    user = np.zeros(len(reply))
    user[-len(voice) :] = voice
    cleaned = through(later(reply, 60) * 0.3 + user, reply)
    began = slice(len(reply) - len(voice), len(reply) - len(voice) + RATE // 5)
    assert db(user[began]) - db(cleaned[began]) < 6


def test_with_headphones_the_words_of_the_user_pass_unchanged(
    reply: Sound, sentence: bytes
) -> None:
    voice = np.frombuffer(sentence, "<i2").astype(float)[::-1]
    user = np.zeros(len(reply))
    user[2 * RATE : 2 * RATE + len(voice)] = voice
    cleaned = through(user, reply).astype(float)
    spoken = slice(2 * RATE, 2 * RATE + len(voice))
    lost = np.abs(cleaned[spoken] - user[spoken]) > 1
    assert lost.mean() < 0.08  # a few pieces of 20 ms are like what is played


def test_an_echo_that_begins_later_is_removed(reply: Sound) -> None:
    """The headphones are taken off, or the loudspeaker is turned up."""
    echo = later(reply, 60) * 0.5
    echo[: 2 * RATE] = 0
    cleaned = through(echo, reply)
    for second in range(2, len(cleaned) // RATE):
        part = slice(second * RATE, (second + 1) * RATE)
        assert db(echo[part]) - db(cleaned[part]) > 20, second


def test_all_frames_are_returned_with_a_delay_of_at_most_three_frames(reply: Sound) -> None:
    given, taken = 0, 0

    def count(_: EchoCanceller, ready: list[bytes]) -> None:
        nonlocal given, taken
        given, taken = given + 1, taken + len(ready)
        assert given - 4 < taken <= given

    near = room(reply, 60, 0.5)
    assert len(through(near, reply, each=count)) == len(near) // FRAME * FRAME


def test_frames_pass_unchanged_and_at_once_before_a_reply_and_1_5_s_after_it() -> None:
    canceller = EchoCanceller()
    noise = (np.random.default_rng(1).standard_normal(FRAME * 112) * 3000).astype("<i2")
    frames = [noise[at : at + FRAME].tobytes() for at in range(0, noise.size, FRAME)]
    canceller.played(bytes(960))
    assert canceller.clean(frames[0]) == [frames[0]]
    canceller.played(frames[-1])
    ready, waiting = [], []
    for given, frame in enumerate(frames[1:-1], start=1):
        canceller.played(bytes(960))
        ready += canceller.clean(frame)
        waiting.append(given - len(ready))
    assert set(waiting[3:45]) == {3}
    assert set(waiting[80:]) == {0}
    same = [one == other for one, other in zip(ready, frames[1:-1], strict=True)]
    assert all(same[80:])


async def test_without_the_package_the_session_continues_with_a_notice(
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
    assert "Echo cancellation is not installed: use headphones" in sound.notice
    assert "--extra sound" in sound.notice
