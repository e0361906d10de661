"""Sound in figures: how late frames come, how fast a reply falls silent, what it all costs.

    python benchmarks/sound.py

Through a private PulseAudio (apt: pulseaudio pulseaudio-utils); without one, only what needs no
device is measured.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.figures import note

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.sound_server_harness import VirtualSound, missing
from tui_voice.audio.devices import load_driver
from tui_voice.audio.driver import Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.files import read_sound
from tui_voice.audio.microphone import Microphone
from tui_voice.audio.pcm import RATE, level_db
from tui_voice.audio.playback import Playback
from tui_voice.audio.sound import open_sound
from tui_voice.audio.speaker import Speaker

AT = np.arange(RATE * 10) / RATE
# Noise in syllables, three a second: the canceller takes a steady noise for the room's own.
SYLLABLES = np.maximum(0, np.sin(2 * np.pi * 3 * AT)) * 6000
SPOKEN = (np.random.default_rng(0).standard_normal(RATE * 10) * SYLLABLES).astype("<i2").tobytes()
TONE = (np.sin(2 * np.pi * 440 * AT) * 9000).astype("<i2").tobytes()
SECONDS = 6.0


def row(what: str, figures: str) -> None:
    print(f"{what:<64}{figures}", flush=True)
    note(what, figures)


def spread(values: list[float], unit: str = "ms") -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered):7.2f}   p99 {p99:7.2f}   max {ordered[-1]:7.2f} {unit}"


def timed(job: Callable[[], object], times: int) -> float:
    """Median microseconds of one call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        job()
        taken.append((time.perf_counter() - began) * 1e6)
    return statistics.median(taken)


@contextmanager
def on_a_loop_of_its_own() -> Iterator[Callable[[Awaitable[object]], object]]:
    """As the program does it: sound on a loop in a thread, the screen on another one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield lambda job: asyncio.run_coroutine_threadsafe(job, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def busy(seconds: float, block: float) -> None:
    """A screen that holds the interpreter for `block` seconds, rests 0.2 s, and so on."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        stop = time.perf_counter() + block
        while time.perf_counter() < stop:
            pass
        time.sleep(0.2)


def lateness(driver: Driver, block: float, interval: float) -> list[float]:
    """For each frame, the milliseconds between its being due and its arrival on the loop."""
    arrived: list[float] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval)

    async def start() -> Microphone:
        microphone = Microphone(lambda _: arrived.append(time.perf_counter()))
        await microphone.open(driver=driver)
        return microphone

    try:
        with on_a_loop_of_its_own() as run:
            microphone = run(start())
            assert isinstance(microphone, Microphone)
            while len(arrived) < 50:
                time.sleep(0.05)
            arrived.clear()
            busy(SECONDS, block)
            run(microphone.close())
    finally:
        sys.setswitchinterval(before)
    # Due: as early as any frame came, every 20 ms.
    offsets = np.array(arrived) - np.arange(len(arrived)) * 0.02
    return list((offsets - offsets.min()) * 1000)


def loud_samples(pcm: bytearray, since: int) -> np.ndarray:
    """Where the recording is audible, counted in samples from byte `since`."""
    return np.flatnonzero(np.abs(np.frombuffer(bytes(pcm[since:]), "<i2")) > 150)


async def silence_after_interruption(driver: Driver, sound: VirtualSound) -> tuple[str, str]:
    """Milliseconds from `interrupt()` to the last audible sample on the recorder, and how far the
    reported length is from the recorded one."""
    speaker = Speaker()
    await speaker.open(driver=driver)
    recording = await asyncio.to_thread(sound.record)
    until_silent, off = [], []
    for number in range(8):
        started = len(recording.pcm) // 2 * 2
        speaker.write(str(number), TONE)
        await asyncio.to_thread(
            recording.wait_for,
            lambda pcm, at=started: loud_samples(pcm, at).size > 0,
        )
        await asyncio.sleep(0.5 + 0.013 * number)
        result = speaker.interrupt()
        at = time.monotonic()
        await asyncio.to_thread(recording.wait_for_ms, 400)
        loud = loud_samples(recording.pcm, started)
        ended = recording.began + (started // 2 + loud[-1]) / RATE
        until_silent.append((ended - at) * 1000)
        assert result is not None
        off.append(abs((loud[-1] - loud[0]) * 1000 / RATE - result[1]))
    await speaker.close()
    recording.stop()
    return spread(until_silent), spread(off)


async def processor_share(
    driver: Driver, *, speaking: bool, cancel_echo: bool, is_open: bool = True
) -> float:
    """Percent of a core while both devices run, or rest behind a closed microphone."""
    sound = await open_sound(lambda _: None, driver=driver, cancel_echo=cancel_echo)
    sound.microphone.gate(is_open)
    sound.speaker.may_rest = not is_open
    await asyncio.sleep(2.5 if is_open else 12.5)  # the loudspeaker rests after 10 s
    if speaking:
        sound.speaker.write("reply", SPOKEN)
    began, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(5)
    share = (time.process_time() - began) / (time.perf_counter() - wall) * 100
    await sound.close()
    return share


def spoken_reply() -> bytes:
    """A sentence by flite, 24 kHz mono."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reply.wav"
        subprocess.run(["flite", "-t", "Of course. For how many people?", "-o", path], check=True)
        return read_sound(path)


async def reply_heard(driver: Driver, reply: bytes) -> str:
    """dB of a spoken reply that are left in what a microphone joined to the loudspeaker hears."""
    frames: list[bytes] = []
    ended = asyncio.Event()
    sound = await open_sound(frames.append, on_finished=lambda *_: ended.set(), driver=driver)
    await asyncio.sleep(2.5)
    left = []
    for number in range(4):
        frames.clear()
        ended.clear()
        sound.speaker.write(str(number), reply)
        sound.speaker.finish(str(number))
        await ended.wait()
        left.append(f"{level_db(b''.join(frames)) - level_db(reply):.0f}")
    await sound.close()
    return ", ".join(left) + " dB"


def without_devices() -> None:
    playback = Playback()

    def flush() -> None:
        playback.interrupt()

    costs = []
    for number in range(20):
        playback.write(str(number), TONE * 6)
        costs.append(timed(flush, 1))
    row("interrupt with a minute waiting", f"{statistics.median(costs):9.1f} µs")
    playback.write("b", TONE * 6)
    row("take a block of 10 ms", f"{timed(lambda: playback.take(240), 1000):9.1f} µs")
    row("write 100 ms", f"{timed(lambda: playback.write('b', TONE[:4800]), 500):9.1f} µs")
    canceller = EchoCanceller()

    def cancel() -> None:
        canceller.played(SPOKEN[:960])
        canceller.clean(SPOKEN[:960])

    row("cancel the echo in a frame of 20 ms", f"{timed(cancel, 300):9.1f} µs")


def main() -> None:
    without_devices()
    if lacking := missing():
        print(f"no virtual sound: {', '.join(lacking)} missing")
        return
    with VirtualSound() as sound:
        os.environ.update(sound.env)
        for name in ("miniaudio", "sounddevice"):
            driver = load_driver(name)
            if driver is None:
                print(f"{name} does not load here")
                continue
            for what, block, interval in (
                ("quiet screen", 0.0, 0.005),
                ("screen blocks 300 ms", 0.3, 0.005),
                ("screen blocks 300 ms, switch interval 0.5 ms", 0.3, 0.0005),
            ):
                row(f"{name}: frame due → loop, {what}", spread(lateness(driver, block, interval)))
            silent, off = asyncio.run(silence_after_interruption(driver, sound))
            row(f"{name}: interrupt → silence on the recorder", silent)
            row(f"{name}: played_ms against the recording, off by", off)
            for what, speaking, cancel_echo, is_open in (
                ("idle, microphone closed", False, True, False),
                ("idle, microphone open", False, True, True),
                ("speaking", True, False, True),
                ("speaking, echo cancelled", True, True, True),
            ):
                share = asyncio.run(
                    processor_share(
                        driver, speaking=speaking, cancel_echo=cancel_echo, is_open=is_open
                    )
                )
                row(f"{name}: {what}", f"{share:9.2f} % of a core")
        if shutil.which("flite"):
            sound.join_speaker_to_microphone()
            for driver in filter(None, map(load_driver, ("miniaudio", "sounddevice"))):
                heard = asyncio.run(reply_heard(driver, spoken_reply()))
                row(f"{driver.name}: left of replies 1 to 4 in the microphone", heard)


if __name__ == "__main__":
    main()
