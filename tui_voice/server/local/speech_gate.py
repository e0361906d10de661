"""Recognises only sound in which there is speech: recognisers invent words for everything else.

Whisper writes "Thank you for watching!" for music and silence, Moonshine "You" for rings and shots.
Of 130 pieces of music, rings and effects (Debian's `oxygen-sounds`, `freedroid-data` and
`asterisk-moh-opsound-wav`) 116 have no speech by this rule; of 189 spoken words of less than a
second (`asterisk-core-sounds-en-wav`) one has none, the letter x, and 5 in white noise at 15 dB.
Where the model of `audio/sound_classifier` is installed, a laugh or a cough is no speech either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio.sound_classifier import SoundClassifier
from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.detector_pool import DetectorPool
from tui_voice.server.interfaces import DETECTOR_CHUNK, Recogniser, ScoringRecogniser
from tui_voice.server.local.vad import SileroDetector

_STARTS, _CONTINUES = 0.5, 0.35
"""Probability from which a chunk begins speech, and from which it continues it."""
_CHUNKS = 5
"""Consecutive chunks of 32 ms that are speech: 160 ms."""
_LEAD = 8 * DETECTOR_CHUNK
"""Samples of silence (256 ms) before the sound, for which the detector needs a moment."""


class SpeechGate:
    """Implements `Recogniser` by another one; safe to call from several threads.

    `sounds` is called at the first speech, since loading the model takes 0.1 s.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        sounds: Callable[[], SoundClassifier | None] = SoundClassifier.or_none,
    ) -> None:
        self.name = recogniser.name
        self._recogniser = recogniser
        self._sounds = cache(sounds)
        self._detectors = DetectorPool(SileroDetector)

    @property
    def scores(self) -> bool:
        """The recogniser gives tokens with their probabilities."""
        return isinstance(self._recogniser, ScoringRecogniser)

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """Returns the words in a recording (mono, 16 kHz, −1…1), "" where there is no speech."""
        return self.transcribe_scored(samples)[0]

    def transcribe_scored(self, samples: NDArray[np.float32]) -> tuple[str, list[LogProb]]:
        """Returns the words and their tokens; no tokens where the recogniser gives none."""
        if not self._has_speech(samples):
            return "", []
        if (sounds := self._sounds()) is not None and not sounds.has_words(samples):
            return "", []
        if isinstance(self._recogniser, ScoringRecogniser):
            return self._recogniser.transcribe_scored(samples)
        return self._recogniser.transcribe(samples), []

    def _has_speech(self, samples: NDArray[np.float32]) -> bool:
        detector = self._detectors.take()
        sound = np.pad((np.clip(samples, -1, 1) * 32767).astype(np.int16), (_LEAD, DETECTOR_CHUNK))
        run = 0
        try:
            for at in range(0, len(sound) - DETECTOR_CHUNK + 1, DETECTOR_CHUNK):
                probability = detector(sound[at : at + DETECTOR_CHUNK])
                run = run + 1 if probability >= (_CONTINUES if run else _STARTS) else 0
                if run >= _CHUNKS:
                    return True
            return False
        finally:
            self._detectors.give_back(detector)
