"""The transcript of one spoken turn while the turn goes on.

The recogniser cannot continue a transcript, so the server runs it again and again over the growing
audio. Three rules keep the result stable and the work small:

- A partial run happens every 500 ms of speech. Words that two partial runs in a row agree on are
  sent to the client.
- At each pause a complete run happens: if the turn ends there, its text is the transcript.
- When speech goes on after a pause and at least 5 s were transcribed, that text is settled, and
  later runs start behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from tui_voice.realtime.wire.items import LogProb

PARTIAL_MS = 500
"""New audio after which a partial run is due."""
_MAX_PARTIAL_MS = 12_000
"""Audio beyond which partial runs stop: they would take longer than the time to the next pause."""
_ROUNDING_MS = 1.0
"""Positions are sums of fractions, so equal positions may differ by less than this."""
_MIN_SETTLED_MS = 5_000
"""Audio that a settled part has at least."""


@dataclass(frozen=True, slots=True)
class TranscriptionRun:
    """One run of the recogniser over a part of the turn."""

    start_ms: float
    end_ms: float
    is_complete: bool
    """The run reaches a pause or the end of the turn, so its text may be the final one."""


@dataclass(slots=True)
class Utterance:
    """`start_ms`: where the turn starts. Runs are identified by the ids of their jobs."""

    item_id: str
    start_ms: float
    sent_text: str = ""
    """The part of the transcript that the client already has."""
    stop: Event = field(default_factory=Event)
    """Set when the turn will not be committed, so that queued runs are skipped."""
    _settled_texts: list[str] = field(default_factory=list)
    _settled_logprobs: tuple[LogProb, ...] = ()
    _settled_until_ms: float = -1.0
    _pause_result: tuple[float, str, tuple[LogProb, ...]] | None = None
    """End, text and tokens of the last complete run since speech went on."""
    _last_partial: list[str] = field(default_factory=list)
    """Words of the last partial run."""
    _active_runs: dict[int, TranscriptionRun] = field(default_factory=dict)
    _last_run_end_ms: float = 0.0

    @property
    def unsettled_start_ms(self) -> float:
        """Position from which the audio has to be transcribed again."""
        return max(self._settled_until_ms, self.start_ms)

    def due_partial_run(self, now_ms: float) -> TranscriptionRun | None:
        """Returns the partial run that is due at `now_ms`, or None."""
        new_audio_ms = now_ms - max(self._last_run_end_ms, self.unsettled_start_ms)
        if self._active_runs or new_audio_ms < PARTIAL_MS:
            return None
        if now_ms - self.unsettled_start_ms > _MAX_PARTIAL_MS:
            return None
        return TranscriptionRun(self.unsettled_start_ms, now_ms, is_complete=False)

    def pause_run(self, now_ms: float) -> TranscriptionRun:
        """Returns the complete run for a pause at `now_ms`."""
        return TranscriptionRun(self.unsettled_start_ms, now_ms, is_complete=True)

    def resume(self) -> None:
        """Speech goes on after a pause: settles a long transcript, drops a short one."""
        if self._pause_result is not None:
            end_ms, text, logprobs = self._pause_result
            if end_ms - self.unsettled_start_ms >= _MIN_SETTLED_MS:
                self._settled_until_ms = end_ms
                self._settled_texts.append(text)
                self._settled_logprobs += logprobs
                self._last_partial = []
        self._pause_result = None

    def run_started(self, job_id: int, run: TranscriptionRun) -> None:
        self._active_runs[job_id] = run
        self._last_run_end_ms = run.end_ms

    def run_finished(
        self, job_id: int, text: str, logprobs: tuple[LogProb, ...] = ()
    ) -> TranscriptionRun | None:
        """Records the text of a run; returns None where its audio has been settled meanwhile."""
        run = self._active_runs.pop(job_id)
        if run.start_ms < self.unsettled_start_ms:
            return None
        if run.is_complete:
            self._pause_result = (run.end_ms, text.strip(), logprobs)
        return run

    def run_failed(self, job_id: int) -> None:
        del self._active_runs[job_id]

    def final_text(self, voice_end_ms: float) -> str | None:
        """Returns the transcript of the turn; None where no run has reached `voice_end_ms` yet."""
        if self._pause_result is None or self._pause_result[0] < voice_end_ms - _ROUNDING_MS:
            return None
        return _join([*self._settled_texts, self._pause_result[1]])

    @property
    def logprobs(self) -> tuple[LogProb, ...]:
        """The tokens of the final text; empty where they are not known."""
        return self._settled_logprobs + (self._pause_result[2] if self._pause_result else ())

    def has_final_run(self, voice_end_ms: float) -> bool:
        """Returns whether an active run will give the final text."""
        return any(
            run.is_complete and run.end_ms >= voice_end_ms - _ROUNDING_MS
            for run in self._active_runs.values()
        )

    def stable_delta(self, text: str) -> str:
        """Returns what to send after a partial run gave `text`: new words that it and the partial
        run before it agree on."""
        words = text.split()
        agreed = []
        for new, old in zip(words, self._last_partial, strict=False):
            if new != old:
                break
            agreed.append(new)
        self._last_partial = words
        return self.unsent_delta(_join([*self._settled_texts, " ".join(agreed)])) or ""

    def unsent_delta(self, text: str) -> str | None:
        """Returns what `text` adds to the sent text, which it then counts as sent.

        None where `text` does not start with the sent text: a delta cannot correct it.
        """
        if not text.startswith(self.sent_text):
            return None
        delta = text[len(self.sent_text) :]
        self.sent_text = text
        return delta


def _join(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)
