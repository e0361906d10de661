"""Speech to recognise (flite, recordings in a Debian package) and a count of the word errors."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

DATA = Path("/usr/share/pocketsphinx/test/data")
"""From Debian's `pocketsphinx-testdata`."""
SENTENCES = (
    "My name is Anna and I live in Oslo.",
    "What did I tell you my name was?",
    "I am allergic to penicillin and my budget is four hundred euros.",
    "The meeting starts on Tuesday afternoon at the station.",
    "Could you please remind me where I parked the car?",
    "We decided to take the train instead of the bus.",
)
_RECORDINGS = {
    "librivox/sense_and_sensibility_01_austen_64kb-0870.wav": (
        "and mister john dashwood had then leisure to consider how much there might be prudently "
        "in his power to do for them"
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0880.wav": (
        "he was not an ill disposed young man"
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0890.wav": (
        "unless to be rather cold hearted and rather selfish is to be ill disposed"
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0930.wav": (
        "he might even have been made amiable himself"
    ),
    "cards/001.wav": "ten of clubs",
    "cards/003.wav": "seven of clubs",
    "cards/005.wav": "eight of spades four of clubs seven of hearts",
    "goforward.raw": "go forward ten meters",
}
_EQUAL_WORDS = {
    "mr": "mister",
    "metres": "meters",
    "coldhearted": "cold hearted",
    "4": "four",
    "7": "seven",
    "8": "eight",
    "10": "ten",
    "400": "four hundred",
    "€400": "four hundred euros",
}
"""Other ways in which a recogniser may write a word."""


@dataclass(frozen=True)
class Clip:
    """Samples at 16 kHz, −1…1, and the words spoken in them."""

    name: str
    samples: NDArray[np.float32]
    words: str


def flite(text: str, voice: str = "slt") -> NDArray[np.float32]:
    """Returns `text` in the voice of a flite speaker, at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "said.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(file)], check=True)
        return load(file)


def missing_packages() -> list[str]:
    """Returns the Debian packages that these tests need and this machine does not have."""
    found = {"flite": shutil.which("flite"), "pocketsphinx-testdata": DATA.is_dir()}
    return [name for name, there in found.items() if not there]


def recordings() -> list[Clip]:
    """Returns the recordings of people."""
    return [Clip(name, load(DATA / name), words) for name, words in _RECORDINGS.items()]


def load(file: Path) -> NDArray[np.float32]:
    """Returns a mono 16-bit file (WAV, or raw at 16 kHz) as samples at 16 kHz."""
    if file.suffix == ".raw":
        return np.frombuffer(file.read_bytes(), "<i2").astype(np.float32) / 32768
    with wave.open(str(file)) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / 32768
        return at_16k(samples, wav.getframerate())


def at_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    return np.asarray(soxr.resample(samples, rate, 16_000), np.float32)


def for_recogniser(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Returns the sound of a synthesiser (24 kHz) as a recogniser needs it (16 kHz)."""
    return at_16k(pcm.astype(np.float32) / 32768, 24_000)


def plain(text: str) -> list[str]:
    """Returns the words without case and punctuation, with figures as words."""
    found = re.findall(r"[€\w']+", text.lower().replace("-", " "))
    return " ".join(_EQUAL_WORDS.get(word, word) for word in found).split()


def word_errors(spoken: str, recognised: str) -> tuple[int, int]:
    """Returns the number of wrong, missing and additional words, and of the words spoken."""
    want, have = plain(spoken), plain(recognised)
    row = list(range(len(have) + 1))
    for i, word in enumerate(want, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(have, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1], len(want)


def error_rate(pairs: list[tuple[str, str]]) -> float:
    """Returns the word error rate, 0 and above, of pairs of spoken and recognised text."""
    counts = [word_errors(*pair) for pair in pairs]
    return sum(wrong for wrong, _ in counts) / sum(total for _, total in counts)
