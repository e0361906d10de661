"""`open_sound` returns a usable microphone and loudspeaker with and without devices."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.patience_harness import patience
from tests.sound_server_harness import VirtualSound
from tui_voice.audio.devices import choose_device
from tui_voice.audio.driver import Device, Driver
from tui_voice.audio.files import read_sound
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import open_sound
from tui_voice.errors import DeviceError

SECOND = b"\x10\x27" * 24_000


class Callbacks:
    """Records callbacks and waits for them."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._more = asyncio.Event()

    def __call__(self, *fact: object) -> None:
        self.calls.append(fact)
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(patience(10)):
            while len(self.calls) < count:
                self._more.clear()
                await self._more.wait()


class Deaf:
    """A driver of a machine without devices."""

    name = "deaf"

    def devices(self) -> list[Device]:
        return []

    def open_input(self, *_: object, **__: object) -> None:
        raise AssertionError("there is nothing to open")

    open_output = open_input


class Slow(Deaf):
    """A driver whose sound server answers late or never."""

    name = "slow"

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def devices(self) -> list[Device]:
        self.asked.set()
        self.answer.wait(10)
        return []


async def test_the_null_speaker_plays_in_real_time_and_reports_it() -> None:
    callbacks = Callbacks()
    speaker = NullSpeaker(callbacks, callbacks)
    loop = asyncio.get_running_loop()
    began = loop.time()
    speaker.write("a", SECOND[:24_000])
    speaker.finish("a")
    await callbacks.until(2)
    assert callbacks.calls == [("a",), ("a", 500)]
    assert loop.time() - began >= 0.48
    assert speaker.level == 0.0


async def test_the_null_speaker_plays_faster_than_real_time_and_records() -> None:
    callbacks = Callbacks()
    speaker = NullSpeaker(on_finished=callbacks, speed=1000, record=True)
    for item in ("a", "b"):
        speaker.write(item, SECOND * 20)
        speaker.finish(item)
    await callbacks.until(2)
    assert callbacks.calls == [("a", 20_000), ("b", 20_000)]
    assert speaker.recording == SECOND * 40


async def test_an_interrupted_recording_ends_where_the_reply_was_cut(tmp_path: Path) -> None:
    callbacks = Callbacks()
    speaker = NullSpeaker(callbacks, speed=1, record=True)
    speaker.write("a", SECOND * 10)
    await callbacks.until(1)
    cut = speaker.interrupt()
    assert cut is not None
    assert cut[0] == "a"
    assert 0 < cut[1] < 5_000
    assert len(speaker.recording) == cut[1] * 48
    speaker.save(tmp_path / "cut.wav")
    assert read_sound(tmp_path / "cut.wav") == speaker.recording
    await speaker.close()


async def test_a_null_speaker_has_a_timer_only_while_it_plays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    callbacks = Callbacks()
    timers: list[object] = []
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def count(*job: Any, **options: Any) -> asyncio.TimerHandle:
        timers.append(job)
        return call_at(*job, **options)

    monkeypatch.setattr(loop, "call_at", count)
    speaker = NullSpeaker(callbacks, callbacks, speed=100)
    assert timers == []
    speaker.write("a", SECOND)
    speaker.finish("a")
    await callbacks.until(2)
    assert callbacks.calls[-1] == ("a", 1000)
    ended = len(timers)
    for _ in range(10):
        await asyncio.sleep(0)
    assert ended == len(timers) > 0


async def test_a_turn_from_a_file_arrives_as_frames() -> None:
    frames: list[bytes] = []
    microphone = NullMicrophone(frames.append)
    await microphone.feed(SECOND[: 960 * 3 + 100], speed=100)
    assert [len(frame) for frame in frames] == [960] * 4
    assert b"".join(frames).rstrip(b"\0") == SECOND[: 960 * 3 + 100].rstrip(b"\0")


async def test_without_devices_the_session_continues_by_typing() -> None:
    sound = await open_sound(lambda _: None, driver=Deaf())
    assert sound.notice is not None
    assert "No microphone found. Type instead. `tui-voice doctor` tells more." in sound.notice
    assert "No loudspeaker found. Replies are shown, not heard." in sound.notice
    assert not sound.has_microphone
    assert not sound.speaker.available
    await sound.close()


async def test_text_only_opens_no_device_and_gives_no_notice() -> None:
    sound = await open_sound(lambda _: None, enabled=False)
    assert sound.notice is None
    assert isinstance(sound.microphone, NullMicrophone)
    assert isinstance(sound.speaker, NullSpeaker)


async def test_a_slow_sound_server_does_not_block_the_loop() -> None:
    slow = Slow()
    opening = asyncio.create_task(open_sound(lambda _: None, driver=slow, cancel_echo=False))
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, slow.asked.wait, 10)
    assert slow.asked.is_set()
    # The loop runs here, while the server has not answered.
    assert not opening.done()
    slow.answer.set()
    sound = await opening
    assert sound.notice is not None


async def test_a_sound_server_that_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow()
    monkeypatch.setattr("tui_voice.audio.device_stream.OPEN_TIMEOUT_S", 0.05)
    sound = await open_sound(lambda _: None, driver=slow, cancel_echo=False)
    slow.answer.set()
    assert sound.notice is not None
    assert "does not answer" in sound.notice


async def test_a_missing_device_is_replaced_by_the_default(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    del virtual_sound  # in force through the environment
    sound = await open_sound(lambda _: None, input_device="Blue Yeti", driver=driver)
    try:
        assert sound.notice is not None
        assert 'There is no microphone "Blue Yeti".' in sound.notice
        assert f"Using {sound.microphone.name} until it is there." in sound.notice
        assert sound.microphone.name
    finally:
        await sound.close()


async def test_opening_real_devices_does_not_block_the_loop(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    """The loop's own steps are timed by its slow-callback hook, not the machine's load: no step
    of ours may contain the opening, which happens in the thread named for it."""
    del virtual_sound
    seen: list[str] = []
    real_open = driver.open_input

    def spying(*given: object, **named: object) -> object:
        seen.append(threading.current_thread().name)
        return real_open(*given, **named)

    driver.open_input = spying
    sound = await open_sound(lambda _: None, driver=driver)
    assert sound.notice is None
    await sound.close()
    assert seen == ["sound devices"]


def device(**given: object) -> Device:
    return Device(**{"id": "x", "name": "X", **given})


YETI = device(id="usb-1", name="Blue Yeti", input=1)
BUILT_IN = device(id="pci-0", name="Built-in Audio", input=2, default_input=True)
SECOND_YETI = device(id="usb-2", name="Blue Yeti", input=1)
BOX = device(id="pci-1", name="Built-in Speaker", output=2)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(None, BUILT_IN), ("usb-1", YETI), ("usb-2", SECOND_YETI), ("BUILT", BUILT_IN)],
)
def test_a_device_is_chosen_by_its_id_or_part_of_its_name(
    wanted: str | None, found: Device
) -> None:
    assert choose_device([YETI, BUILT_IN, SECOND_YETI, BOX], "input", wanted) is found


def test_two_devices_of_one_name_are_refused_with_their_ids() -> None:
    with pytest.raises(DeviceError, match=r"fits 2 microphones.*usb-1.*usb-2"):
        choose_device([YETI, BUILT_IN, SECOND_YETI], "input", "yeti")


@pytest.mark.parametrize("wanted", ["Speaker", "pci-1", "nothing"])
def test_a_loudspeaker_is_not_chosen_as_microphone(wanted: str) -> None:
    with pytest.raises(DeviceError, match="no microphone"):
        choose_device([YETI, BOX], "input", wanted)


def test_without_devices_there_is_no_default() -> None:
    assert choose_device([], "input", None) is None
