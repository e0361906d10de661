"""Counts recordings that voice activity detection takes for speech, and those in which the model of
sounds then finds words: words, shouts, laughs and coughs, grunts.

    python benchmarks/wordless_sounds.py [--root FOLDER]

Recordings come from Debian's `asterisk-core-sounds-en-wav`, `ktuberling` (single words of
volunteers in 20 languages), `pocketsphinx-testdata`, `hedgewars-data` (shouted lines, laughs and
grunts of actors), `scratch`, `bambam` and `tuxpaint-data` (laughs, coughs, sneezes): as many as are
below `--root`, which may be a folder into which the packages were unpacked. Each is heard clean,
ten times quieter, in white noise at 15 dB, and with music (`asterisk-moh-opsound-wav`) at 10 dB.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import note
from benchmarks.turn_ends import RATE, Sound, load
from tui_voice.audio.sound_classifier import SoundClassifier
from tui_voice.server.local.speech_gate import SpeechGate

LONGEST_S = 12
ROOM_DB = -65.0
"""Noise of the room, in dB below full scale."""
LAUGHS = ("Laugh", "laugh", "giggle", "Cough", "Sneeze")
GRUNTS = (
    "Ow1",
    "Ow2",
    "Ow3",
    "Ow4",
    "Ooff",
    "Jump",
    "Moan",
    "Ouch",
    "Hmm",
    "Firepunch",
    "Kamikaze",
)
SIGNALS = ("beep", "tone", "confbridge-join", "confbridge-leave", "confbridge-conf-end", "silence")
PLACES = {
    "words": ("asterisk/sounds", "pocketsphinx/test/data", "ktuberling/sounds"),
    "shouts": ("games/hedgewars/Data/Sounds/voices",),
    "laughs, coughs": ("games/hedgewars", "scratch/Media", "bambam", "tuxpaint", "games/monsterz"),
    "grunts": ("games/hedgewars/Data/Sounds/voices",),
}


class Words:
    """A recogniser that finds words in everything."""

    name = "everything"

    def transcribe(self, samples: Sound) -> str:
        return f"{len(samples)} samples"


def is_of(kind: str, path: Path) -> bool:
    if kind == "words":
        return not any(part in path.name for part in SIGNALS)
    laughs = any(part in path.name for part in LAUGHS)
    grunts = any(part in path.name for part in GRUNTS)
    return {"laughs, coughs": laughs, "grunts": grunts}.get(kind, not laughs and not grunts)


def recordings(root: Path, kind: str, every: int) -> list[Sound]:
    """Returns every `every`th recording of the kind that lasts 0.15 s or longer."""
    found = []
    for place in PLACES[kind]:
        paths = sorted(p for p in (root / place).rglob("*") if p.suffix in (".wav", ".ogg"))
        for path in [p for p in paths if is_of(kind, p)][::every]:
            try:
                sound = load(path)[: LONGEST_S * RATE]
            except soundfile.LibsndfileError:
                continue
            if len(sound) > 0.15 * RATE:
                found.append(sound)
    return found


def conditions(music: Sound) -> dict[str, Callable[[Sound, np.random.Generator], Sound]]:
    """Returns how a recording between two silences is heard."""

    def level(sound: Sound) -> float:
        return float(np.sqrt((sound[sound != 0] ** 2).mean() + 1e-12))

    def with_music(sound: Sound, rng: np.random.Generator) -> Sound:
        start = int(rng.integers(0, len(music) - len(sound)))
        part = music[start : start + len(sound)]
        return np.asarray(sound + part / level(music) * level(sound) * 10 ** (-10 / 20), np.float32)

    def in_noise(sound: Sound, rng: np.random.Generator) -> Sound:
        noise = rng.standard_normal(len(sound)) * level(sound) * 10 ** (-15 / 20)
        return np.asarray(sound + noise, np.float32)

    found: dict[str, Callable[[Sound, np.random.Generator], Sound]] = {
        "clean": lambda sound, _: sound,
        "quiet": lambda sound, _: np.asarray(sound / 10, np.float32),
        "noise": in_noise,
    }
    return found | ({"music": with_music} if len(music) > LONGEST_S * 2 * RATE else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/usr/share"))
    parser.add_argument("--every", type=int, default=3, help="take every Nth recording of words")
    options = parser.parse_args()
    gate, sounds = SpeechGate(Words(), lambda: None), SoundClassifier()
    tunes = sorted(Path("/usr/share/asterisk/moh").glob("*.wav"))
    music = load(tunes[0]) if tunes else np.zeros(0, np.float32)
    print(f"{'recordings':<16} {'heard':<8} {'number':>7} {'speech':>7} {'words':>7}")
    for kind in PLACES:
        found = recordings(options.root, kind, options.every if kind in ("words", "shouts") else 1)
        for name, hear in conditions(music).items():
            rng = np.random.default_rng(1)
            speech = words = 0
            for recording in found:
                sound = hear(np.pad(recording, (RATE // 2, RATE // 2)), rng)
                room = rng.standard_normal(len(sound)) * 10 ** (ROOM_DB / 20)
                sound = np.asarray(sound + room, np.float32)
                if gate.transcribe(sound):
                    speech += 1
                    words += sounds.has_words(sound)
            print(f"{kind:<16} {name:<8} {len(found):>7} {speech:>7} {words:>7}")
            note(f"{kind}, {name}: words found", f"{words} of {len(found)}, speech in {speech}")


if __name__ == "__main__":
    main()
