"""How late captured sound arrives is found from the times at which it arrives."""

from itertools import count

from tui_voice.audio.capture_clock import LONGEST_MS, CaptureClock

FRAME_MS = 20


def late_ms(arrivals_ms: list[int]) -> list[int]:
    """Returns how late each frame is, for the time at which each arrives."""
    clock = CaptureClock()
    return [round(clock.late_ms(FRAME_MS, at / 1000)) for at in arrivals_ms]


def stalled(from_ms: int, until_ms: int, total_ms: int, lost_ms: int = 0) -> list[int]:
    """Returns the arrivals of frames of which those of a time come together at its end."""
    due = range(5_000, 5_000 + total_ms, FRAME_MS)
    first, last = 5_000 + from_ms, 5_000 + until_ms
    lost = range(first, first + lost_ms)
    return [last if first <= at < last else at for at in due if at not in lost]


def test_what_a_stall_held_up_is_late_by_the_time_it_waited() -> None:
    found = late_ms(stalled(3_010, 4_410, 6_000))
    at = 3_020 // FRAME_MS  # the first frame that waits
    assert found[at - 1] == 0
    assert found[at : at + 3] == [1_390, 1_370, 1_350]
    assert found[-50:] == [0] * 50


def test_jitter_of_a_block_is_no_lasting_delay() -> None:
    found = late_ms([at + 7 * (number % 3) for number, at in zip(count(), range(0, 5_000, 20))])
    assert max(found) == 14


def test_a_lasting_delay_is_known_for_some_seconds_and_then_the_usual_one() -> None:
    """Where sound was lost there is no other way to know that it is not late any more."""
    found = late_ms(stalled(3_010, 4_010, 12_000, lost_ms=500))
    after = 4_020 // FRAME_MS - 500 // FRAME_MS
    assert found[after : after + 100] == [500] * 100
    assert found[-100:] == [0] * 100


def test_a_device_that_was_at_rest_is_not_late() -> None:
    before = list(range(0, 2_000, FRAME_MS))
    found = late_ms(before + [at + 3 * LONGEST_MS for at in before])
    assert max(found) == 0
