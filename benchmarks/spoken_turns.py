"""Speaks many turns over noise in one session, and counts the turns that were lost or doubled.

    python benchmarks/spoken_turns.py [--turns 200] [--snr 15]

The sentences are flite's (Debian), in pink noise that also goes on before and after them. The sound
goes to the embedded server over the wire, 25 times as fast as real time (`tui-voice say`); the
server finds the turns by its voice activity detection. A turn is lost where a sentence has no turn
in its place, and doubled where there are more turns, or more replies, than sentences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import note
from tests.server.local.speech_harness import SENTENCES, flite, word_errors

RATE = 16_000
AROUND_S = 0.8
"""Seconds of noise before and after a sentence."""
VOICES = ("slt", "rms", "awb")


def pink(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Returns noise whose energy falls by 3 dB an octave, with a root mean square of 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples)
    return noise / np.sqrt((noise**2).mean())


def noisy(spoken: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    loudness = np.sqrt((spoken[np.abs(spoken) > 0.01] ** 2).mean())
    sound = np.pad(spoken, round(AROUND_S * RATE))
    return sound + pink(len(sound), rng) * loudness * 10 ** (-snr_db / 20)


def save(path: Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--snr", type=float, default=15.0)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    spoken = {(text, voice): flite(text, voice) for text in SENTENCES for voice in VOICES}
    order = [list(spoken)[number % len(spoken)] for number in range(chosen.turns)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, key in enumerate(order):
            files.append(Path(folder, f"{number:03}.wav"))
            save(files[-1], noisy(spoken[key], chosen.snr, rng))
        command = [sys.executable, "-m", "tui_voice", "say", "--backend", "local", "--json"]
        ran = subprocess.run(
            [*command, "--sessions-dir", folder, *map(str, files)],
            check=False,
            capture_output=True,
            text=True,
        )
    if ran.returncode:
        print(ran.stderr[-2_000:], file=sys.stderr)
    turns = [
        line for line in map(json.loads, ran.stdout.splitlines()) if line.get("event") == "turn"
    ]
    said = [turn["text"] for turn in turns if turn["role"] == "user"]
    replies = sum(turn["role"] == "assistant" and bool(turn["text"]) for turn in turns)
    lost, unclear, at = 0, [], 0
    for number, (text, _) in enumerate(order):  # in the order in which they were said
        if at < len(said) and understood(text, said[at]):
            at += 1
        elif at < len(said) and not any(
            understood(one, said[at]) for one, _ in order[number + 1 :]
        ):
            unclear.append(f"{text} → {said[at]}")
            at += 1
        else:
            lost += 1
    doubled, too_many = len(said) - at, max(0, replies - len(order))
    print(
        f"{len(order)} turns at {chosen.snr:.0f} dB in {time.monotonic() - began:.0f} s: "
        f"{lost} lost, {doubled} doubled, {len(unclear)} with most words wrong; "
        f"{replies} replies, {too_many} too many"
    )
    result = f"{lost} lost, {doubled} doubled, {len(unclear)} misheard"
    note(f"{len(order)} spoken turns with noise at {chosen.snr:.0f} dB", result)
    for line in sorted(set(unclear)):
        print(f"  {line}")
    return 1 if ran.returncode or lost or doubled or too_many else 0


def understood(spoken: str, transcript: str) -> bool:
    wrong, words = word_errors(spoken, transcript)
    return wrong <= words / 2


if __name__ == "__main__":
    sys.exit(main())
