"""The text of a reply while a worker generates it, and the job that speaks one clause of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Event

from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.jobs import ReplyJob, SpeakJob
from tui_voice.server.session_settings import SessionSettings


@dataclass(slots=True)
class ReplyStream:
    """What a `ReplyJob` has generated so far."""

    job_id: int
    request: ReplyRequest
    pieces: deque[str | ToolCall] = field(default_factory=deque)
    """Pieces that the response has not yet processed."""
    is_ended: bool = False
    error: str | None = None
    stop: Event = field(default_factory=Event)

    @property
    def job(self) -> ReplyJob:
        return ReplyJob(self.job_id, self.request, self.stop)


def speak_job(job_id: int, clause: str, settings: SessionSettings, stop: Event) -> SpeakJob:
    """Returns the job that synthesises `clause` with the voice, speed and format of `settings`."""
    voice = settings.voice if isinstance(settings.voice, str) else settings.voice.id
    return SpeakJob(job_id, clause, voice, settings.speed, settings.output_format, stop)


def gives_same_speech(one: SpeakJob, other: SpeakJob) -> bool:
    """Returns whether both jobs synthesise the same audio."""
    return (one.text, one.voice, one.speed, one.audio_format) == (
        other.text,
        other.voice,
        other.speed,
        other.audio_format,
    )
