"""Sound in and out of a talk: what the microphone hears until a server has taken it, and the
speaker, of which only what was heard becomes a fact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.conversation import events as e
from tui_voice.runtime.door import Meters

if TYPE_CHECKING:  # numpy comes with it: only when sound is opened
    from tui_voice.audio.sound import Sound

HELD_FRAMES = 3000
"""Frames (a minute at 20 ms) of what is being said that are kept until it is safely a turn."""


class Media:
    """`send` hands a frame to the server and tells whether it could; `post` takes facts."""

    def __init__(self, send: Callable[[bytes], bool], post: Callable[[e.Event], None]) -> None:
        self._send = send
        self._post = post
        self._sound: Sound | None = None
        self._open = False
        self._muted = False
        # Frames since the last commit: what a broken line would lose, said again on the next.
        self._unanswered: deque[bytes] = deque(maxlen=HELD_FRAMES)
        self._untranscribed: dict[str, list[bytes]] = {}  # turns whose words have not come yet
        self._said = False  # somebody spoke in these frames
        self._waiting = False  # they are to be sent once the line is back
        self._playing: list[str] = []  # items with sound, in order, until played or stopped

    def attach(self, sound: Sound) -> None:
        self._sound = sound
        sound.microphone.mute(self._muted)
        sound.microphone.gate(self._open)

    # ── the microphone ──────────────────────────────────────────────────────────────────────

    def gate(self, is_open: bool) -> None:
        self._open = is_open
        if self._sound is not None:
            self._sound.microphone.gate(is_open)

    def mute(self, muted: bool) -> None:
        self._muted = muted
        if self._sound is not None:
            self._sound.microphone.mute(muted)

    def frame(self, pcm: bytes) -> None:
        """From the microphone, while the gate is open."""
        self._unanswered.append(pcm)
        if self._waiting or not self._send(pcm):
            self._waiting = True

    def speech_began(self) -> None:
        self._said = True

    def committed(self, item_id: str) -> None:
        """What was said is a turn on the server; it still lacks its words."""
        self._untranscribed[item_id] = list(self._unanswered)
        self._said = False
        self._unanswered.clear()

    def transcribed(self, item_id: str) -> None:
        """The words of a turn are known (or will never be): its sound is no longer needed."""
        self._untranscribed.pop(item_id, None)

    def line_lost(self) -> None:
        """Keeps what was being said, and turns of which no word is known: they go out again on
        the next line, where they become turns of their own.
        """
        if not self._said:  # only silence so far: a second is enough for VAD to start on
            keep = 50 if self._open else 0
            while len(self._unanswered) > keep:
                self._unanswered.popleft()
        for frames in reversed(self._untranscribed.values()):
            self._unanswered.extendleft(reversed(frames))
        self._untranscribed.clear()
        self._waiting = True

    def line_back(self) -> None:
        """The server knows the talk again: what was said meanwhile goes out, in order."""
        self._waiting = False
        held = list(self._unanswered)
        for index, pcm in enumerate(held):
            if not self._send(pcm):
                self._waiting = True
                del held[:index]
                return

    # ── the speaker ─────────────────────────────────────────────────────────────────────────

    def play(self, item_id: str, pcm: bytes) -> None:
        if self._sound is None:
            return
        if self._sound.speaker.write(item_id, pcm) and item_id not in self._playing:
            self._playing.append(item_id)

    def play_ends(self, item_id: str) -> None:
        if self._sound is None:  # nobody plays: as if it had been heard
            self._post(e.PlaybackFinished(item_id=item_id))
            return
        self._sound.speaker.finish(item_id)

    def finished(self, item_id: str, played_ms: int) -> None:
        """The device has taken the last of it."""
        if item_id in self._playing:
            self._playing.remove(item_id)
        self._post(e.PlaybackFinished(item_id=item_id, played_ms=played_ms))

    def interrupt(self) -> None:
        """Silence within one block; each item that was not played whole is told with its share."""
        if self._sound is None:
            return
        self._sound.speaker.interrupt()
        stopped, self._playing = self._playing, []
        for item_id in stopped:
            played_ms = self._sound.speaker.played_ms(item_id)
            self._post(e.PlaybackInterrupted(item_id=item_id, played_ms=played_ms))

    def meters(self) -> Meters:
        sound = self._sound
        if sound is None:
            return Meters()
        playing = self._playing[0] if self._playing else ""
        return Meters(
            microphone=sound.microphone.level if self._open else 0.0,
            speaker=sound.speaker.level,
            playing=playing,
            played_ms=sound.speaker.heard_ms(playing) if playing else 0,
        )
