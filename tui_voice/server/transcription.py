"""Transcribes what the user says: spoken turns while they go on, and audio in created items.

The model needs the transcripts in any case; the client gets the events
`conversation.item.input_audio_transcription.*` only where it has switched transcription on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui_voice.audio import pcm
from tui_voice.realtime.wire.base import UNSET
from tui_voice.realtime.wire.items import LogProb
from tui_voice.realtime.wire.server import (
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionError,
    TranscriptionFailed,
)
from tui_voice.realtime.wire.usage import TranscriptionSeconds
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.jobs import TranscribeJob, TranscriptReady
from tui_voice.server.output_queue import OutputQueue
from tui_voice.server.turn_detector import TurnDetector
from tui_voice.server.utterance import TranscriptionRun, Utterance


@dataclass(slots=True)
class _SpokenTurn:
    """A turn that is being spoken, or that is committed and not yet transcribed."""

    utterance: Utterance
    record: ItemRecord | None = None
    """The item, once the turn is committed."""
    voice_end_ms: float = 0.0
    sound: bytes = b""
    """Audio of the committed turn, from `sound_start_ms` on."""
    sound_start_ms: float = 0.0


class Transcriber:
    """Calls `on_pause_text(utterance, finished)` when the text before a pause is known, and
    `on_transcribed()` when all audio of an item is transcribed.
    """

    def __init__(
        self,
        queue: OutputQueue,
        items: ItemList,
        on_pause_text: Callable[[Utterance, bool | None], None],
        on_transcribed: Callable[[], None],
    ) -> None:
        self._queue, self._items = queue, items
        self._on_pause_text, self._on_transcribed = on_pause_text, on_transcribed
        self.sends_transcripts = False
        """The client has switched transcription on."""
        self.sends_logprobs = False
        """The client wants to know how sure the recogniser is (`include`)."""
        self._turn: _SpokenTurn | None = None
        self._turn_jobs: dict[int, _SpokenTurn] = {}
        self._item_jobs: dict[int, tuple[ItemRecord, int]] = {}
        """Jobs for audio in created items: the item and the content index."""

    @property
    def utterance(self) -> Utterance | None:
        """The turn that is being spoken."""
        return self._turn.utterance if self._turn else None

    def begin(self, item_id: str, start_ms: float) -> None:
        """A turn has started."""
        self._turn = _SpokenTurn(Utterance(item_id, start_ms))

    def transcribe_partially(self, detector: TurnDetector, *, is_answered: bool) -> None:
        """Starts a partial run if one is due and the client gets transcripts.

        `is_answered`: a reply will follow, so the language model reads ahead.
        """
        turn = self._turn
        if turn is None or not self.sends_transcripts:
            return
        if run := turn.utterance.due_partial_run(detector.end_ms):
            sound = detector.audio(run.start_ms, run.end_ms)
            before = self._before() if is_answered else None
            self._start(turn, run, sound, is_urgent=False, before=before)

    def pause(self, detector: TurnDetector, *, judges_end: bool) -> None:
        """Starts a complete run: the turn may end here."""
        turn = self._turn
        assert turn is not None, "a pause is part of a turn"
        run = turn.utterance.pause_run(detector.end_ms)
        sound = detector.audio(run.start_ms, run.end_ms)
        before = self._before() if judges_end else None
        self._start(turn, run, sound, is_urgent=True, before=before, judges_end=judges_end)

    def _before(self) -> list[ContextTurn]:
        """Returns the items before the turn that is being spoken."""
        return [record.as_turn({}) for record in self._items]

    def resume(self) -> None:
        """Speech goes on after a pause."""
        assert self._turn is not None, "speech resumes within a turn"
        self._turn.utterance.resume()

    def drop(self) -> None:
        """The turn that is being spoken will not be committed."""
        turn, self._turn = self._turn, None
        if turn is not None:
            self._stop_runs(turn)

    def commit(self, record: ItemRecord, start_ms: float, voice_end_ms: float | None) -> None:
        """The spoken turn became the item `record`, whose audio starts at `start_ms`.

        `voice_end_ms`: end of the speech in it; None where it is only silence.
        """
        if voice_end_ms is None:
            self._finish(record, 0, "")
            return
        turn = self._turn or _SpokenTurn(Utterance(record.id, start_ms))
        self._turn = None
        turn.record, turn.voice_end_ms = record, voice_end_ms
        turn.sound, turn.sound_start_ms = bytes(record.audio[0].sound or b""), start_ms
        self._finish_turn(turn)

    def _finish_turn(self, turn: _SpokenTurn) -> None:
        """Finishes a committed turn whose text is known; otherwise starts a run if none will give
        the text."""
        assert turn.record is not None
        text = turn.utterance.final_text(turn.voice_end_ms)
        if text is not None:
            self._stop_runs(turn)
            self._finish(turn.record, 0, text, turn.utterance.logprobs, turn.utterance)
        elif not turn.utterance.has_final_run(turn.voice_end_ms):
            start = turn.utterance.unsettled_start_ms
            skipped_samples = max(0, round((start - turn.sound_start_ms) * pcm.SAMPLES_PER_MS))
            end = turn.sound_start_ms + turn.record.audio[0].duration_ms
            rest = turn.sound[skipped_samples * pcm.WIDTH :]
            self._start(turn, TranscriptionRun(start, end, is_complete=True), rest, is_urgent=True)

    def _stop_runs(self, turn: _SpokenTurn) -> None:
        """Forgets the runs that are still active: the text of the turn is known or not needed."""
        turn.utterance.stop.set()
        self._turn_jobs = {
            job: other for job, other in self._turn_jobs.items() if other is not turn
        }

    def transcribe_item(self, record: ItemRecord) -> None:
        """Starts transcribing the audio of an item that the client created."""
        for index, stored in record.audio.items():
            job_id = self._queue.next_job_id()
            self._item_jobs[job_id] = (record, index)
            self._queue.start(TranscribeJob(job_id, bytes(stored.sound or b""), is_urgent=True))

    def _start(
        self,
        turn: _SpokenTurn,
        run: TranscriptionRun,
        sound: bytes,
        is_urgent: bool,
        before: Sequence[ContextTurn] | None = None,
        judges_end: bool = False,
    ) -> None:
        job_id = self._queue.next_job_id()
        turn.utterance.run_started(job_id, run)
        self._turn_jobs[job_id] = turn
        stop = turn.utterance.stop
        self._queue.start(TranscribeJob(job_id, sound, is_urgent, stop, before, judges_end))

    def job_done(self, result: TranscriptReady) -> None:
        """A `TranscribeJob` gave its text."""
        job_id, text, logprobs = result.job_id, result.text, result.logprobs
        if part := self._item_jobs.pop(job_id, None):
            self._finish(*part, text, logprobs)
        elif turn := self._turn_jobs.pop(job_id, None):
            run = turn.utterance.run_finished(job_id, text, logprobs)
            if turn.record is not None:
                self._finish_turn(turn)
            elif turn is not self._turn or run is None:
                return
            elif run.is_complete:
                self._on_pause_text(turn.utterance, result.finished)
            elif self.sends_transcripts:
                self._send_delta(turn.utterance.item_id, turn.utterance.stable_delta(text))

    def job_failed(self, job_id: int, message: str) -> None:
        """A `TranscribeJob` failed; jobs of other types are ignored."""
        if part := self._item_jobs.pop(job_id, None):
            self._fail(*part, message)
        elif turn := self._turn_jobs.pop(job_id, None):
            turn.utterance.run_failed(job_id)
            if turn.record is not None and not turn.utterance.has_final_run(turn.voice_end_ms):
                self._stop_runs(turn)
                self._fail(turn.record, 0, message)

    def _send_delta(self, item_id: str, delta: str | None) -> None:
        """Sends `conversation.item.input_audio_transcription.delta`."""
        if delta:
            self._queue.send(TranscriptionDelta(item_id=item_id, content_index=0, delta=delta))

    def _finish(
        self,
        record: ItemRecord,
        index: int,
        text: str,
        logprobs: tuple[LogProb, ...] = (),
        utterance: Utterance | None = None,
    ) -> None:
        """Stores the transcript and sends `….completed`, where the client gets transcripts."""
        record.audio[index].text = text
        if self.sends_transcripts and self._items.contains(record):
            self._send_delta(record.id, utterance.unsent_delta(text) if utterance else text)
            record.set_transcript(index, text)
            seconds = math.ceil(record.audio[index].duration_ms / 1000)
            self._queue.send(
                TranscriptionCompleted(
                    item_id=record.id,
                    content_index=index,
                    transcript=text,
                    usage=TranscriptionSeconds(seconds=seconds),
                    logprobs=list(logprobs) if self.sends_logprobs and logprobs else UNSET,
                )
            )
        if record.is_transcribed:
            self._on_transcribed()

    def _fail(self, record: ItemRecord, index: int, message: str) -> None:
        """Stores an empty transcript and sends `….failed`, where the client gets transcripts."""
        record.audio[index].text = ""
        if self.sends_transcripts and self._items.contains(record):
            error = TranscriptionError(
                type="server_error", code="transcription_failed", message=message
            )
            self._queue.send(
                TranscriptionFailed(item_id=record.id, content_index=index, error=error)
            )
        if record.is_transcribed:
            self._on_transcribed()
