"""Sound in and out of a talk: what the microphone hears until a server has taken it, and the
speaker, of which only what was heard becomes a fact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tui_voice.conversation import events as e
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.session_handle import Meters

if TYPE_CHECKING:  # numpy comes with it: only when sound is opened
    from tui_voice.audio.sound import Sound

BYTES_PER_MS = 48
"""s16le, mono, 24 kHz."""
HELD_MS = 300_000
"""Of what is being said that is kept until it is safely a turn; then the oldest goes."""
LOST = "Of what was said while there was no line, five minutes could be kept"
SILENCE_MS = 2_000
"""Kept while nobody speaks: a turn begins a little before the server tells that it has."""
TAIL_MS = 1_500
"""Silence sent behind speech whose microphone was closed while the line was away, so that a
server that listens for its end hears one."""
_COMMIT = b""  # among the frames: here the turn was ended by our commit


class Media:
    """`send` hands a frame to the server and tells whether it could, `commit` has it commit;
    `post` takes facts. `manual`: turns are ended by commits, not by the server's ear.
    """

    def __init__(
        self,
        send: Callable[[bytes], bool],
        post: Callable[[e.Event], None],
        commit: Callable[[], None],
        manual: bool = False,
    ) -> None:
        self._send = send
        self._post = post
        self._commit = commit
        self._manual = manual
        self._sound: Sound | None = None
        self.recorder: Recorder | None = None
        self._open = False
        self._muted = False
        # Frames since the last commit: what a broken line would lose, said again on the next.
        self._unanswered: deque[bytes] = deque()
        self._held = 0  # bytes of them
        self._said = False  # somebody speaks in these frames
        self._running = ""  # the turn that they are
        self._untranscribed: dict[str, list[bytes]] = {}  # turns whose words have not come yet
        self._being_answered: tuple[str, ...] = ()  # of these, when the reply began
        self._away = True  # nothing is sent before the server knows the talk
        self._playing: dict[str, int] = {}  # items with sound, in order: bytes that have come
        self.dropped_ms = 0
        """Of what was said while the line was away for too long: it is lost."""

    def attach(self, sound: Sound) -> None:
        self._sound = sound
        sound.microphone.mute(self._muted)
        sound.microphone.gate(self._open)
        self._let_rest(not self._open)

    # ── the microphone ──────────────────────────────────────────────────────────────────────

    def gate(self, is_open: bool) -> None:
        # What was captured before the gate closes still counts, so it closes first, then we do.
        self._open = self._open or is_open
        if is_open and self._manual:
            self._said = True
        if self._sound is not None:
            self._sound.microphone.gate(is_open)
        self._let_rest(not is_open)
        self._open = is_open

    def _let_rest(self, may_rest: bool) -> None:
        """Who speaks gets an answer soon: the loudspeaker is kept running for it."""
        if self._sound is not None:
            self._sound.speaker.may_rest = may_rest
            if not may_rest:
                self._sound.speaker.wake()

    def mute(self, muted: bool) -> None:
        self._muted = muted
        if self._sound is not None:
            self._sound.microphone.mute(muted)

    def frame(self, pcm: bytes) -> None:
        """From the microphone, while the gate is open."""
        if not self._open:  # the device was quicker than its gate
            return
        if self.recorder is not None:
            self.recorder.add("you", pcm)
        self._keep(pcm)
        if not self._away:
            if not self._said:
                self._forget_before(SILENCE_MS)
            self._away = not self._send(pcm)

    def turn_ends(self) -> None:
        """Our own commit has gone out, or will as soon as there is a line."""
        self._unanswered.append(_COMMIT)

    def speech_began(self, item_id: str) -> None:
        self._said = True
        self._running = item_id

    def committed(self, item_id: str) -> None:
        """What was said is a turn on the server; it still lacks its words."""
        self._untranscribed[item_id] = self._take_turn()
        self._said = self._manual and self._open
        self._running = ""

    def nothing_said(self) -> None:
        """The turn that we ended was too short to be one."""
        self._take_turn()

    def transcribed(self, item_id: str) -> None:
        """The words of a turn are known (or will never be): its sound is no longer needed."""
        self._untranscribed.pop(item_id, None)

    def reply_began(self) -> None:
        self._being_answered = tuple(self._untranscribed)
        if self._sound is not None:
            self._sound.speaker.wake()

    def words_came(self, item_id: str) -> None:
        """Of a reply: then the model has understood what was said, and asking again would be
        answered twice.
        """
        if item_id in self._untranscribed:
            return
        for answered in self._being_answered:
            self._untranscribed.pop(answered, None)
        self._being_answered = ()

    @property
    def awaits_words(self) -> bool:
        """Whether a turn would be said again if the line broke now."""
        return bool(self._untranscribed)

    # ── the line ────────────────────────────────────────────────────────────────────────────

    def line_lost(self) -> tuple[str, ...]:
        """Keeps what was being said, and turns of which no word is known: they go out again on
        the next line, where they become turns of their own. Returns the ids they had. What the
        speaker has of a reply it plays to the end.
        """
        self._end_replies()
        if self._away:
            return ()
        self._away = True
        again = (*self._untranscribed, *filter(None, (self._running,)))
        if not self._said:  # only silence so far
            self._forget_before(SILENCE_MS if self._open else 0)
        for frames in reversed(self._untranscribed.values()):
            self._unanswered.extendleft(reversed(frames))
            self._held += sum(map(len, frames))
        self._untranscribed.clear()
        self._being_answered, self._running = (), ""
        return again

    def line_back(self) -> None:
        """The server knows the talk again: what was said meanwhile goes out, in order."""
        self._away = False
        if self.dropped_ms:
            text = f"{LOST}: {self.dropped_ms / 1000:.0f} s before that are lost."
            self._post(e.Noticed(text=text, severity="warning"))
            self.dropped_ms = 0
        if self._unanswered and not self._open and not self._manual:
            self._keep(bytes(TAIL_MS * BYTES_PER_MS))
        for pcm in tuple(self._unanswered):
            if pcm == _COMMIT:
                self._commit()
            elif not self._send(pcm):
                self._away = True
                return

    def _keep(self, pcm: bytes) -> None:
        self._unanswered.append(pcm)
        self._held += len(pcm)
        if self._held > HELD_MS * BYTES_PER_MS:
            self.dropped_ms += len(self._unanswered[0]) // BYTES_PER_MS
            self._held -= len(self._unanswered.popleft())

    def _forget_before(self, ms: int) -> None:
        while self._held > ms * BYTES_PER_MS:
            self._held -= len(self._unanswered.popleft())

    def _take_turn(self) -> list[bytes]:
        """The frames of the turn that has ended: by our commit, or by the server's."""
        turn: list[bytes] = []
        while self._unanswered:
            frame = self._unanswered.popleft()
            self._held -= len(frame)
            if frame == _COMMIT and self._manual:
                turn.append(_COMMIT)
                break
            if frame != _COMMIT:
                turn.append(frame)
        return turn

    # ── the speaker ─────────────────────────────────────────────────────────────────────────

    def play(self, item_id: str, pcm: bytes) -> None:
        if self._sound is not None and not self._sound.speaker.write(item_id, pcm):
            return
        self._playing[item_id] = self._playing.get(item_id, 0) + len(pcm)
        if self.recorder is not None:
            self.recorder.add("voice", pcm)

    def play_ends(self, item_id: str) -> None:
        if self._sound is not None:
            self._sound.speaker.finish(item_id)
        elif self._playing.pop(item_id, None) is not None:  # as if it had been heard
            self._post(e.PlaybackFinished(item_id=item_id))

    def finished(self, item_id: str, played_ms: int) -> None:
        """The device has taken the last of it."""
        self._playing.pop(item_id, None)
        self._post(e.PlaybackFinished(item_id=item_id, played_ms=played_ms))

    def interrupt(self) -> None:
        """Silence within one block; each item that was not played whole is told with its share."""
        if self._sound is not None:
            self._sound.speaker.interrupt()
        stopped, self._playing = self._playing, {}
        for item_id, count in stopped.items():
            received = count // BYTES_PER_MS
            played = self._sound.speaker.played_ms(item_id) if self._sound else received
            self._post(
                e.PlaybackInterrupted(item_id=item_id, played_ms=played, received_ms=received)
            )

    def _end_replies(self) -> None:
        playing: Iterable[str] = tuple(self._playing)
        for item_id in playing:
            self.play_ends(item_id)

    @property
    def held_ms(self) -> int:
        """Of the microphone's sound, waiting for a line."""
        return self._held // BYTES_PER_MS if self._away else 0

    def meters(self) -> Meters:
        sound = self._sound
        if sound is None:
            return Meters(held_ms=self.held_ms)
        playing = next(iter(tuple(self._playing)), "")
        return Meters(
            microphone=sound.microphone.level if self._open else 0.0,
            speaker=sound.speaker.level,
            hears=sound.hears,
            playing=playing,
            played_ms=sound.speaker.heard_ms(playing) if playing else 0,
            held_ms=self.held_ms,
        )
