"""Devices come, go and become the default while a session runs, on a real sound server."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.patience_harness import patience
from tests.sound_server_harness import VirtualSound
from tui_voice.audio.device_stream import DeviceChange
from tui_voice.audio.devices import choose_device, load_driver
from tui_voice.audio.driver import Device, Driver
from tui_voice.audio.sink_ports import Port
from tui_voice.audio.sound import SoundDevices, open_sound
from tui_voice.errors import DeviceError

pytestmark = pytest.mark.sound


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_voice.audio.device_stream.LOOK_INTERVAL_S", 0.1)
    monkeypatch.setattr("tui_voice.audio.device_stream.LOOK_SHARE", 1.0)


class Observed:
    """Counts the frames and the device changes of open devices, and waits for them."""

    sound: SoundDevices

    def __init__(self) -> None:
        self.changes: list[DeviceChange] = []
        self.frames = 0
        self._happened = asyncio.Event()

    async def open(self, **options: object) -> None:
        driver = load_driver("miniaudio")
        given = {"driver": driver, "cancel_echo": False} | options
        self.sound = await open_sound(self._frame, on_change=self._changed, **given)

    def _frame(self, _pcm: bytes) -> None:
        self.frames += 1
        self._happened.set()

    def _changed(self, change: DeviceChange) -> None:
        self.changes.append(change)
        self._happened.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(patience(20)):
            while not true():
                self._happened.clear()
                await self._happened.wait()

    async def message(self, text: str) -> DeviceChange:
        """Waits for a change with this message."""
        await self.until(lambda: any(change.message == text for change in self.changes))
        return next(change for change in self.changes if change.message == text)

    async def captures(self) -> None:
        """Waits until frames come."""
        before = self.frames
        await self.until(lambda: self.frames > before + 3)


async def test_a_monitor_is_no_microphone_unless_it_is_named(
    virtual_sound: VirtualSound, driver: Driver
) -> None:
    """Without a microphone, and also after it was unplugged, what is played is not captured."""
    observed = Observed()
    await observed.open(driver=driver)
    await observed.captures()
    await asyncio.to_thread(virtual_sound.unplug_microphone)
    lost = await observed.message(
        f"The microphone {observed.sound.microphone.name or name(observed)} is gone."
    )
    assert not lost.back
    before = observed.frames
    await asyncio.to_thread(virtual_sound.plug_in, "phone", sink=True)  # time for many looks
    await asyncio.sleep(0.5)
    assert not observed.sound.has_microphone
    assert observed.frames - before < 10  # those captured before the loss was noticed
    await observed.sound.close()

    without = await open_sound(lambda _: None, driver=driver)
    assert "No microphone found." in (without.notice or "")
    await without.close()


def name(observed: Observed) -> str:
    """Returns the name of the device that was lost."""
    lost = next(change.message for change in observed.changes if not change.back)
    return lost.removeprefix("The microphone ").removesuffix(" is gone.")


async def test_a_session_without_devices_finds_later_ones(virtual_sound: VirtualSound) -> None:
    await asyncio.to_thread(virtual_sound.unplug_microphone)
    observed = Observed()
    await observed.open()
    assert not observed.sound.has_microphone
    await asyncio.to_thread(virtual_sound.plug_in, "headset")
    await observed.message("It listens on headset.")
    assert observed.sound.has_microphone
    await observed.captures()
    await observed.sound.close()


async def test_the_default_is_followed_and_a_named_device_is_taken_again(
    virtual_sound: VirtualSound,
) -> None:
    observed, named = Observed(), Observed()
    await observed.open()
    headset = await asyncio.to_thread(virtual_sound.plug_in, "headset")
    await named.open(input_device="headset")
    assert named.sound.microphone.name == "headset"
    await asyncio.to_thread(virtual_sound.set_default, "headset")
    await observed.message("The microphone headset is the system's default now: it listens on it.")
    await observed.captures()
    # Both lose it, and use the other one meanwhile; the one that was given its name takes it again.
    await asyncio.to_thread(virtual_sound.unplug, headset)
    gone = "The microphone headset is gone: it listens on Microphone."
    await observed.message(gone)
    await named.message(gone)
    observed.changes.clear()
    await asyncio.to_thread(
        virtual_sound.set_default, "tui_mic"
    )  # else it becomes the default again
    await asyncio.to_thread(virtual_sound.plug_in, "headset")
    await named.message("The microphone headset is back: it listens on it.")
    assert observed.changes == []
    assert observed.sound.microphone.name == "Microphone"
    await named.captures()
    await observed.sound.close()
    await named.sound.close()


async def test_a_change_is_noticed_at_once(
    virtual_sound: VirtualSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sound server moves a reply to another loudspeaker when the headphones are unplugged."""
    headphones = await asyncio.to_thread(virtual_sound.plug_in, "headphones", sink=True)
    observed = Observed()
    await observed.open(output_device="headphones")
    watch = observed.sound.speaker._stream._watch

    def wait_until_it_listens() -> None:
        while not watch.listens:
            time.sleep(0.01)

    await asyncio.wait_for(asyncio.to_thread(wait_until_it_listens), patience(20))
    for interval in ("LOOK_INTERVAL_S", "LONGEST_LOOK_INTERVAL_S"):
        monkeypatch.setattr(f"tui_voice.audio.device_stream.{interval}", 600.0)
    await asyncio.sleep(0.2)  # longer than the last short interval
    await asyncio.to_thread(virtual_sound.unplug, headphones)
    await observed.message("The loudspeaker headphones is gone.")
    await observed.sound.close()


async def test_unplugged_headphones_are_a_lost_loudspeaker_though_the_sink_stays(
    virtual_sound: VirtualSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual sink has no ports; those of a jack stand in, and each "change" event is real."""
    speaker, headphones = Port("speaker", "Laptop speakers"), Port("headphones", "Headphones")
    unplugged = replace(headphones, connected=False)
    in_use: list[Port] = [headphones]
    others: list[Port] = [speaker]
    monkeypatch.setattr(
        "tui_voice.audio.pulse_server.sink_ports",
        lambda sink: (
            (in_use[0], in_use + others) if sink.name == "tui_speaker" else (sink.port_active, [])
        ),
    )
    observed = Observed()
    await observed.open()
    watch = observed.sound.speaker._stream._watch
    looked = threading.Event()
    look = watch._look_at_ports
    monkeypatch.setattr(
        watch, "_look_at_ports", lambda pulse, index: (look(pulse, index), looked.set())
    )

    def wait_until_it_listens() -> None:
        while not watch.listens:
            time.sleep(0.01)

    async def switch(to: Port, other: Port) -> None:
        in_use[0], others[0] = to, other
        looked.clear()
        await asyncio.to_thread(virtual_sound.change_volume)
        assert await asyncio.to_thread(looked.wait, patience(20))

    await asyncio.wait_for(asyncio.to_thread(wait_until_it_listens), patience(20))
    await switch(speaker, headphones)  # by hand
    await switch(headphones, speaker)
    await switch(speaker, unplugged)
    await observed.message("Replies now play on Laptop speakers.")
    await switch(headphones, speaker)
    await observed.message("The loudspeaker Headphones is back: replies play on it.")
    assert [(change.message, change.back, change.same) for change in observed.changes] == [
        ("The loudspeaker Headphones is gone.", False, False),
        ("Replies now play on Laptop speakers.", True, False),
        ("The loudspeaker Headphones is back: replies play on it.", True, True),
    ]
    # Where this program does not play, a port that is lost is none of its devices.
    await observed.sound.speaker.choose("Feed")
    observed.changes.clear()
    await switch(speaker, unplugged)
    await observed.sound.close()
    assert observed.changes == []


async def test_a_device_is_chosen_while_it_runs_without_losing_a_word(
    virtual_sound: VirtualSound,
) -> None:
    for name in ("headset", "handset"):
        await asyncio.to_thread(virtual_sound.plug_in, name)
    await asyncio.to_thread(virtual_sound.plug_in, "earphones", sink=True)
    observed = Observed()
    await observed.open(driver=None)  # all of them, as the program does
    await observed.captures()
    started, loop = observed.frames, asyncio.get_running_loop()
    began = loop.time()
    await observed.sound.microphone.choose("headset")
    await observed.captures()
    captured_ms, elapsed_ms = (observed.frames - started) * 20, (loop.time() - began) * 1000
    assert captured_ms > elapsed_ms - 150  # less than the buffers of two devices
    assert observed.changes[-1].message == "It listens on headset."
    await observed.sound.speaker.choose("earphones")
    assert observed.changes[-1].message == "Replies play on earphones."
    with pytest.raises(DeviceError, match='no microphone "nothing"'):
        await observed.sound.microphone.choose("nothing")
    with pytest.raises(DeviceError, match=r"fits 2 microphones: .*\(headset\), .*\(handset\)"):
        await observed.sound.microphone.choose("dset")
    with pytest.raises(DeviceError, match='no microphone "nitor"') as refused:
        await observed.sound.microphone.choose("nitor")
    assert "Monitor of " in refused.value.hint
    assert observed.sound.microphone.name == "headset"
    await observed.captures()
    await observed.sound.close()


MONITOR = Device(id="a.monitor", name="Monitor of A", input=2, default_input=True, monitor=True)
MICROPHONE = Device(id="b", name="Built-in", input=1)


@pytest.mark.parametrize(
    ("devices", "wanted", "found"),
    [
        ([MONITOR], None, None),
        ([MONITOR, MICROPHONE], None, MICROPHONE),
        ([MONITOR], "monitor of a", MONITOR),
        ([MONITOR], "a.monitor", MONITOR),
    ],
)
def test_a_monitor_is_chosen_by_its_whole_name_only(
    devices: list[Device], wanted: str | None, found: Device | None
) -> None:
    assert choose_device(devices, "input", wanted) is found
    with pytest.raises(DeviceError, match='no microphone "monitor"') as refused:
        choose_device(devices, "input", "monitor")
    assert "Monitor of A" in refused.value.hint
