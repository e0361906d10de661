"""The engines at work: runs jobs in threads and reports the facts."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from tui_voice.audio import pcm
from tui_voice.errors import TuiVoiceError
from tui_voice.server.audio_formats import encode
from tui_voice.server.interfaces import DETECTOR_RATE, Engines
from tui_voice.server.jobs import (
    Broke,
    Fact,
    Job,
    Ready,
    Reply,
    Said,
    SaidAll,
    Speak,
    Spoken,
    Transcribe,
    Transcribed,
    Unavailable,
)
from tui_voice.server.pool import FairPool

Report = Callable[[Fact], None]
_REPLIES_AT_ONCE = 4
"""Replies wait for a model most of the time, their own or one behind a socket."""


class Workers:
    """Shared by all connections of a server. `report` is called in the worker's thread."""

    def __init__(self, engines: Engines, pool: Callable[[str, int], FairPool] = FairPool) -> None:
        self.engines = engines
        self._hearing = pool("hearing", 1)
        self._thinking = pool("thinking", _REPLIES_AT_ONCE)
        self._speaking = pool("speaking", 1)
        self._pools = (self._hearing, self._thinking, self._speaking)

    def prepare(self, key: Hashable, report: Report) -> None:
        """Makes what one connection needs at first, and reports `Ready` or `Unavailable`.

        The rest may still be loading: whoever needs it waits for it in a thread.
        """

        def make() -> None:
            self.engines.count_tokens("")  # loads its table here, not on the loop
            voices = tuple(self.engines.synthesiser().voices)
            report(Ready(self.engines.detector(), voices))

        def work() -> None:
            _reporting(make, lambda message: report(Unavailable(message)))

        self._speaking.submit(key, work)

    def start(self, key: Hashable, job: Job, report: Report) -> None:
        """Queues `job` for the connection `key`."""
        match job:
            case Transcribe(urgent=urgent):
                self._hearing.submit(key, lambda: self._transcribe(job, report), urgent)
            case Reply():
                self._thinking.submit(key, lambda: self._reply(job, report))
            case speak:
                self._speaking.submit(key, lambda: self._speak(speak, report))

    def forget(self, key: Hashable) -> None:
        """The connection is gone."""
        for pool in self._pools:
            pool.forget(key)

    def close(self) -> None:
        for pool in self._pools:
            pool.close()

    def _transcribe(self, job: Transcribe, report: Report) -> None:
        def hear() -> None:
            fine = pcm.samples(pcm.resample(job.sound, pcm.RATE, DETECTOR_RATE))
            samples = np.multiply(fine, 1 / 32768, dtype=np.float32)
            text = self.engines.recogniser().transcribe(samples)
            report(Transcribed(job.job, text))

        if not job.stop.is_set():
            _reporting(hear, lambda message: report(Broke(job.job, message)))

    def _reply(self, job: Reply, report: Report) -> None:
        def think() -> None:
            for piece in self.engines.responder().reply(job.request, job.stop):
                if job.stop.is_set():
                    return
                report(Said(job.job, piece))
            report(SaidAll(job.job))

        if not job.stop.is_set():
            _reporting(think, lambda message: report(Broke(job.job, message)))

    def _speak(self, job: Speak, report: Report) -> None:
        def speak() -> None:
            made = self.engines.synthesiser().speak(job.text, job.voice, job.speed)
            kept = made.astype("<i2", copy=False).tobytes()
            report(Spoken(job.job, kept, encode(kept, job.format)))

        if not job.stop.is_set():
            _reporting(speak, lambda message: report(Broke(job.job, message)))


def _reporting(work: Callable[[], None], broke: Callable[[str], None]) -> None:
    """Runs `work`; what an engine raises becomes a fact, so that no thread and no talk dies."""
    try:
        work()
    except TuiVoiceError as error:
        broke(str(error))
    except Exception as error:  # noqa: BLE001 — engines are other people's code: a talk survives them
        broke(f"The engine failed: {type(error).__name__}: {error}")
