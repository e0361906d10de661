"""Writes down what the user says: turns while they are spoken, and sounds that come as items."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tui_voice.realtime.wire.server import (
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionError,
    TranscriptionFailed,
)
from tui_voice.realtime.wire.usage import TranscriptionSeconds
from tui_voice.server.conversation import Conversation
from tui_voice.server.items import Entry
from tui_voice.server.jobs import Transcribe
from tui_voice.server.outbox import Outbox
from tui_voice.server.turn_detector import TurnDetector
from tui_voice.server.utterance import Run, Utterance


@dataclass(slots=True)
class _Turn:
    """A spoken turn; `entry` once it is committed."""

    utterance: Utterance
    entry: Entry | None = None
    voiced_ms: float = 0.0
    sound: bytes = b""
    """Of the committed turn, from `sound_ms` on."""
    sound_ms: float = 0.0


class Transcriber:
    """`told`: whether the client wants transcripts. The model gets its words in any case.

    `guessed(utterance)` is called when what was said before a pause is known;
    `written()` when all words of an item are known.
    """

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        guessed: Callable[[Utterance], None],
        written: Callable[[], None],
    ) -> None:
        self._outbox, self._conversation = outbox, conversation
        self._guessed, self._written = guessed, written
        self.told = False
        self._turn: _Turn | None = None
        self._turns: dict[int, _Turn] = {}
        self._parts: dict[int, tuple[Entry, int]] = {}

    @property
    def utterance(self) -> Utterance | None:
        """The turn that is being spoken."""
        return self._turn.utterance if self._turn else None

    def begin(self, item_id: str, start_ms: float) -> None:
        self._turn = _Turn(Utterance(item_id, start_ms))

    def listen(self, ear: TurnDetector) -> None:
        """Writes on while the voice goes on, where the client wants to read along."""
        turn = self._turn
        if turn is not None and self.told and (run := turn.utterance.partial(ear.end_ms)):
            self._start(turn, run, ear.sound(run.start_ms, run.end_ms), urgent=False)

    def pause(self, ear: TurnDetector) -> None:
        turn = self._turn
        assert turn is not None, "a pause is within a turn"
        run = turn.utterance.pause(ear.end_ms)
        self._start(turn, run, ear.sound(run.start_ms, run.end_ms), urgent=True)

    def resume(self) -> None:
        assert self._turn is not None, "a voice resumes within a turn"
        self._turn.utterance.resume()

    def drop(self) -> None:
        """The turn that is being spoken will not be committed."""
        if self._turn is not None:
            self._turn.utterance.stop.set()
            self._turn = None

    def commit(self, entry: Entry, start_ms: float, voiced_ms: float | None) -> None:
        """The turn became `entry`, which starts at `start_ms`; the voice ended at `voiced_ms`.

        None: there was no voice, and nothing is to be heard in it.
        """
        if voiced_ms is None:
            self._finish(entry, 0, "")
            return
        turn = self._turn or _Turn(Utterance(entry.id, start_ms))
        self._turn = None
        turn.entry, turn.voiced_ms = entry, voiced_ms
        turn.sound, turn.sound_ms = bytes(entry.sounds[0].pcm or b""), start_ms
        self._settle(turn)

    def _settle(self, turn: _Turn) -> None:
        """Ends a committed turn where its words are known, else sees that they will be."""
        assert turn.entry is not None
        text = turn.utterance.final(turn.voiced_ms)
        if text is not None:
            self._finish(turn.entry, 0, text, turn.utterance)
        elif not turn.utterance.awaited(turn.voiced_ms):
            start = turn.utterance.rest_start_ms
            skipped = max(0, round((start - turn.sound_ms) * 24)) * 2
            end = turn.sound_ms + turn.entry.sounds[0].ms
            self._start(turn, Run(start, end, whole=True), turn.sound[skipped:], urgent=True)

    def write(self, entry: Entry) -> None:
        """Writes down the sounds of an item that the client created."""
        for index, kept in entry.sounds.items():
            job = self._outbox.next_job()
            self._parts[job] = (entry, index)
            self._outbox.start(Transcribe(job, bytes(kept.pcm or b""), urgent=True))

    def _start(self, turn: _Turn, run: Run, sound: bytes, urgent: bool) -> None:
        job = self._outbox.next_job()
        turn.utterance.started(job, run)
        self._turns[job] = turn
        self._outbox.start(Transcribe(job, sound, urgent, turn.utterance.stop))

    def result(self, job: int, text: str) -> None:
        """A run heard `text`."""
        if part := self._parts.pop(job, None):
            self._finish(*part, text)
        elif turn := self._turns.pop(job, None):
            run = turn.utterance.result(job, text)
            if turn.entry is not None:
                self._settle(turn)
            elif turn is not self._turn or run is None:
                return
            elif run.whole:
                self._guessed(turn.utterance)
            elif self.told:
                self._tell(turn.utterance.item_id, turn.utterance.grown(text))

    def broke(self, job: int, message: str) -> None:
        """A run failed."""
        if part := self._parts.pop(job, None):
            self._fail(*part, message)
        elif turn := self._turns.pop(job, None):
            turn.utterance.failed(job)
            if turn.entry is not None and not turn.utterance.awaited(turn.voiced_ms):
                self._fail(turn.entry, 0, message)

    def _tell(self, item_id: str, delta: str | None) -> None:
        if delta:
            self._outbox.emit(TranscriptionDelta(item_id=item_id, content_index=0, delta=delta))

    def _finish(
        self, entry: Entry, index: int, text: str, utterance: Utterance | None = None
    ) -> None:
        entry.sounds[index].text = text
        if self.told and self._conversation.get(entry.id) is entry:
            self._tell(entry.id, utterance.rest(text) if utterance else text)
            entry.show_transcript(index, text)
            self._outbox.emit(
                TranscriptionCompleted(
                    item_id=entry.id,
                    content_index=index,
                    transcript=text,
                    usage=TranscriptionSeconds(seconds=math.ceil(entry.sounds[index].ms / 1000)),
                )
            )
        if not entry.unwritten:
            self._written()

    def _fail(self, entry: Entry, index: int, message: str) -> None:
        entry.sounds[index].text = ""
        if self.told and self._conversation.get(entry.id) is entry:
            self._outbox.emit(
                TranscriptionFailed(
                    item_id=entry.id,
                    content_index=index,
                    error=TranscriptionError(
                        type="server_error", code="transcription_failed", message=message
                    ),
                )
            )
        if not entry.unwritten:
            self._written()
