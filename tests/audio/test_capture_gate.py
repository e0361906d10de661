import threading
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from tui_voice.audio.capture_gate import CaptureGate, FrameQueue, Framer

FRAME = 960


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * (FRAME // 2)


class RecordingGate(CaptureGate):
    """A gate that keeps the frames that it lets pass."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        super().__init__(self.out.append)

    def capture(self, *numbers: int) -> None:
        for number in numbers:
            self.accept(frame(number))


@given(st.lists(st.binary(max_size=3000), max_size=20))
def test_frames_contain_the_same_bytes_as_the_blocks(blocks: list[bytes]) -> None:
    framer = Framer(20)
    frames = [found for block in blocks for found in framer.feed(block)]
    joined = b"".join(blocks)
    assert all(len(found) == FRAME for found in frames)
    assert b"".join(frames) == joined[: len(joined) // FRAME * FRAME]


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=60))
def test_the_queue_keeps_the_newest_frames_counts_the_others_and_wakes_once(
    limit: int, steps: list[bool]
) -> None:
    frames, model = FrameQueue(limit), deque[bytes](maxlen=limit)
    dropped, awake = 0, False
    for number, put in enumerate(steps):
        if put:
            dropped += len(model) == limit
            model.append(frame(number))
            assert frames.put(frame(number)) == (not awake)
            awake = True
        else:
            assert frames.drain() == list(model)
            model.clear()
            awake = False
        assert frames.dropped == dropped


def test_a_queue_between_two_threads_loses_only_what_it_counts() -> None:
    frames, got = FrameQueue(8), []
    producer = threading.Thread(target=lambda: [frames.put(frame(n)) for n in range(20_000)])
    producer.start()
    while producer.is_alive():
        got += frames.drain()
    producer.join()
    got += frames.drain()
    assert len(got) + frames.dropped == 20_000
    numbers = [int.from_bytes(found[:2], "little") for found in got]
    assert numbers == sorted(set(numbers))


def test_push_to_talk_keeps_the_300_ms_before_the_key() -> None:
    gate = RecordingGate()
    gate.gate(False)
    gate.capture(*range(1, 41))
    assert gate.out == []
    gate.gate(True)
    assert gate.out == [frame(n) for n in range(26, 41)]
    gate.capture(41)
    assert gate.out[-1] == frame(41)
    gate.gate(False)
    gate.capture(42)
    assert len(gate.out) == 16


def test_opening_an_open_gate_repeats_nothing() -> None:
    gate = RecordingGate()
    gate.capture(1, 2)
    gate.gate(True)
    assert gate.out == [frame(1), frame(2)]


def test_frames_captured_while_muted_are_never_sent() -> None:
    gate = RecordingGate()
    gate.gate(False)
    gate.capture(1)
    gate.mute(True)
    gate.capture(2)
    gate.mute(False)
    gate.gate(True)
    assert gate.out == []
    gate.capture(3)
    assert gate.out == [frame(3)]


def test_muting_in_mid_sentence_sends_two_seconds_of_silence_and_then_nothing() -> None:
    gate = RecordingGate()
    gate.capture(9)
    gate.mute(True)
    gate.capture(*range(200, 500))
    assert gate.out == [frame(9)] + [bytes(FRAME)] * 100
    assert gate.level == 0.0


def test_the_level_is_shown_while_the_gate_is_closed() -> None:
    gate = RecordingGate()
    gate.gate(False)
    gate.capture(12_345)
    assert gate.level > 0.5
