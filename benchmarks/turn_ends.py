"""Compares ways to find the end of a turn on recordings of people: cut sentences, and delay.

    python benchmarks/turn_ends.py

Recordings come from Debian's `asterisk-core-sounds-en-wav` (a speaker's prompts; those of other
languages count too, where they are installed), and `pocketsphinx-testdata` (readers). Two kinds of
pauses are taken to last 1 s, as when the speaker thinks: the longest pause that the speaker made,
which in prompts is the end of a phrase; and a stop between two words, at the quietest 40 ms of the
middle of a sentence. A way that ends the turn in the pause has cut the sentence. At the end of the
sentence counts how long the turn goes on. Noise as loud as that of the recording follows the
speech. The models that judge by words know English only, so they get the English recordings.
Last, the thresholds with which 5 to 50 % of the sentences are cut, and what comes of a threshold
that was found on the other half of the recordings.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import note
from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.end_of_turn import is_complete_sentence
from tui_voice.server.local.moonshine import Moonshine
from tui_voice.server.local.sentence_end import FINISHED_FROM, SentenceEnd
from tui_voice.server.local.smart_turn import SmartTurn
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.vad import SileroDetector
from tui_voice.server.turn_detector import PAUSE_MS as ASKED_MS
from tui_voice.server.turn_detector import SILENCE_MS, Pause

Sound = NDArray[np.float32]
RATE, CHUNK = 16_000, 512
FOLDERS = ("/usr/share/asterisk/sounds", "/usr/share/pocketsphinx/test/data")
PAUSE_MS, SHORTEST_PAUSE_MS = 1_000.0, 150.0
"""The pause in a sentence; the shortest that counts as one."""


Kind = Literal["phrase", "words", "end"]


@dataclass(frozen=True)
class Place:
    """A recording until a pause after a phrase or between words, or until its end, with the silence
    after which a model is asked."""

    sound: Sound
    text: str
    tokens: list[LogProb]
    kind: Kind
    file: Path

    @property
    def is_english(self) -> bool:
        return "asterisk" not in self.file.parts or any(p[:3] == "en_" for p in self.file.parts)


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


def quietest(sound: Sound, start: int, end: int) -> int:
    """Returns the number of the sample in the middle of the quietest 40 ms of a stretch."""
    width = RATE // 25
    energy = np.convolve(sound[start:end] ** 2, np.ones(width) / width, "same")
    return start + int(np.argmin(energy))


def places() -> Iterator[Place]:
    """Yields the pauses and the end of each recording that is one sentence."""
    detector, recogniser = SileroDetector(), Moonshine()
    rng = np.random.default_rng(0)
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*.wav")):
            sound = load(path)
            if not 1.8 * RATE < len(sound) < 20 * RATE:
                continue
            found, end = pauses(detector, sound)
            text = recogniser.transcribe(sound)
            if len(text.split()) < 6 or re.search(r"[.?!]\s", text):
                continue
            parts = sound[: len(sound) // 800 * 800].reshape(-1, 800)
            floor = max(1e-4, float(np.sqrt((parts**2).mean(axis=1).min())))
            silence = (rng.standard_normal(ASKED_MS * RATE // 1000) * floor).astype(np.float32)
            first = int(np.flatnonzero(np.abs(sound) > 0.02)[0])
            length = end - first
            at: dict[Kind, int] = {
                "words": quietest(sound, first + length * 3 // 10, first + length * 3 // 4),
                "end": end,
            }
            if found:
                at["phrase"] = max(found, key=lambda pause: pause[1])[0]
            for kind, sample in at.items():
                begun = np.concatenate((sound[:sample], silence))
                yield Place(begun, *recogniser.transcribe_scored(begun), kind, path)


def row(name: str, places: list[Place], waits_ms: Callable[[Place], float]) -> None:
    """Prints the sentences cut at both kinds of pauses, and the silence at their ends."""
    waited: dict[Kind, list[float]] = {"phrase": [], "words": [], "end": []}
    for place in places:
        waited[place.kind].append(waits_ms(place))
    cut = [
        f"{sum(ms < PAUSE_MS for ms in waited[kind])} of {len(waited[kind])}"
        for kind in ("phrase", "words")
    ]
    ends = waited["end"]
    result = (
        f"cut after a phrase {cut[0]}, between words {cut[1]}; at the end {np.median(ends):.0f} ms "
        f"of silence, mean {np.mean(ends):.0f}"
    )
    print(f"{name:36} {result}", flush=True)
    note(f"turn ends after {name}", result)


def timed(name: str, found: list[Place], judge: Callable[[Place], float]) -> dict[int, float]:
    """Returns the probability at each place, by `id`."""
    began = time.perf_counter()
    scores = {id(place): judge(place) for place in found}
    took_ms = (time.perf_counter() - began) * 1000 / len(found)
    print(f"{len(found)} places; {name}: {took_ms:.0f} ms each")
    return scores


def waits(scores: dict[int, float], threshold: float) -> Callable[[Place], float]:
    """Returns what says for a place how much silence ends the turn."""
    finished, unfinished = SILENCE_MS[Pause.FINISHED]["auto"], SILENCE_MS[Pause.UNFINISHED]["auto"]
    return lambda place: finished if scores[id(place)] > threshold else unfinished


def roc(name: str, places: list[Place], scores: dict[int, float]) -> None:
    """Prints which ends are found for which share of cut sentences."""
    print(name)
    kinds = np.array([place.kind for place in places])
    found = np.array([scores[id(place)] for place in places])
    of = {kind: found[kinds == kind] for kind in ("phrase", "words", "end")}
    for kind in ("phrase", "words"):
        area = (of["end"][:, None] > of[kind][None]).mean()
        print(f"pauses, {kind}: area under the curve {area:.2f}")
        for share in (0.05, 0.1, 0.2, 0.3, 0.5):
            threshold = float(np.quantile(of[kind], 1 - share, method="higher"))
            ends = (of["end"] > threshold).mean()
            print(f"  {share:.0%} cut: threshold {threshold:.3f}, {ends:.0%} of the ends found")
    files = sorted({place.file for place in places})
    halves = np.array([files.index(place.file) % 2 for place in places])
    for half in (0, 1):
        threshold = float(np.quantile(found[(halves != half) & (kinds == "words")], 0.9))
        cut, phrases, ends = (
            (found[(halves == half) & (kinds == kind)] > threshold).mean()
            for kind in ("words", "phrase", "end")
        )
        print(
            f"  threshold {threshold:.3f}, for 10 % of one half: in the other {cut:.0%} cut "
            f"between words, {phrases:.0%} after a phrase, {ends:.0%} of the ends found"
        )


def main() -> None:
    smart_turn, judge, found = SmartTurn(), SentenceEnd(SmolLM().ends), list(places())
    scores = timed("smart-turn", found, lambda place: smart_turn.probability(place.sound))
    english = [place for place in found if place.is_english]
    words = timed("words", english, lambda place: judge.probability(place.text, place.tokens))
    for silence in (500.0, 800.0, 1_100.0):
        row(f"{silence:.0f} ms of silence", found, lambda _, ms=silence: ms)
    row(
        "semantic_vad by words",
        found,
        lambda place: 600.0 if is_complete_sentence(place.text) else 4_000.0,
    )
    for threshold in (0.5, 0.8, 0.9, 0.95, 0.97):
        row(f"semantic_vad by smart-turn > {threshold}", found, waits(scores, threshold))
    row("English: by smart-turn > 0.95", english, waits(scores, 0.95))
    row(f"English: by words > {FINISHED_FROM}", english, waits(words, FINISHED_FROM))
    roc("smart-turn", found, scores)
    roc("smart-turn, English", english, scores)
    roc("words, English", english, words)


if __name__ == "__main__":
    main()
