"""Compares ways to find the end of a turn on recordings of people: cut sentences, and delay.

    python benchmarks/turn_ends.py

Recordings come from Debian's `asterisk-core-sounds-en-wav` (a speaker's prompts), and
`pocketsphinx-testdata` (readers). Those count that are one sentence with a pause of at least 150 ms
in it. The pause is taken to last 1 s, as when the speaker thinks: a way that ends the turn in it
has cut the sentence. At the end of the sentence counts how long the turn goes on. The threshold
of smart-turn in use, 0.9, is the largest with which, on one half of the sentences, that silence is
600 ms at most on average; the other half is reported.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import note
from tui_voice.server.end_of_turn import is_complete_sentence
from tui_voice.server.local.moonshine import Moonshine
from tui_voice.server.local.smart_turn import SmartTurn
from tui_voice.server.local.vad import SileroDetector
from tui_voice.server.turn_detector import PAUSE_MS as ASKED_MS

Sound = NDArray[np.float32]
RATE, CHUNK = 16_000, 512
FOLDERS = ("/usr/share/asterisk/sounds", "/usr/share/pocketsphinx/test/data")
PAUSE_MS, SHORTEST_PAUSE_MS = 1_000.0, 150.0
"""The pause in a sentence; the shortest that counts as one."""


@dataclass(frozen=True)
class Place:
    """A recording until a pause, or its end, with the silence after which a model is asked."""

    sound: Sound
    text: str
    is_end: bool


def load(path: Path) -> Sound:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, RATE), np.float32)


def pauses(detector: SileroDetector, sound: Sound) -> tuple[list[tuple[int, float]], int]:
    """Returns where pauses within speech begin, with their lengths in ms, and where speech ends."""
    detector.reset()
    pcm = (np.clip(np.pad(sound, (8 * CHUNK, 16 * CHUNK)), -1, 1) * 32767).astype(np.int16)
    voiced = [detector(pcm[at : at + CHUNK]) >= 0.5 for at in range(0, len(pcm) - CHUNK + 1, CHUNK)]
    speech = np.flatnonzero(voiced)
    if not len(speech):
        return [], 0
    gaps = np.diff(speech)
    found = [
        (int(speech[i] + 1 - 8) * CHUNK, float(gaps[i] - 1) * 32)
        for i in np.flatnonzero((gaps - 1) * 32 >= SHORTEST_PAUSE_MS)
    ]
    return found, int(speech[-1] + 1 - 8) * CHUNK


def places() -> Iterator[Place]:
    """Yields one pause and the end of each recording that is one sentence with a pause in it."""
    detector, recogniser = SileroDetector(), Moonshine()
    silence = np.zeros(ASKED_MS * RATE // 1000, np.float32)
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*.wav")):
            sound = load(path)
            if not 1.5 * RATE < len(sound) < 20 * RATE:
                continue
            found, end = pauses(detector, sound)
            if not found:
                continue
            text = recogniser.transcribe(sound)
            if len(text.split()) < 5 or re.search(r"[.?!]\s", text):
                continue
            at = max(found, key=lambda pause: pause[1])[0]
            begun = np.concatenate((sound[:at], silence))
            yield Place(begun, recogniser.transcribe(begun), is_end=False)
            yield Place(np.concatenate((sound[:end], silence)), text, is_end=True)


def row(name: str, places: list[Place], waits_ms: Callable[[Place], float]) -> None:
    """Prints the share of sentences cut, and the silence that ends a turn at their ends."""
    waited = [(place.is_end, waits_ms(place)) for place in places]
    cut = [ms < PAUSE_MS for is_end, ms in waited if not is_end]
    ends = sorted(ms for is_end, ms in waited if is_end)
    print(
        f"{name:44} cut {sum(cut):3} of {len(cut)} ({np.mean(cut):4.0%})   silence at the end: "
        f"median {np.median(ends):5.0f}, mean {np.mean(ends):5.0f}, p90 "
        f"{ends[int(len(ends) * 0.9)]:5.0f} ms",
        flush=True,
    )
    result = f"{sum(cut)} of {len(cut)} cut, {np.mean(ends):.0f} ms of silence at the end"
    note(f"turn ends after {name}", result)


def main() -> None:
    smart_turn, found = SmartTurn(), list(places())
    began = time.perf_counter()
    scores = {id(place): smart_turn(place.sound) for place in found}
    took_ms = (time.perf_counter() - began) * 1000 / len(found)
    print(f"{len(found) // 2} sentences; smart-turn takes {took_ms:.0f} ms")
    chosen_on = [place for number, place in enumerate(found) if number // 2 % 2 == 0]
    reported = [place for number, place in enumerate(found) if number // 2 % 2]

    def by_model(place: Place, threshold: float) -> float:
        return 300.0 if scores[id(place)] > threshold else 1_500.0

    for half, name in ((chosen_on, "chosen on"), (reported, "reported")):
        for silence in (500.0, 800.0, 1_100.0):
            row(f"{silence:.0f} ms of silence, {name}", half, lambda _, ms=silence: ms)
        row(
            f"semantic_vad by words, {name}",
            half,
            lambda place: 600.0 if is_complete_sentence(place.text) else 4_000.0,
        )
        for threshold in (0.5, 0.7, 0.9, 0.95, 0.97):
            row(
                f"semantic_vad by smart-turn > {threshold}, {name}",
                half,
                lambda place, t=threshold: by_model(place, t),
            )


if __name__ == "__main__":
    main()
