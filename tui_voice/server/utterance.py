"""One spoken turn, written down while it goes on.

The recogniser is run again and again over the growing sound. Words that two runs agree on are
told; at a pause the whole is written down on the chance that the turn is over; and once a pause
was not the end, what came before it is settled, so that a long turn does not get dearer with
every run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

PARTIAL_MS = 500
"""New sound before the recogniser is run again."""
_LONGEST_PARTIAL_MS = 12_000
"""Beyond this a run takes too long to be worth it before the next pause."""
_ROUNDING_MS = 1.0
"""Positions are sums of fractions; nobody says anything in a millisecond."""
_SETTLE_MS = 5_000
"""A piece at least this long is settled at a pause."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of sound to be written down."""

    start_ms: float
    end_ms: float
    whole: bool
    """Taken at a pause or at the end: it may become the last word."""


@dataclass(slots=True)
class Utterance:
    """`start_ms`: where the turn begins. Runs are told apart by their job numbers."""

    item_id: str
    start_ms: float
    told: str = ""
    """What the client has been given of the transcript."""
    stop: Event = field(default_factory=Event)
    _settled: list[str] = field(default_factory=list)
    _settled_ms: float = -1.0
    _guess: tuple[float, str] | None = None
    """The last whole run: how far it heard, and what."""
    _previous: list[str] = field(default_factory=list)
    _running: dict[int, Run] = field(default_factory=dict)
    _last_end: float = 0.0

    @property
    def _piece_start(self) -> float:
        return max(self._settled_ms, self.start_ms)

    def partial(self, now_ms: float) -> Run | None:
        """A run that is due while the voice goes on."""
        since = now_ms - max(self._last_end, self._piece_start)
        if self._running or since < PARTIAL_MS:
            return None
        if now_ms - self._piece_start > _LONGEST_PARTIAL_MS:
            return None
        return Run(self._piece_start, now_ms, whole=False)

    def pause(self, now_ms: float) -> Run:
        """The run for the chance that the turn ends here."""
        return Run(self._piece_start, now_ms, whole=True)

    def resume(self) -> None:
        """The pause was not the end. What it settled need not be heard again."""
        if self._guess is not None and self._guess[0] - self._piece_start >= _SETTLE_MS:
            self._settled_ms, text = self._guess
            self._settled.append(text)
            self._previous = []
        self._guess = None

    def started(self, job: int, run: Run) -> None:
        self._running[job] = run
        self._last_end = run.end_ms

    def final(self, voiced_ms: float) -> str | None:
        """All that was said, where it is known up to `voiced_ms`, the end of the voice."""
        if self._guess is None or self._guess[0] < voiced_ms - _ROUNDING_MS:
            return None
        return _joined([*self._settled, self._guess[1]])

    def awaited(self, voiced_ms: float) -> bool:
        """A run is under way that will tell the end."""
        enough = voiced_ms - _ROUNDING_MS
        return any(run.whole and run.end_ms >= enough for run in self._running.values())

    def result(self, job: int, text: str) -> Run | None:
        """Takes in what a run heard; None where that has been settled meanwhile."""
        run = self._running.pop(job)
        if run.start_ms < self._piece_start:
            return None
        if run.whole:
            self._guess = (run.end_ms, text.strip())
        return run

    def failed(self, job: int) -> None:
        del self._running[job]

    def grown(self, text: str) -> str:
        """The delta to tell after a partial run heard `text`: words that two runs agree on."""
        words = text.split()
        agreed = []
        for new, old in zip(words, self._previous, strict=False):
            if new != old:
                break
            agreed.append(new)
        self._previous = words
        return self.rest(_joined([*self._settled, " ".join(agreed)])) or ""

    def rest(self, text: str) -> str | None:
        """What `text` has beyond what was told; None where it was told otherwise."""
        if not text.startswith(self.told):
            return None
        delta = text[len(self.told) :]
        self.told = text
        return delta

    @property
    def rest_start_ms(self) -> float:
        """From here on the sound has not been settled."""
        return self._piece_start


def _joined(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)
