"""Capture and playback through a real sound server."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.requirements_harness import require
from tests.sound_server_harness import Recording, VirtualSound
from tui_voice.audio.device_stream import DeviceChange
from tui_voice.audio.devices import choose_device, list_devices, load_driver
from tui_voice.audio.driver import Driver
from tui_voice.audio.microphone import Microphone
from tui_voice.audio.pcm import BYTES_PER_MS, RATE, duration_ms, level_db
from tui_voice.audio.sound import open_sound
from tui_voice.audio.speaker import Speaker

pytestmark = pytest.mark.sound
TIMEOUT_S = 20.0


class Condition:
    """Waits until a condition holds; it is checked after each event."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def notify(self, *_: object) -> None:
        self._happened.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not true():
                self._happened.clear()
                await self._happened.wait()


def similarity(captured: bytes, spoken: bytes) -> tuple[float, int]:
    """Returns the largest normalised correlation (1.0: equal) and its position in samples."""
    long, short = (np.frombuffer(sound, "<i2").astype(float) for sound in (captured, spoken))
    size = 1 << (len(long) + len(short)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)
    at = int(crossed[: len(long)].argmax())
    window = long[at : at + len(short)]
    return float(crossed[at] / (np.linalg.norm(window) * np.linalg.norm(short) + 1e-9)), at


def share_captured(captured: bytes, spoken: bytes) -> float:
    """Returns the share of pieces of 250 ms of the spoken sound that are in the captured sound.

    Pieces, because a busy machine may drop a block and delay all that follows; quiet pieces are
    left out."""
    step = RATE // 4 * 2
    pieces = [spoken[at : at + step] for at in range(0, len(spoken) - step + 1, step)]
    loud = [piece for piece in pieces if level_db(piece) > -40]
    return sum(similarity(captured, piece)[0] > 0.9 for piece in loud) / len(loud)


def sounding(recorded: npt.NDArray[np.int16], loud: int = 150) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.abs(recorded.astype(int)) > loud)


async def in_thread(job: Callable[[], object]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, job)


@pytest.mark.usefixtures("virtual_sound")
def test_both_drivers_list_the_devices_and_know_the_defaults(driver: Driver) -> None:
    devices = list_devices(driver)
    for direction in ("input", "output"):
        found = choose_device(devices, direction, None)
        assert found is not None
        assert found.channels(direction) > 0
        assert choose_device(devices, direction, found.id) == found
        assert choose_device(devices, direction, found.name[1:].upper()) == found
    assert len({(device.id, device.input > 0) for device in devices}) == len(devices)


async def test_speech_into_the_microphone_arrives_as_frames(
    virtual_sound: VirtualSound, driver: Driver, phrase_wav: Path, phrase: bytes
) -> None:
    condition, frames = Condition(), []

    def captured(frame: bytes) -> None:
        frames.append(frame)
        condition.notify()

    microphone = Microphone(captured)
    await microphone.open(driver=driver)
    try:
        await condition.until(lambda: len(frames) > 5)  # a suspended source starts late
        await in_thread(lambda: virtual_sound.speak(phrase_wav))
        spoken = len(frames)
        await condition.until(lambda: len(frames) > spoken + 25)
    finally:
        await microphone.close()
    assert {len(frame) for frame in frames} == {960}
    assert microphone.dropped == 0
    assert share_captured(b"".join(frames), phrase) > 0.7


async def test_nothing_is_lost_where_the_sound_server_stalls(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    """On a busy machine it waits for a second; of 400 ms, 280 ms were lost."""
    condition, came = Condition(), list[tuple[float, int]]()

    def captured(frame: bytes) -> None:
        came.append((time.monotonic(), len(frame)))
        condition.notify()

    microphone = Microphone(captured)
    await microphone.open(driver=driver)
    try:
        await condition.until(lambda: len(came) > 50)  # a suspended source starts late
        before = len(came)
        await in_thread(lambda: virtual_sound.stall(1.0))
        await condition.until(lambda: time.monotonic() - came[before - 1][0] > 1.6)
    finally:
        await microphone.close()
    arrived_ms = sum(length for _, length in came[before:]) / BYTES_PER_MS
    assert arrived_ms == pytest.approx((came[-1][0] - came[before - 1][0]) * 1000, abs=150)


async def test_sound_written_to_the_speaker_is_played_completely(
    virtual_sound: VirtualSound, driver: Driver, phrase: bytes
) -> None:
    condition, told = Condition(), []

    def tell(*fact: object) -> None:
        told.append(fact)
        condition.notify()

    speaker = Speaker(tell, tell)
    await speaker.open(driver=driver)
    recording = await asyncio.to_thread(virtual_sound.record)
    try:
        for at in range(0, len(phrase), 4800):
            speaker.write("reply", phrase[at : at + 4800])
        speaker.finish("reply")
        await condition.until(lambda: len(told) == 2)
        assert told == [("reply",), ("reply", int(duration_ms(phrase)))]
        await asyncio.to_thread(recording.wait_for_ms, 300)
    finally:
        await speaker.close()
    assert share_captured(recording.stop().tobytes(), phrase) > 0.7


async def test_devices_without_24_khz_are_resampled(
    virtual_sound: VirtualSound,
    phrase: bytes,
    phrase_wav: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Windows PortAudio opens a device at its own rate only; here 24 kHz is refused.

    A stream that starts late is opened again, so their number is not known."""
    require(load_driver("sounddevice"), "sounddevice does not load here")
    from tui_voice.audio import via_portaudio

    real, rates = via_portaudio.sounddevice, []

    class Picky:
        _terminate = staticmethod(real._terminate)
        _initialize = staticmethod(real._initialize)

        def __getattr__(self, name: str) -> object:
            def opened(rate: int, *rest: object, **named: object) -> object:
                if rate == RATE:
                    raise real.PortAudioError("Invalid sample rate")
                deep = (*rest[:-1], 0.5)  # seconds, so that a busy machine leaves no holes
                stream = getattr(real, name)(rate, *deep, **named)
                rates.append((name, rate))
                return stream

            return opened

    monkeypatch.setattr(via_portaudio, "_streams", Picky())
    monkeypatch.setattr(via_portaudio, "open_pulse_output", lambda *_: None)
    condition, frames, ended = Condition(), [], []

    def captured(frame: bytes) -> None:
        frames.append(frame)
        condition.notify()

    def finished(*fact: object) -> None:
        ended.append(fact)
        condition.notify()

    sound = await open_sound(
        captured, on_finished=finished, driver=via_portaudio.PortAudio(), cancel_echo=False
    )
    recording = await asyncio.to_thread(virtual_sound.record)
    try:
        await condition.until(lambda: len(frames) > 5)
        player = virtual_sound.speak(phrase_wav, wait=False)
        sound.speaker.write("reply", phrase)
        sound.speaker.finish("reply")
        await in_thread(player.wait)
        spoken = len(frames)
        await condition.until(lambda: bool(ended) and len(frames) > spoken + 25)
    finally:
        await sound.close()
    assert set(rates) == {("RawInputStream", 44_100), ("RawOutputStream", 44_100)}
    assert share_captured(b"".join(frames), phrase) > 0.7
    assert share_captured(recording.stop().tobytes(), phrase) > 0.7


async def test_an_interruption_reports_how_much_was_played(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    """The reply is a tone without pauses, so that its length on the recording can be read."""
    tone = (np.sin(np.arange(RATE * 10) * 2 * np.pi * 440 / RATE) * 9000).astype("<i2").tobytes()
    speaker = Speaker()
    await speaker.open(driver=driver)
    recording: Recording = await asyncio.to_thread(virtual_sound.record)
    try:
        speaker.write("long", tone)
        captured = lambda pcm: len(sounding(np.frombuffer(bytes(pcm), "<i2"))) > RATE  # noqa: E731  (shorter than a def in the middle of a test)
        await asyncio.to_thread(recording.wait_for, captured)
        result = speaker.interrupt()
        assert result is not None
        item, played_ms = result
        assert item == "long"
        assert not speaker.write("long", tone)
        await asyncio.to_thread(recording.wait_for_ms, 300)
    finally:
        await speaker.close()
    loud = sounding(recording.stop())
    assert (loud[-1] - loud[0]) * 1000 / RATE == pytest.approx(played_ms, abs=100)
    assert 900 < played_ms < 5_000


async def test_a_stopped_loudspeaker_plays_the_next_reply_completely(
    virtual_sound: VirtualSound,
    driver: Driver,
    phrase: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui_voice.audio.speaker._RESTS_AFTER", RATE // 2)
    condition, ended = Condition(), []

    def finished(item_id: str, _played_ms: int) -> None:
        ended.append(item_id)
        condition.notify()

    changes: list[DeviceChange] = []
    speaker = Speaker(on_finished=finished, on_change=changes.append)
    speaker.may_rest = True
    await speaker.open(driver=driver)
    recording = await asyncio.to_thread(virtual_sound.record)
    try:
        for item in ("1", "2"):
            while not speaker.resting:
                await asyncio.to_thread(recording.wait_for_ms, 50)
            began = len(recording.pcm) // 2 * 2
            speaker.write(item, phrase)
            speaker.finish(item)
            await condition.until(lambda item=item: item in ended)
            await asyncio.to_thread(recording.wait_for_ms, 300)
            captured = bytes(recording.pcm[began:])
            assert share_captured(captured, phrase[: RATE * 2]) > 0.7  # from its beginning
            assert share_captured(captured, phrase) > 0.7
        assert not changes
    finally:
        await speaker.close()
        recording.stop()


@pytest.mark.parametrize("cancel_echo", [False, True])
async def test_a_laptop_does_not_capture_its_own_reply(
    virtual_sound: VirtualSound, driver: Driver, phrase: bytes, cancel_echo: bool
) -> None:
    """The loudspeaker is connected to the microphone; without the canceller it is captured."""
    condition, frames, ended = Condition(), [], []

    def captured(frame: bytes) -> None:
        frames.append(frame)
        condition.notify()

    def finished(item_id: str, _played_ms: int) -> None:
        ended.append(item_id)
        condition.notify()

    await asyncio.to_thread(virtual_sound.join_speaker_to_microphone)
    sound = await open_sound(captured, on_finished=finished, driver=driver, cancel_echo=cancel_echo)
    try:
        await condition.until(lambda: len(frames) > 5)
        heard_db = []
        # The first one too, before the canceller has adapted.
        for item in ("1", "2") if cancel_echo else ("1",):
            frames.clear()
            sound.speaker.write(item, phrase)
            sound.speaker.finish(item)
            await condition.until(lambda item=item: item in ended)
            heard_db.append(level_db(b"".join(frames)) - level_db(phrase))
    finally:
        await sound.close()
    assert {db < -20 for db in heard_db} == {cancel_echo}, f"{heard_db} dB were captured"


async def test_a_lost_device_is_reported_and_found_again(
    virtual_sound: VirtualSound, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sound server ends and another one is started."""
    monkeypatch.setattr("tui_voice.audio.device_stream._WAKE_TIMEOUT_S", 2.5)
    condition, frames = Condition(), []
    changes: list[DeviceChange] = []

    def changed(change: DeviceChange) -> None:
        changes.append(change)
        condition.notify()

    def captured(frame: bytes) -> None:
        frames.append(frame)
        condition.notify()

    microphone = Microphone(captured, on_change=changed)
    speaker = Speaker(on_change=changed)
    await microphone.open(driver=driver)
    await speaker.open(driver=driver)
    try:
        await condition.until(lambda: bool(frames))
        await in_thread(virtual_sound.stop)
        await condition.until(
            lambda: {change.direction for change in changes} == {"input", "output"}
        )
        assert not any(change.back for change in changes)
        await in_thread(virtual_sound.start)
        await condition.until(lambda: len([c for c in changes if c.back]) == 2)
        before = len(frames)
        await condition.until(lambda: len(frames) > before)
    finally:
        await microphone.close()
        await speaker.close()
