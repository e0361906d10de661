"""Plays the audio of replies, and reports how much of each item was played."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e

if TYPE_CHECKING:  # loads numpy, which only an open device needs
    from tui_voice.audio.speaker import BaseSpeaker


class ReplyPlayback:
    """Plays reply items in order, and posts an event at the end of each.

    Without a loudspeaker an item counts as played as soon as all of it has been received.
    """

    def __init__(self, post: Callable[[e.Event], None]) -> None:
        self._post = post
        self._speaker: BaseSpeaker | None = None
        self._received: dict[str, int] = {}  # bytes by item id, in the order of playing

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
        """Queues audio; returns False where the item was interrupted, so that it is not played."""
        if self._speaker is not None and not self._speaker.write(item_id, pcm):
            return False
        self._received[item_id] = self._received.get(item_id, 0) + len(pcm)
        return True

    def end(self, item_id: str) -> None:
        """The audio of the item is complete."""
        if self._speaker is not None:
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
        interrupted, self._received = self._received, {}
        for item_id, received_bytes in interrupted.items():
            received_ms = received_bytes // BYTES_PER_MS
            played_ms = self._speaker.played_ms(item_id) if self._speaker else received_ms
            self._post(
                e.PlaybackInterrupted(item_id=item_id, played_ms=played_ms, received_ms=received_ms)
            )

    @property
    def level(self) -> float:
        """Loudness of what is being played, 0.0 to 1.0."""
        return self._speaker.level if self._speaker is not None else 0.0
