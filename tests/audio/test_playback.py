from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tui_voice.audio.playback import Playback
from tui_voice.audio.ring import Ring


def ramp(start: int, count: int) -> bytes:
    """Returns samples that encode their position (never 0, which means silence)."""
    return ((np.arange(start, start + count) % 30_000) + 1).astype("<i2").tobytes()


@given(st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=40))
def test_the_ring_returns_its_samples_in_order(steps: list[tuple[int, int]]) -> None:
    ring, expected, got = Ring(capacity=16), b"", b""
    for put, take in steps:
        data = ramp(len(expected) // 2, put)
        ring.put(data)
        expected += data
        out = np.empty(min(take, len(ring)), np.int16)
        ring.take(out)
        got += out.tobytes()
        assert len(ring) == (len(expected) - len(got)) // 2
    assert expected.startswith(got)


def test_a_flush_drops_all_samples_and_later_ones_are_complete() -> None:
    ring = Ring(capacity=8)
    ring.put(ramp(0, 50))
    assert ring.flush() == 50
    ring.put(ramp(100, 5))
    out = np.empty(5, np.int16)
    ring.take(out)
    assert out.tobytes() == ramp(100, 5)


class PlaybackMachine(RuleBasedStateMachine):
    """In any order of calls no sample is lost or doubled and no end is reported twice."""

    def __init__(self) -> None:
        super().__init__()
        self.playback = Playback()
        self.accepted: list[tuple[str, int]] = []  # every sample, with the item it is of
        self.sounded = 0  # how many of `accepted` have come out
        self.next_value = 0
        self.written: dict[str, int] = defaultdict(int)
        self.played: dict[str, int] = defaultdict(int)
        self.flushed = 0
        self.known: set[str] = set()
        self.refusing: set[str] = set()
        self.started: list[str] = []
        self.ended: list[str] = []
        self.last_ms: dict[str, int] = defaultdict(int)

    items = st.sampled_from(["a", "b", "c", "d"])

    @rule(item=items, count=st.integers(0, 900))
    def write(self, item: str, count: int) -> None:
        self.known.add(item)
        took = self.playback.write(item, ramp(self.next_value, count))
        assert took == (item not in self.refusing)
        if took:
            self.accepted += [(item, v) for v in range(self.next_value, self.next_value + count)]
            self.written[item] += count
        self.next_value += count

    @rule(item=items)
    def finish(self, item: str) -> None:
        self.known.add(item)
        self.playback.finish(item)

    @rule(count=st.integers(0, 600))
    def take(self, count: int) -> None:
        block = self.playback.take(count)
        due = self.accepted[self.sounded : self.sounded + count]
        assert block.sounding == len(due)
        values = np.frombuffer(block.pcm, "<i2").astype(int)
        assert len(values) == count
        assert values[: len(due)].tolist() == [value % 30_000 + 1 for _, value in due]
        assert not values[len(due) :].any()
        self.sounded += len(due)
        for item, _ in due:
            self.played[item] += 1
        for item in block.started:
            assert item not in self.started
            assert self.played[item] > 0
            self.started.append(item)
        for item, ms in block.finished:
            assert self.played[item] == self.written[item]
            assert ms == self.played[item] // 24
            assert item not in self.refusing
            self.ended.append(item)

    @rule()
    def interrupt(self) -> None:
        waiting = self.accepted[self.sounded :]
        result = self.playback.interrupt()
        if waiting:
            assert result is not None
            assert result == (waiting[0][0], self.played[waiting[0][0]] // 24)
        if result is not None:
            assert result[0] not in self.refusing
            self.refusing |= {item for item, _ in waiting} | {result[0]}
            # Those that were open and silent refuse too: learn which, by asking.
            self.refusing |= {item for item in self.known if not self.playback.write(item, b"")}
        self.flushed += len(waiting)
        del self.accepted[self.sounded :]

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.playback.flushed == self.flushed
        assert sum(self.written.values()) == sum(self.played.values()) + self.flushed + (
            len(self.accepted) - self.sounded
        )

    @invariant()
    def counts_only_rise(self) -> None:
        for item in ("a", "b", "c", "d"):
            now = self.playback.played_ms(item)
            assert now == self.played[item] // 24
            assert now >= self.last_ms[item]
            self.last_ms[item] = now


TestPlaybackMachine = PlaybackMachine.TestCase
TestPlaybackMachine.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def test_an_item_starts_and_finishes_in_one_block_and_reports_its_length() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 240))
    playback.finish("a")
    block = playback.take(480)
    assert (block.started, block.finished) == (("a",), (("a", 10),))
    assert not playback.take(480).finished


def test_a_late_finish_is_reported_without_more_sound() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 240))
    assert not playback.take(240).finished
    playback.finish("a")
    assert playback.take(240).finished == (("a", 10),)


def test_a_new_item_finishes_an_earlier_unfinished_one() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 240))
    playback.take(240)
    playback.write("b", ramp(0, 240))
    assert playback.take(240).finished == (("a", 10),)
    playback.finish("b")
    assert playback.take(0).finished == (("b", 10),)
    assert playback.interrupt() is None


def test_an_interruption_between_two_deltas_names_the_current_item() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 2400))
    playback.take(2400)
    assert playback.interrupt() == ("a", 100)
    assert not playback.write("a", ramp(0, 240))
    assert playback.refused == 240
    assert playback.interrupt() is None


def test_items_waiting_behind_the_interrupted_one_refuse_too_and_new_ones_do_not() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 2400))
    playback.write("b", ramp(0, 2400))
    playback.take(240)
    assert playback.interrupt() == ("a", 10)
    assert not playback.write("b", ramp(0, 10))
    assert playback.write("c", ramp(0, 240))
    assert playback.take(240).pcm == ramp(0, 240)


def test_volume_scales_and_clips() -> None:
    playback = Playback(volume=2.0)
    playback.write("a", np.array([100, -20_000, 20_000], "<i2").tobytes())
    assert np.frombuffer(playback.take(3).pcm, "<i2").tolist() == [200, -32768, 32767]


def test_the_level_follows_what_sounds() -> None:
    playback = Playback()
    playback.write("a", np.full(480, 10_000, "<i2").tobytes())
    playback.take(480)
    assert playback.level > 0.8
    playback.take(480)
    assert playback.level == 0.0


def test_counts_of_old_items_are_forgotten() -> None:
    playback = Playback()
    for number in range(2_000):
        playback.write(f"item {number}", ramp(0, 24))
        playback.finish(f"item {number}")
        playback.take(24)
    assert playback.played_ms("0") == 0
    assert playback.played_ms("item 1999") == 1


def test_what_the_device_drops_is_played_again() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 480))
    playback.write("b", ramp(480, 480))
    playback.finish("b")
    blocks = [playback.take(240) for _ in range(4)]
    assert playback.idle
    playback.give_back(reversed(blocks[1:]))
    assert playback.played_ms("a") == 10
    assert not playback.idle
    again = [playback.take(240) for _ in range(3)]
    assert [block.pcm for block in again] == [block.pcm for block in blocks[1:]]
    assert [block.finished for block in again] == [block.finished for block in blocks[1:]]


def test_an_interruption_counts_what_the_device_dropped_as_not_played() -> None:
    playback = Playback()
    playback.write("a", ramp(0, 960))
    playback.finish("a")
    blocks = [playback.take(480), playback.take(480)]
    playback.give_back(reversed(blocks))
    assert playback.take(240).started == ("a",)
    assert playback.interrupt() == ("a", 10)
    assert playback.resume("a")
    assert playback.take(240).pcm == ramp(240, 240)


def test_a_ring_that_grows_keeps_what_may_be_read_again() -> None:
    ring = Ring(capacity=480)
    ring.put(ramp(0, 480))
    ring.take(np.empty(240, np.int16))
    ring.put(ramp(480, 480))
    assert ring.back(240) == 240
    assert ring.back(1) == 0
    out = np.empty(720, np.int16)
    ring.take(out)
    assert out.tobytes() == ramp(0, 720)
