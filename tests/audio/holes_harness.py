"""A tone played on a busy machine, and the silences in its recording: the loudspeaker ran dry."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import RATE

LOUD = 150
"""Sample value of the tone's quietest audible part."""
SHORTEST_HOLE = RATE // 500
"""Samples (2 ms); the tone itself crosses zero for less than one."""


def tone(seconds: float) -> bytes:
    """Returns s16le at 24 kHz."""
    at = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * 440 * at) * 9000).astype("<i2").tobytes()


def holes_ms(recorded: npt.NDArray[Any]) -> list[float]:
    """Returns the lengths of the silences within the recorded tone, in milliseconds."""
    loud = np.flatnonzero(np.abs(recorded.astype(int)) > LOUD)
    return [
        float(later - sooner) * 1000 / RATE
        for sooner, later in pairwise(loud)
        if later - sooner > SHORTEST_HOLE
    ]


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Uses all cores: by processes, and by a thread that wants the interpreter all the time."""
    spin = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(spin) for _ in range(processes)]
    ended = threading.Event()

    def hold() -> None:
        while not ended.is_set():
            sum(range(2_000))

    thread = threading.Thread(target=hold, daemon=True)
    if processes:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for process in running:
            process.kill()
            process.wait()
