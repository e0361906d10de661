"""Runs jobs on the engines, in worker threads, and reports the results."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio import pcm
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.audio_formats import encode
from tui_voice.server.detector_pool import BorrowedDetector, DetectorPool
from tui_voice.server.fair_pool import FairPool
from tui_voice.server.interfaces import DETECTOR_RATE, ContextTurn, Engines, ScoringRecogniser
from tui_voice.server.jobs import (
    EnginesReady,
    EnginesUnavailable,
    Job,
    JobFailed,
    JobResult,
    ReplyEnded,
    ReplyJob,
    ReplyPiece,
    SpeakJob,
    SpeechReady,
    TranscribeJob,
    TranscriptReady,
)

Report = Callable[[JobResult], None]
_MAX_PARALLEL_REPLIES, _MAX_REPLIES_PER_CLIENT = 64, 4
"""A reply spends most of its time waiting for its model, which may be a chat server that hangs."""


class EngineWorkers:
    """Shared by all connections of a server. `report` is called in the worker's thread.

    `new_pool(name, threads, per_client)` makes a pool of worker threads.
    """

    def __init__(
        self, engines: Engines, new_pool: Callable[[str, int, int | None], FairPool] = FairPool
    ) -> None:
        self.engines = engines
        self._transcription = new_pool("transcription", 1, None)
        self._replies = new_pool("replies", _MAX_PARALLEL_REPLIES, _MAX_REPLIES_PER_CLIENT)
        self._speech = new_pool("speech", 1, None)
        self._pools = (self._transcription, self._replies, self._speech)
        self._detector_pool = DetectorPool(engines.detector)
        self._detectors: dict[Hashable, BorrowedDetector] = {}

    def prepare(self, key: Hashable, report: Report) -> None:
        """Makes what a new connection needs; reports `EnginesReady` or `EnginesUnavailable`.

        Other engines may still be loading: a job that needs one waits for it in its thread.
        """
        detector = self._detectors[key] = BorrowedDetector(self._detector_pool)

        def make() -> None:
            self.engines.count_tokens("")  # loads the token table here and not on the event loop
            self._detector_pool.give_back(self._detector_pool.take())  # fails here if ever
            report(EnginesReady(detector, tuple(self.engines.voices)))

        def work() -> None:
            _run_reporting(make, lambda message: report(EnginesUnavailable(message)))

        self._speech.submit(key, work)

    def start(self, key: Hashable, job: Job, report: Report) -> None:
        """Queues `job` for the connection `key`; skips it if it is stopped before it starts."""

        def work(run: Callable[[], None]) -> Callable[[], None]:
            def guarded() -> None:
                if not job.stop.is_set():
                    _run_reporting(run, lambda message: report(JobFailed(job.job_id, message)))

            return guarded

        match job:
            case TranscribeJob(is_urgent=is_urgent):
                run = work(lambda: self._transcribe(job, report))
                self._transcription.submit(key, run, is_urgent)
            case ReplyJob():
                self._replies.submit(key, work(lambda: self._reply(job, report)))
            case SpeakJob():
                self._speech.submit(key, work(lambda: self._speak(job, report)))

    def forget(self, key: Hashable) -> None:
        """Drops the queued jobs of a closed connection, and takes its speech detector back."""
        for pool in self._pools:
            pool.forget(key)
        detector = self._detectors.pop(key, None)
        if detector is not None:
            detector.close()

    def close(self) -> None:
        for pool in self._pools:
            pool.close()

    def _transcribe(self, job: TranscribeJob, report: Report) -> None:
        resampled = pcm.samples(pcm.resample(job.sound, pcm.RATE, DETECTOR_RATE))
        samples = np.multiply(resampled, 1 / 32768, dtype=np.float32)
        before = job.before or ()
        by_words = self.engines.end_of_sentence() if job.judges_end else None
        by_sound = self.engines.end_of_turn() if job.judges_end and by_words is None else None
        if by_sound is None:
            text, logprobs = self._recognise(samples)
            finished = None
            with suppress(TuiVoiceError):  # then the last word tells, and no words are lost
                finished = by_words(text, logprobs, before) if by_words is not None else None
        else:
            with ThreadPoolExecutor(1, "end of turn") as meanwhile:
                judged = meanwhile.submit(by_sound, samples)
                text, logprobs = self._recognise(samples)
            finished = judged.result()
        report(TranscriptReady(job.job_id, text, logprobs, finished))
        if text and job.before is not None and not job.is_urgent:
            with suppress(TuiVoiceError):  # the reply itself will report it
                self.engines.read_ahead([*job.before, ContextTurn("", "user", text)])

    def _recognise(self, samples: NDArray[np.float32]) -> tuple[str, tuple[LogProb, ...]]:
        recogniser = self.engines.recogniser()
        if isinstance(recogniser, ScoringRecogniser):
            text, logprobs = recogniser.transcribe_scored(samples)
            return text, tuple(logprobs)
        return recogniser.transcribe(samples), ()

    def _reply(self, job: ReplyJob, report: Report) -> None:
        for piece in self.engines.responder().reply(job.request, job.stop):
            if job.stop.is_set():
                return
            report(ReplyPiece(job.job_id, piece))
        report(ReplyEnded(job.job_id))

    def _speak(self, job: SpeakJob, report: Report) -> None:
        samples = self.engines.synthesiser().speak(job.text, job.voice, job.speed)
        sound = samples.astype("<i2", copy=False).tobytes()
        report(SpeechReady(job.job_id, sound, encode(sound, job.audio_format)))


def _run_reporting(run: Callable[[], None], on_failure: Callable[[str], None]) -> None:
    """Calls `run`; calls `on_failure` with one sentence where it raises."""
    try:
        run()
    except TuiVoiceError as error:
        on_failure(str(error))
    except Exception as error:  # noqa: BLE001 — engines may raise anything; the session goes on
        on_failure(f"The engine failed: {type(error).__name__}: {error}")
