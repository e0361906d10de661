"""Finds out while a turn is captured whether there are words in it, or only a laugh or a cough."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from tui_voice.audio import sound_classifier as model
from tui_voice.audio.pcm import RATE, WIDTH, Resampler, samples
from tui_voice.audio.sound_classifier import SoundClassifier, WordJudge

_LEAD = bytes(model.LEAD * WIDTH)


class WordFinder:
    """Takes a stream of s16le at 24 kHz; for one thread. It judges a window each 240 ms until there
    are words. Without the model, everything counts as words."""

    def __init__(self) -> None:
        self._loading: Future[SoundClassifier | None] | None = None
        self.begin_turn()

    def begin_turn(self) -> None:
        """Forgets the turn so far."""
        self._resampler = Resampler(RATE, model.RATE)
        self._waiting = bytearray(_LEAD)
        self._judge: WordJudge | None = None
        self._found = False

    def feed(self, pcm: bytes) -> None:
        """Takes the next sound of the turn. The first call loads the model, on another thread."""
        if self._found:
            return
        if self._loading is None:
            executor = ThreadPoolExecutor(1, thread_name_prefix="sound-model")
            self._loading = executor.submit(SoundClassifier.or_none)
            executor.shutdown(wait=False)
        self._waiting += self._resampler.feed(pcm)
        if self._loading.done():
            self._judge_waiting(self._loading.result())

    def found_words(self) -> bool:
        """Returns whether there were words in the turn, which has ended."""
        if not self._found and self._loading is not None:
            self._waiting += self._resampler.finish() + _LEAD
            self._waiting += bytes(max(0, model.WINDOW * WIDTH - len(self._waiting)))
            self._judge_waiting(self._loading.result())
            self._resampler = Resampler(RATE, model.RATE)
        return self._found or (self._judge is not None and self._judge.has_words)

    def _judge_waiting(self, classifier: SoundClassifier | None) -> None:
        if classifier is None:
            self._found = True
            return
        if self._judge is None:
            self._judge = WordJudge(classifier)
        while not self._found and len(self._waiting) >= model.WINDOW * WIDTH:
            window = samples(self._waiting[: model.WINDOW * WIDTH]).astype(np.float32)
            self._found = self._judge.add(window / np.float32(32768))
            del self._waiting[: model.HOP * WIDTH]
