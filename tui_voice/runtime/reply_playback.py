"""Plays the audio of replies, and reports how much of each item was played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e

if TYPE_CHECKING:  # loads numpy, which only an open device needs
    from tui_voice.audio.speaker import BaseSpeaker


LONGEST_PAUSE_S = 120.0
"""Seconds after which a paused reply is stopped, so that the session does not wait for ever."""


class ReplyPlayback:
    """Plays reply items in order, and posts an event at the end of each.

    Without a loudspeaker an item counts as played as soon as all of it has been received.
    """

    def __init__(self, post: Callable[[e.Event], None]) -> None:
        self._post = post
        self._speaker: BaseSpeaker | None = None
        self._received: dict[str, int] = {}  # bytes by item id, in the order of playing
        self._interrupted: dict[str, int] = {}
        self._pause_ends: asyncio.TimerHandle | None = None

    def attach(self, speaker: BaseSpeaker) -> None:
        """Uses this loudspeaker from now on."""
        self._speaker = speaker

    def allow_rest(self, may_rest: bool) -> None:
        """Lets the loudspeaker stop its stream while nothing is played, or starts it in time for
        a reply that will come soon.
        """
        if self._speaker is not None:
            self._speaker.may_rest = may_rest
            if not may_rest:
                self._speaker.wake()

    def wake(self) -> None:
        """Starts the loudspeaker's stream: a reply has begun."""
        if self._speaker is not None:
            self._speaker.wake()

    def play(self, item_id: str, pcm: bytes) -> bool:
        """Queues audio; returns False where it is not played: the item was interrupted, or there is
        no loudspeaker."""
        speaker = self._speaker if self._speaker is not None and self._speaker.available else None
        if speaker is not None and not speaker.write(item_id, pcm):
            return False
        self._received[item_id] = self._received.get(item_id, 0) + len(pcm)
        return speaker is not None

    def pause(self, paused: bool) -> None:
        """Pauses the reply that is played, or lets it go on. A pause of 2 minutes stops it."""
        speaker = self._speaker
        if speaker is None or paused == speaker.paused or (paused and not self.playing):
            return
        speaker.pause(paused)
        self._end_pause_later(paused)
        self._post(e.PlaybackPaused() if paused else e.PlaybackResumed())

    def _end_pause_later(self, paused: bool) -> None:
        if self._pause_ends is not None:
            self._pause_ends.cancel()
            self._pause_ends = None
        if paused:
            loop = asyncio.get_running_loop()
            self._pause_ends = loop.call_later(LONGEST_PAUSE_S, lambda: self._post(e.StopPressed()))

    def loudspeaker_changed(self, available: bool) -> None:
        """There is a loudspeaker from now on, or there is none: then replies are only shown."""
        self._post(e.LoudspeakerChanged(available=available))
        if not available and self._speaker is not None:
            self._speaker.interrupt()
            self._end_pause_later(False)
            ended, self._received = self._received, {}
            for item_id in ended:
                self._post(e.PlaybackFinished(item_id=item_id))

    def resume_interrupted(self, item_ids: tuple[str, ...]) -> None:
        """Plays the rest of items that `interrupt` stopped; what is gone counts as played."""
        for item_id in item_ids:
            if self._speaker is not None and self._speaker.resume(item_id):
                self._received[item_id] = self._interrupted.get(item_id, 0)
            else:
                self._post(e.PlaybackFinished(item_id=item_id))

    @property
    def playing(self) -> bool:
        """Whether a reply is being played, or is paused."""
        return self._speaker is not None and self._speaker.playing

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that wait to be played."""
        return self._speaker.waiting_ms if self._speaker is not None else 0

    @property
    def paused(self) -> bool:
        return self._speaker is not None and self._speaker.paused

    def end(self, item_id: str) -> None:
        """The audio of the item is complete."""
        if self._speaker is not None and self._speaker.available:
            self._speaker.finish(item_id)
        elif self._received.pop(item_id, None) is not None:
            self._post(e.PlaybackFinished(item_id=item_id))

    def end_all(self) -> None:
        """No more audio will come for any item; the audio received so far is still played."""
        for item_id in tuple(self._received):
            self.end(item_id)

    def finished(self, item_id: str, played_ms: int) -> None:
        """Called by the loudspeaker after the last sample of an item."""
        self._received.pop(item_id, None)
        self._post(e.PlaybackFinished(item_id=item_id, played_ms=played_ms))

    def interrupt(self) -> None:
        """Stops within one block, and reports for each unfinished item how much was played."""
        if self._speaker is not None:
            self._speaker.interrupt()
        self._end_pause_later(False)
        interrupted, self._received = self._received, {}
        self._interrupted = interrupted
        for item_id, received_bytes in interrupted.items():
            if self._speaker is None:  # nothing was played, so nothing was interrupted
                self._post(e.PlaybackFinished(item_id=item_id))
                continue
            received_ms = received_bytes // BYTES_PER_MS
            played_ms = self._speaker.played_ms(item_id)
            self._post(
                e.PlaybackInterrupted(item_id=item_id, played_ms=played_ms, received_ms=received_ms)
            )

    @property
    def level(self) -> float:
        """Loudness of what is being played, 0.0 to 1.0."""
        return self._speaker.level if self._speaker is not None else 0.0
