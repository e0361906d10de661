"""A reply begun before it is sure that the turn is over, its first clause spoken ahead."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Event

from tui_voice.server.clauses import ClauseSplitter
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.jobs import Reply, Speak
from tui_voice.server.settings import Settings


@dataclass(slots=True)
class Words:
    """A reply being made; begun on the chance that it will be wanted, or for a response."""

    job: int
    request: ReplyRequest
    pieces: deque[str | ToolCall] = field(default_factory=deque)
    """What has come and was not taken yet."""
    ended: bool = False
    broke: str | None = None
    stop: Event = field(default_factory=Event)

    @property
    def reply(self) -> Reply:
        return Reply(self.job, self.request, self.stop)


@dataclass(slots=True)
class SpeculativeReply:
    """`settings`: those of the response that it will be, if any."""

    words: Words
    settings: Settings
    speech: Speak | None = None
    """Speaks the first clause, once that is known."""
    sound: tuple[bytes, bytes] | None = None
    """What it gave: at 24 kHz, and in the client's format."""
    mute: bool = False
    """Speaking ahead failed: the response will try for itself, and tell."""

    def next_speech(self, job: int) -> Speak | None:
        """What can be spoken ahead now and is not yet."""
        if self.speech is not None or self.mute or self.settings.modality != "audio":
            return None
        if (clause := self._first_clause()) is not None:
            self.speech = speech(job, clause, self.settings, self.words.stop)
        return self.speech

    def speaks(self, job: int) -> bool:
        """`job` is the one that speaks ahead."""
        return self.speech is not None and self.speech.job == job

    def _first_clause(self) -> str | None:
        clauses = ClauseSplitter()
        for piece in self.words.pieces:
            if isinstance(piece, ToolCall):
                break
            if whole := clauses.feed(piece):
                return whole[0]
        else:
            if not self.words.ended:
                return None
        rest = clauses.flush()
        return rest[0] if rest else None


def speech(job: int, clause: str, settings: Settings, stop: Event) -> Speak:
    """The job that says `clause` as `settings` want it."""
    voice = settings.voice if isinstance(settings.voice, str) else settings.voice.id
    return Speak(job, clause, voice, settings.speed, settings.output_format, stop)


def same_sound(one: Speak, other: Speak) -> bool:
    """Both jobs would give the same."""
    return (one.text, one.voice, one.speed, one.format) == (
        other.text,
        other.voice,
        other.speed,
        other.format,
    )
