"""Decides which captured frames go to the server: only speech of the user that is meant for it.

Hands-free, silence is sent in place of a tap, a ring, music or noise, so that no server makes a
turn of them, and no recogniser words. By talk key (`manual`), a turn begins with its first speech,
and is none if there are no words in it.
While a reply is played, silence is sent, and speech must last before it counts as an interruption.
The reply pauses at the beginning of speech, so that it falls silent at once; if there is too little
speech ("mm-hm"), the frames are dropped and the reply goes on. Otherwise all frames are sent, and
the server interrupts the reply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Literal, Protocol

import numpy as np

from tui_voice.audio.pcm import BYTES_PER_MS, samples
from tui_voice.audio.voice_detector import CHUNK_MS, ONSET_CHUNKS, VoiceDetector
from tui_voice.audio.word_finder import WordFinder

DELAY_MS = 300
"""Milliseconds by which frames are delayed while a reply is played: the time in which the beginning
of speech is found, so that nothing of it reaches the server before it is judged."""
SILENCE_MS = 320
"""Milliseconds without speech after which too short speech counts as no interruption."""
FIRST_MS = 1_000
"""Milliseconds of a reply in which every speech interrupts: the user has not finished."""
FIRST_SPEECH_MS = 350
"""Milliseconds of speech that interrupt in that time where the microphone captures what the
loudspeaker plays. The reply is paused meanwhile, so an echo ends before: it takes up to 250 ms."""
LAST_MS = 700
"""Milliseconds before the end of a reply from which speech is the next turn."""
UNANSWERED_MS = 3_000
"""Milliseconds after which a reply goes on where the server does not react to the interruption."""
LOOKED_AT_MS = 240
"""Milliseconds of captured sound that are compared with what is played."""
FALSE_ONSETS = 2
"""Beginnings of speech in one reply that were none, after which it no longer pauses at once."""
LOUDER = 2.0
"""How much louder than the echo of the replies a voice must be, once echoes have interrupted."""
_MANUAL_KEPT_MS = 3_000
TALKING_MS = 2_000
"""Milliseconds after the last speech in which everything is sent, so that pauses sound natural."""


WhyNoTurn = Literal["", "too short", "no words"]
""""too short": there was no speech while the talk key was pressed. "no words": there was a laugh,
a cough or the like. "": there were words."""


class ReplySound(Protocol):
    """The reply that is being played."""

    @property
    def playing(self) -> bool: ...

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that wait to be played."""
        ...

    def pause(self, paused: bool) -> None: ...


class SpeechFilter:
    """Takes every frame of an open microphone by `accept`, on the loop.

    `deliver` gets the frames for the server. `is_echo` says of captured sound whether the
    loudspeaker plays it, `has_echo` whether that has happened. `min_ms`: speech that interrupts a
    reply.
    """

    def __init__(
        self,
        detector: VoiceDetector,
        deliver: Callable[[bytes], None],
        reply: ReplySound,
        is_echo: Callable[[bytes], bool],
        has_echo: Callable[[], bool],
        *,
        min_ms: int,
        manual: bool = False,
    ) -> None:
        self.manual = manual
        self._detector = detector
        self._words = WordFinder()
        self._deliver = deliver
        self._reply = reply
        self._is_echo, self._has_echo = is_echo, has_echo
        self._min_ms = self._needed_ms = min_ms
        self._held: deque[bytes] = deque()
        self._held_ms = 0.0
        self._newest = b""  # as captured, also where silence is sent in its place
        self._run = 0  # consecutive chunks with speech
        self._spoke_at: float | None = None  # when the last chunk with speech came (monotonic, s)
        self._captured_ms = 0.0  # sound that was captured since
        self._spoken = False  # there was speech in the turn by talk key
        self._guarding = self._passing = self._interrupting = False
        self._talking = False  # speech is being sent, between replies
        self._unvoiced_ms = 0.0
        self._played_ms = self._silent_ms = self._speech_ms = self._passed_ms = 0.0
        self._false_onsets = 0
        self._echo_level = 0.0
        self._louder = False

    # ── turns by talk key ───────────────────────────────────────────────────────────────────

    def begin_turn(self) -> None:
        """The talk key was pressed: frames are sent from the first speech on."""
        self._drop()
        self._passing = self._spoken = False
        self._detector.reset()
        self._words.begin_turn()

    def end_turn(self) -> WhyNoTurn:
        """The talk key was released; returns why there is no turn, "" where there is one."""
        self._passing = False
        self._drop()
        if not self._spoken:
            return "too short"
        return "" if self._words.found_words() else "no words"

    def accept(self, frame: bytes) -> None:
        """Sends a frame, or keeps it until it is known whether it is speech."""
        if self.manual:
            self._accept_in_turn(frame)
        elif self._reply.playing:
            self._accept_during_reply(frame)
        else:
            self._reply_ended()
            self._accept_between_replies(frame)

    def require_louder(self) -> None:
        """An echo has interrupted replies: from now on only a voice louder than it does."""
        self._louder = True

    @property
    def silence_ms(self) -> int:
        """Milliseconds since the last speech that was captured; 0 before the first.

        On a busy machine a frame is handled late, so the sound that was captured since counts where
        it lasts longer than the time since then. A closed microphone captures none.
        """
        if self._spoke_at is None:
            return 0
        return round(max((monotonic() - self._spoke_at) * 1000, self._captured_ms))

    def _detect(self, frame: bytes) -> list[bool]:
        """Returns for each chunk that is complete now whether it contains speech."""
        found = self._detector.feed(frame)
        if any(found):
            self._spoke_at, self._captured_ms = monotonic(), 0.0
        else:
            self._captured_ms += len(frame) / BYTES_PER_MS
        return found

    def _accept_in_turn(self, frame: bytes) -> None:
        found = self._detect(frame)
        self._words.feed(frame)
        if self._passing:
            self._deliver(frame)
            return
        self._hold(frame)
        for voiced in found:
            self._run = self._run + 1 if voiced else 0
        if self._run >= ONSET_CHUNKS:
            self._passing = self._spoken = True
            self._release()
        elif self._held_ms > _MANUAL_KEPT_MS:
            self._held_ms -= len(self._held.popleft()) / BYTES_PER_MS

    # ── between replies ─────────────────────────────────────────────────────────────────────

    def _accept_between_replies(self, frame: bytes) -> None:
        """Sends speech from `DELAY_MS` before its beginning on, and silence before."""
        if self._talking:
            self._deliver(frame)
        else:
            self._hold(frame)
        for voiced in self._detect(frame):
            self._run = self._run + 1 if voiced else 0
            self._unvoiced_ms = 0.0 if voiced else self._unvoiced_ms + CHUNK_MS
            if not self._talking and self._run >= ONSET_CHUNKS:
                self._talk()
        if self._unvoiced_ms >= TALKING_MS:
            self._talking = False
        while not self._talking and self._held_ms > DELAY_MS:
            self._deliver_oldest(silenced=True)

    def _talk(self) -> None:
        self._talking, self._unvoiced_ms = True, 0.0
        self._release()

    # ── during a reply ──────────────────────────────────────────────────────────────────────

    def _accept_during_reply(self, frame: bytes) -> None:
        ms = len(frame) / BYTES_PER_MS
        if self._passing:
            self._detect(frame)
            self._deliver(frame)
            self._passed_ms += ms
            if self._passed_ms > UNANSWERED_MS:
                self._go_on()
            return
        if not self._guarding:
            self._guarding, self._talking = True, False
            self._detector.reset()
            self._played_ms = self._false_onsets = 0
        self._hold(frame)
        found = [voiced and self._is_loud(frame) for voiced in self._detect(frame)]
        if self._interrupting:
            self._judge(found)
        else:
            self._played_ms += ms
            self._look_for_speech(found)

    def _look_for_speech(self, found: list[bool]) -> None:
        for voiced in found:
            self._run = self._run + 1 if voiced else 0
        if self._run >= ONSET_CHUNKS:
            is_first = self._played_ms < FIRST_MS
            if self._is_echo(self._newest):
                self._run = 0
                self._silence_held()
            elif (is_first and not self._has_echo()) or self._reply.waiting_ms < LAST_MS:
                self._interrupt()
            else:
                self._interrupting = True
                self._needed_ms = min(self._min_ms, FIRST_SPEECH_MS) if is_first else self._min_ms
                self._speech_ms, self._silent_ms = float(self._run * CHUNK_MS), 0.0
                if self._false_onsets < FALSE_ONSETS:
                    self._reply.pause(True)
        while not self._interrupting and self._held_ms > DELAY_MS:
            self._deliver_oldest(silenced=True)

    def _judge(self, found: list[bool]) -> None:
        is_echo = any(found) and self._is_echo(self._newest)  # of what was played until the pause
        for voiced in found:
            if voiced and not is_echo:
                self._speech_ms += self._silent_ms + CHUNK_MS
                self._silent_ms = 0.0
            else:
                self._silent_ms += CHUNK_MS
        if self._speech_ms >= self._needed_ms:
            self._interrupt()
        elif self._silent_ms >= SILENCE_MS:
            self._false_onsets += 1
            self._go_on()

    def _interrupt(self) -> None:
        """Sends what was kept; the server interrupts the reply."""
        self._reply.pause(True)
        self._interrupting, self._passing, self._passed_ms = False, True, 0.0
        self._release()

    def _go_on(self) -> None:
        """It was no interruption: silence is sent in place of the frames."""
        self._interrupting = self._passing = False
        self._run = 0
        self._silence_held()
        self._reply.pause(False)

    def _reply_ended(self) -> None:
        if self._guarding:
            if self._interrupting or self._passing:
                self._talk()
            self._guarding = self._interrupting = self._passing = False

    def _is_loud(self, frame: bytes) -> bool:
        """Whether a frame is louder than the echo, once that is required."""
        if not self._louder:
            return True
        loudness = float(np.sqrt(np.mean(samples(frame).astype(np.float32) ** 2)))
        if loudness <= LOUDER * self._echo_level or not self._echo_level:
            self._echo_level = max(loudness, 0.998 * self._echo_level)
            return False
        return True

    # ── the frames that wait ────────────────────────────────────────────────────────────────

    def _hold(self, frame: bytes) -> None:
        self._held.append(frame)
        self._newest = (self._newest + frame)[-LOOKED_AT_MS * BYTES_PER_MS :]
        self._held_ms += len(frame) / BYTES_PER_MS

    def _deliver_oldest(self, *, silenced: bool = False) -> None:
        frame = self._held.popleft()
        self._held_ms -= len(frame) / BYTES_PER_MS
        self._deliver(bytes(len(frame)) if silenced else frame)

    def _silence_held(self) -> None:
        self._held = deque(bytes(len(frame)) for frame in self._held)

    def _release(self) -> None:
        while self._held:
            self._deliver_oldest()

    def _drop(self) -> None:
        self._held.clear()
        self._held_ms, self._run = 0.0, 0
