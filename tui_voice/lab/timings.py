"""How long the replies and summaries of a session take, from its events."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tui_voice.conversation import events as e


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Medians in seconds; None where there was nothing of the kind."""

    first_sound: float | None = None
    """From the typed turn to the first audio of the reply; without audio, to its first words."""
    reply: float | None = None
    """From the typed turn to `response.done` of its reply."""
    summary: float | None = None


class Stopwatch:
    """Takes the events of a session in their order."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._first: float | None = None  # of the reply under way
        self._firsts: list[float] = []
        self._replies: list[float] = []
        self._summaries: list[float] = []
        self._spoken = False

    def take(self, event: e.Event) -> None:
        match event:
            case e.TextSubmitted():
                self._asked_at, self._first, self._spoken = event.at, None, False
            case e.SummaryReady():
                self._summaries.append(event.seconds)
            case e.AudioReceived() if self._asked_at is not None and not self._spoken:
                self._first, self._spoken = event.at - self._asked_at, True
            case e.TranscriptGrew() if self._asked_at is not None and self._first is None:
                self._first = event.at - self._asked_at
            case e.ResponseDone(status="completed") if self._first is not None:
                assert self._asked_at is not None  # the reply has begun
                self._firsts.append(self._first)
                self._replies.append(event.at - self._asked_at)
                self._asked_at = self._first = None

    def seconds(self) -> Seconds:
        return Seconds(
            first_sound=_median(self._firsts),
            reply=_median(self._replies),
            summary=_median(self._summaries),
        )


def _median(values: list[float]) -> float | None:
    return round(median(values), 3) if values else None
