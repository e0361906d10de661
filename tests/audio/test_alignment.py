"""The echo is kept equally far behind the reply, whatever the devices do."""

import numpy as np
import pytest

from tests.audio.echoes import FRAME, Sound, room, with_holes
from tui_voice.audio.alignment import ECHO_AFTER_MS, Alignment
from tui_voice.audio.echo_path import LONGEST_MS, find
from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS
from tui_voice.audio.reference import KEPT_MS, Reference


@pytest.fixture
def reply(sentence: bytes) -> Sound:
    return np.frombuffer(sentence, "<i2").astype(float)


def after(reply: Sound, echo: Sound, ms: int) -> float:
    """Milliseconds by which the echo follows the reply beside it, `ms` after the beginning."""
    reference = Reference()
    alignment = Alignment(reference)
    far, near = (np.clip(x, -32768, 32767).astype("<i2") for x in (reply, echo))
    end = 0
    for at in range(0, ms * SAMPLES_PER_MS, FRAME):
        reference.add(far[at : at + FRAME].tobytes())
        end = alignment.beside(near[at : at + FRAME])
        captured = at + FRAME
    return delay_between(reply, echo) - (captured - end) / SAMPLES_PER_MS


def delay_between(reply: Sound, echo: Sound) -> float:
    """By the whole of both."""
    size = 2 * len(reply)
    spectrum = np.fft.rfft(echo, size) * np.conj(np.fft.rfft(reply, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[:RATE])) / SAMPLES_PER_MS


@pytest.mark.parametrize("delay_ms", [20, 90, 250, 450])
def test_an_echo_is_found_within_the_first_second(reply: Sound, delay_ms: int) -> None:
    late = after(reply, room(reply, delay_ms, 0.3, direct=20), delay_ms + 1_000)
    assert late == pytest.approx(ECHO_AFTER_MS, abs=2)


def test_it_is_found_again_where_the_loudspeaker_ran_dry(reply: Sound) -> None:
    hole = with_holes(reply, {1_500: 70}, 60)
    reference = Reference()
    alignment = Alignment(reference)
    ends = []
    for at in range(0, RATE * 2, FRAME):
        reference.add(reply[at : at + FRAME].astype("<i2").tobytes())
        ends.append(alignment.beside(hole[at : at + FRAME].astype("<i2")) - at)
    before, behind = ends[1_500 // 20 - 1], ends[-1]
    assert before - behind == pytest.approx(70 * SAMPLES_PER_MS, abs=4)
    moved = int(np.flatnonzero(np.diff(ends))[-1]) * 20
    assert moved - (1_500 + 60 + 70) <= 200


def test_in_silence_the_counts_decide() -> None:
    """Late callbacks catch up and change nothing; sound that is lost for good does."""
    reference = Reference()
    alignment = Alignment(reference)
    frame, captured = np.zeros(FRAME, "<i2"), 0

    def step(blocks: int) -> int:
        nonlocal captured
        for _ in range(blocks):
            reference.add(frame.tobytes())
        captured += FRAME
        return captured - alignment.beside(frame)

    usual = [step(blocks) for blocks in [1] * 10]
    late = [step(blocks) for blocks in [0, 0, 3] + [1] * 5 + [2, 0] + [0, 2] * 5 + [1] * 10]
    assert set(late) == set(usual[1:])
    lost = [step(blocks) for blocks in [0] * 5 + [1] * 40]
    assert lost[-1] - usual[-1] == 5 * FRAME


def test_a_user_is_no_echo(reply: Sound) -> None:
    """What is said while a reply sounds moves nothing."""
    reference = Reference()
    alignment = Alignment(reference)
    user = reply[::-1]
    for at in range(0, len(reply) - FRAME, FRAME):
        reference.add(reply[at : at + FRAME].astype("<i2").tobytes())
        alignment.beside(user[at : at + FRAME].astype("<i2"))
    assert alignment.moved == 0


def test_where_and_how_much(reply: Sound) -> None:
    piece = slice(RATE // 2, RATE // 2 + RATE // 10)  # "there"
    whole = reply[: piece.stop + LONGEST_MS * SAMPLES_PER_MS].astype("<i2")
    noise = np.random.default_rng(3).standard_normal(RATE // 10) * 2000
    expected = len(whole) - piece.stop
    found = find(
        reply[piece].astype("<i2"), whole[-(RATE // 10 + expected + RATE // 4) :], expected
    )
    assert found.delay == expected
    assert found.alike == pytest.approx(1, abs=0.02)
    assert found.as_expected == pytest.approx(1, abs=0.02)
    assert find(noise.astype("<i2"), whole, expected).alike < 0.4


def test_the_reference_is_bounded_and_numbers_its_samples() -> None:
    reference = Reference()
    kept = KEPT_MS * SAMPLES_PER_MS
    for number in range(1, 400):
        reference.add(np.full(240, number, "<i2").tobytes())
    assert reference.played == reference.sounded == 399 * 240
    assert list(reference.before(240 * 390, 480)) == [389] * 240 + [390] * 240
    assert list(reference.before(399 * 240 + 2, 4)) == [399, 399, 0, 0]
    assert not reference.before(240, 240).any()  # long forgotten
    for _ in range(KEPT_MS // 10 + 50):
        reference.add(bytes(480))
    assert not reference.before(reference.played, kept).any()
    reference.add(np.full(240, 7, "<i2").tobytes())
    assert list(reference.before(reference.played, 242)) == [0, 0] + [7] * 240
