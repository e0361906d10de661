"""Counts the holes in a reply that is played while the machine is busy.

    python benchmarks/holes.py [--seconds 60] [--processes 4] [--driver miniaudio]

A tone is played through a private PulseAudio (apt: pulseaudio pulseaudio-utils) and recorded at the
monitor of its loudspeaker, while other processes and a thread of this one, which holds the
interpreter, use all cores. Silence within the tone is a hole: the loudspeaker ran dry. Afterwards
the tone is interrupted eight times, to show how soon it is silent.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import note
from tests.audio.holes_harness import LOUD, busy, holes_ms, tone
from tests.sound_server_harness import Recording, VirtualSound, missing
from tui_voice.audio.devices import load_driver
from tui_voice.audio.driver import Driver
from tui_voice.audio.pcm import RATE
from tui_voice.audio.speaker import Speaker

sys.setswitchinterval(0.0005)  # as the program does


async def play(driver: Driver, sound: VirtualSound, seconds: float, processes: int) -> None:
    ended = asyncio.Event()
    speaker = Speaker(on_finished=lambda *_: ended.set())
    await speaker.open(driver=driver)
    recording = await asyncio.to_thread(sound.record)
    with busy(processes):
        speaker.write("reply", tone(seconds))
        speaker.finish("reply")
        await ended.wait()
        await asyncio.to_thread(recording.wait_for_ms, 500)
        found = holes_ms(np.frombuffer(bytes(recording.pcm[: len(recording.pcm) // 2 * 2]), "<i2"))
        silent_ms = [await interrupt(speaker, recording, n) for n in range(8)]
    await speaker.close()
    recording.stop()
    print(
        f"{driver.name:12} {processes} busy processes: {len(found)} holes in {seconds:.0f} s "
        f"({', '.join(f'{ms:.0f}' for ms in found[:20])} ms); "
        f"interrupt → silence {statistics.median(silent_ms):.0f} ms, at most {max(silent_ms):.0f}",
        flush=True,
    )
    place = f"{driver.name}, {processes} busy processes"
    note(f"holes of a reply of {seconds:.0f} s, {place}", len(found))
    note(f"interrupt → silence, {place}", statistics.median(silent_ms), "ms")


async def interrupt(speaker: Speaker, recording: Recording, number: int) -> float:
    """Returns the milliseconds from `interrupt()` to the last sound on the recorder."""
    start = len(recording.pcm) // 2 * 2
    speaker.write(f"cut {number}", tone(10))

    def heard(pcm: bytearray) -> np.ndarray:
        sound = np.frombuffer(bytes(pcm[start : len(pcm) // 2 * 2]), "<i2")
        return np.flatnonzero(np.abs(sound.astype(int)) > LOUD)

    await asyncio.to_thread(recording.wait_for, lambda pcm: len(heard(pcm)) > RATE // 2)
    speaker.interrupt()
    at = time.monotonic()
    await asyncio.to_thread(recording.wait_for_ms, 600)
    ended = recording.began + (start // 2 + int(heard(recording.pcm)[-1])) / RATE
    return (ended - at) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--driver", choices=("miniaudio", "sounddevice"))
    chosen = parser.parse_args()
    if lacking := missing():
        sys.exit(f"no virtual sound: {', '.join(lacking)} missing")
    for name in (chosen.driver,) if chosen.driver else ("miniaudio", "sounddevice"):
        with VirtualSound() as sound:
            os.environ.update(sound.env)
            if driver := load_driver(name):
                for processes in dict.fromkeys((0, chosen.processes)):
                    asyncio.run(play(driver, sound, chosen.seconds, processes))


if __name__ == "__main__":
    main()
