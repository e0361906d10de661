"""A reply that is started during a pause, before it is certain that the user's turn has ended.

If the turn ends with the words that were recognised at the pause, the response takes over the text
generated so far and the audio of its first clause, and answers sooner. Otherwise the work is
thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.server.clauses import ClauseSplitter
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.jobs import SpeakJob
from tui_voice.server.reply_stream import ReplyStream, speak_job
from tui_voice.server.session_settings import SessionSettings


@dataclass(slots=True)
class SpeculativeReply:
    """`settings` are those that the response will have."""

    stream: ReplyStream
    settings: SessionSettings
    first_job: SpeakJob | None = None
    """The job that synthesises the first clause, once the clause is complete."""
    first_speech: tuple[bytes, bytes] | None = None
    """Its result: the audio at 24 kHz, and encoded in the client's format."""
    speech_failed: bool = False
    """The synthesis failed; the response will try it again and report the error."""

    def next_speak_job(self, job_id: int) -> SpeakJob | None:
        """Returns the job for the first clause when that has just become complete, else None."""
        if self.first_job is not None or self.speech_failed or self.settings.modality != "audio":
            return None
        clause = self._first_clause()
        if clause is not None:
            self.first_job = speak_job(job_id, clause, self.settings, self.stream.stop)
        return self.first_job

    def owns_job(self, job_id: int) -> bool:
        """Returns whether `job_id` is the job that synthesises the first clause."""
        return self.first_job is not None and self.first_job.job_id == job_id

    def _first_clause(self) -> str | None:
        splitter = ClauseSplitter()
        is_text_complete = self.stream.is_ended
        for piece in self.stream.pieces:
            if isinstance(piece, ToolCall):
                is_text_complete = True
                break
            if clauses := splitter.feed(piece):
                return clauses[0]
        return next(iter(splitter.flush()), None) if is_text_complete else None
