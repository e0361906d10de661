"""Measures how many wrong words of a transcript are marked as uncertain, and how many right ones.

Run: `python benchmarks/uncertain_words.py`. It recognises recordings of people, and the same with
noise (power falling with the frequency) at 20, 10 and 5 dB below the speech, three times each. A
word counts as wrong where it stands in no common part of what was spoken and what was recognised.
F1 is about equal at 0.5 and 0.6; 0.6, the default of `backend.uncertain_below`, marks more of the
wrong words. Needs the extra `local` and
pocketsphinx-testdata (Debian).
"""

from __future__ import annotations

import sys
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.figures import note
from tests.server.local.speech_harness import missing_packages, plain, recordings
from tui_voice.realtime.uncertain_words import uncertain_words
from tui_voice.server.local.moonshine import Moonshine

NOISE_DB = (None, 20, 10, 5)
"""Speech over noise; None: none is added."""
ROUNDS = 3
BELOW = (0.5, 0.6, 0.7, 0.8, 0.9)


def with_noise(
    speech: NDArray[np.float32], ratio_db: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Returns speech (16 kHz, −1…1) and noise so many dB below it, in samples of the speech."""
    spectrum = np.fft.rfft(random.standard_normal(len(speech)))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(len(speech), 1 / 16_000), 50))
    noise = np.fft.irfft(spectrum, len(speech))
    loud = speech[np.abs(speech) > np.abs(speech).max() / 20]
    noise *= np.sqrt(np.mean(loud**2) / 10 ** (ratio_db / 10) / np.mean(noise**2))
    return np.clip(speech + noise, -1, 1).astype(np.float32)


def wrong_words(spoken: str, recognised: str) -> list[bool]:
    """Returns for each word of the recognised text whether it was not spoken there."""
    parts = [
        (place, word)
        for place, text in enumerate(recognised.split())
        for word in plain(text) or [""]
    ]
    common = SequenceMatcher(None, plain(spoken), [word for _, word in parts], autojunk=False)
    right = {
        b for _, start, size in common.get_matching_blocks() for b in range(start, start + size)
    }
    numbered = [(place, n in right or not word) for n, (place, word) in enumerate(parts)]
    return [
        not all(good for _, good in group) for _, group in groupby(numbered, lambda one: one[0])
    ]


def main() -> None:
    if missing := missing_packages():
        print(f"no voices to recognise: apt install {' '.join(missing)}")
        return
    stt, random = Moonshine(), np.random.default_rng(7)
    counts = {below: np.zeros(2, int) for below in BELOW}  # marked, marked and wrong
    words = wrong = 0
    for ratio_db in NOISE_DB:
        for clip in recordings() * (1 if ratio_db is None else ROUNDS):
            heard = clip.samples if ratio_db is None else with_noise(clip.samples, ratio_db, random)
            text, tokens = stt.transcribe_scored(heard)
            faults = wrong_words(clip.words, text)
            words, wrong = words + len(faults), wrong + sum(faults)
            starts = np.cumsum([0, *(len(word) + 1 for word in text.split(" "))])
            for below in BELOW:
                marked = uncertain_words(text, tokens, below)
                bad = sum(faults[int(np.searchsorted(starts, begin))] for begin, _ in marked)
                counts[below] += len(marked), bad
    for below, (marked, bad) in counts.items():
        precision, recall = bad / marked, bad / wrong
        f1 = 2 * precision * recall / (precision + recall)
        value = f"{precision:.0%}, {recall:.0%}, {f1:.2f}"
        what = f"{words} words, {wrong} wrong; marked below {below}: precision, recall, F1"
        print(f"{what:70} {value}", flush=True)
        note(what, value)


if __name__ == "__main__":
    main()
