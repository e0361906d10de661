"""Which part of the reply goes with what is captured now, so that its echo always comes equally
late: the canceller has to learn anew whenever it does not.
"""

from collections import deque

import numpy as np

from tui_voice.audio.echo_path import LONGEST_MS, Found, find
from tui_voice.audio.pcm import SAMPLES_PER_MS, Samples
from tui_voice.audio.reference import Reference

ECHO_AFTER_MS = 14
"""The echo is kept so far behind the reply: some room for what is heard a little sooner, and well
inside the 52 ms that the canceller's filter spans."""
_HEARD_MS = 160
"""So much of the microphone is looked for in the reply: shorter, and one vowel is like another."""
_SURE, _SURE_AGREED = 0.6, 2
_LIKELY, _LIKELY_AGREED = 0.4, 5
"""How alike what is heard must be to the same place in the reply, so many times: two voices are
by chance, for a syllable."""
_MOVED_MS = 2
"""Less is left to the canceller: two clocks drift by as much in a minute."""
_FAINT = 20.0
"""Sample values (RMS) below which nothing is looked for."""
_APART_MS = 25
_APART_FRAMES = 25


class Alignment:
    """Numbers captured and played samples against each other. `beside` belongs to the
    microphone's thread.

    In silence only the two counts are known: what one device loses, or plays later, shows as a
    lasting change of the distance between them. While a reply sounds, its echo tells exactly.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._heard = np.zeros(_HEARD_MS * SAMPLES_PER_MS, np.int16)
        self._captured = 0
        self._ahead = 0  # number of the played sample less that of the captured one beside it
        self._begun = False
        self._cushion = 20 * SAMPLES_PER_MS
        self._usual = self._apart = 0
        self._candidates: deque[int] = deque(maxlen=_LIKELY_AGREED)
        self._turn = False
        self.moved = 0
        """How often the echo was found elsewhere."""

    def expect(self, latency_ms: float) -> None:
        """How long sound takes through both devices, as far as they know."""
        self._cushion = int(max(10, latency_ms - ECHO_AFTER_MS)) * SAMPLES_PER_MS
        self._begun = False

    def beside(self, near: Samples) -> int:
        """The number of the played sample that goes with the end of what was just captured."""
        self._heard = np.concatenate((self._heard[near.size :], near))
        self.skip(near.size)
        self._turn = not self._turn
        if self._turn and self._audible():
            self._listen()
        return self._captured + self._ahead

    def skip(self, count: int) -> None:
        """The same where nothing can be heard of a reply: only the samples are counted."""
        self._captured += count
        if not self._begun:
            self._begun = True
            self._ahead = self._reference.played - self._cushion - self._captured
            self._usual, self._apart = self._cushion, 0
        self._count()

    def search(self, heard: Samples) -> Found:
        """Looks for the latest captured sound in all that may be its source; `delay` is counted
        from the sample that `beside` gave."""
        end, latest = self._captured + self._ahead, self._reference.played
        reply = self._reference.before(latest, heard.size + LONGEST_MS * SAMPLES_PER_MS)
        found = find(heard, reply, latest - end + ECHO_AFTER_MS * SAMPLES_PER_MS)
        return found._replace(delay=found.delay - (latest - end))

    def _audible(self) -> bool:
        silent = self._reference.played - self._reference.sounded
        if silent > (_HEARD_MS + LONGEST_MS) * SAMPLES_PER_MS:
            return False
        return float(np.abs(self._heard).mean(dtype=np.float64)) > _FAINT

    def _listen(self) -> None:
        found = self.search(self._heard)
        wanted = ECHO_AFTER_MS * SAMPLES_PER_MS
        off = found.delay - wanted
        if found.as_expected > 0.8 * found.alike:
            self._candidates.clear()
            if found.as_expected > _LIKELY:
                self._confirm()
            return
        if found.alike < _LIKELY:
            self._candidates.clear()
            return
        self._candidates.append(off - self._ahead)
        needed = _SURE_AGREED if found.alike > _SURE else _LIKELY_AGREED
        agreed = list(self._candidates)[-needed:]
        if len(agreed) == needed and max(agreed) - min(agreed) <= SAMPLES_PER_MS // 4:
            self._candidates.clear()
            if abs(off) > _MOVED_MS * SAMPLES_PER_MS:
                self._ahead -= off
                self.moved += 1
            self._confirm()

    def _confirm(self) -> None:
        """The echo is where it should be, so the present distance between the counts is right."""
        self._usual, self._apart = self._distance(), 0

    def _distance(self) -> int:
        return self._reference.played - self._captured - self._ahead

    def _count(self) -> None:
        off = self._distance() - self._usual
        self._apart = self._apart + 1 if abs(off) > _APART_MS * SAMPLES_PER_MS else 0
        if self._apart >= _APART_FRAMES:
            self._ahead += off
            self._apart = 0
