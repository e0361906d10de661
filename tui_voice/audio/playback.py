"""Queues the sound of items and counts how much of each was played: no device, clock or loop.

The device's thread calls `take`, the loop everything else; one lock protects both, held for a few
microseconds.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tui_voice.audio.pcm import SAMPLES_PER_MS, WIDTH, level
from tui_voice.audio.ring import Ring

_REMEMBERED = 256
"""Ended items whose counts are kept: more than any reply has."""


@dataclass(slots=True)
class _Item:
    written: int = 0  # samples
    played: int = 0
    complete: bool = False  # nothing more will be written
    refused: bool = False  # interrupted: sound that still arrives is dropped
    started: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class PlayedBlock:
    """The result of one `take`: the sound, and the items that started and finished in it."""

    pcm: bytes
    started: tuple[str, ...] = ()
    finished: tuple[tuple[str, int], ...] = ()  # item id, milliseconds played
    sounding: int = 0  # samples before the silence that fills the block
    parts: tuple[tuple[str, int], ...] = ()  # item id, samples of it; in the order of playing


@dataclass(slots=True)
class _Segment:
    item_id: str
    left: int  # samples


@dataclass(frozen=True, slots=True)
class _Stopped:
    ring: Ring
    segments: deque[_Segment]


@dataclass(slots=True)
class Playback:
    """Items in the order of arrival; every sample is played once, flushed or refused."""

    _ring: Ring = field(default_factory=Ring)
    _segments: deque[_Segment] = field(default_factory=deque)
    _items: dict[str, _Item] = field(default_factory=dict)
    _silent_ends: deque[str] = field(default_factory=deque)  # ended; the next `take` reports them
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: _Stopped | None = None  # what the last interruption dropped
    _latest: bytes = b""  # the level is computed when the meter asks
    _silence: PlayedBlock = PlayedBlock(b"")
    volume: float = 1.0
    paused: bool = False
    """`take` returns silence, and what waits goes on waiting."""
    flushed: int = 0  # samples; received = played + waiting + flushed
    refused: int = 0  # samples that arrived for an interrupted item

    def write(self, item_id: str, pcm: bytes) -> bool:
        """Queues s16le for an item. Returns False if the item was interrupted."""
        with self._lock:
            item = self._item(item_id)
            if item.refused:
                self.refused += len(pcm) // WIDTH
                return False
            count = self._ring.put(pcm)
            if not count:
                return True
            item.written += count
            item.ended = False  # it counted as finished, and then more arrived
            if self._segments and self._segments[-1].item_id == item_id:
                self._segments[-1].left += count
            else:
                self._segments.append(_Segment(item_id, count))
            return True

    def finish(self, item_id: str) -> None:
        """Marks an item as complete; it finishes with its last sample, or now."""
        with self._lock:
            self._complete(item_id, self._item(item_id))

    def take(self, count: int) -> PlayedBlock:
        """Returns the next `count` samples for the device, filled with silence."""
        if self.paused or not (self._segments or self._silent_ends):
            # Most blocks are silent, 100 a second: reuse one block of zeros.
            self._latest = b""
            if count * WIDTH != len(self._silence.pcm):
                self._silence = PlayedBlock(bytes(count * WIDTH))
            return self._silence
        out = np.zeros(count, np.int16)
        started: list[str] = []
        finished: list[tuple[str, int]] = []
        parts: list[tuple[str, int]] = []
        at = 0
        with self._lock:
            while self._silent_ends:
                self._end_if_over(self._silent_ends.popleft(), finished)
            while at < count and self._segments:
                segment = self._segments[0]
                step = min(count - at, segment.left)
                self._ring.take(out[at : at + step])
                at += step
                segment.left -= step
                parts.append((segment.item_id, step))
                item = self._items[segment.item_id]
                item.played += step
                if not item.started:
                    item.started = True
                    started.append(segment.item_id)
                if not segment.left:
                    self._segments.popleft()
                    self._end_if_over(segment.item_id, finished)
        if at and self.volume != 1.0:
            np.copyto(out, np.clip(out * self.volume, -32768, 32767), casting="unsafe")
        pcm = out.tobytes()
        self._latest = pcm if at else b""
        return PlayedBlock(pcm, tuple(started), tuple(finished), at, tuple(parts))

    def give_back(self, blocks: Iterable[PlayedBlock]) -> None:
        """Undoes the newest `take`s, given newest first: the device has dropped what it took."""
        with self._lock:
            for block in blocks:
                for item_id in block.started:
                    self._items[item_id].started = False
                for item_id, _ in block.finished:
                    self._items[item_id].ended = False
                    self._silent_ends.append(item_id)  # if it has no sound to be played again
                for item_id, count in reversed(block.parts):
                    self._give_back(item_id, self._ring.back(count))

    def _give_back(self, item_id: str, count: int) -> None:
        self._items[item_id].played -= count
        if self._segments and self._segments[0].item_id == item_id:
            self._segments[0].left += count
        elif count:
            self._segments.appendleft(_Segment(item_id, count))

    def interrupt(self) -> tuple[str, int] | None:
        """Drops all waiting sound; every unfinished item refuses sound that still arrives.

        Returns the item that was playing (or is next) and the milliseconds of it that the device
        took; None when nothing plays, waits or is still expected.
        """
        with self._lock:
            open_items = [
                name for name, item in self._items.items() if not item.ended and not item.refused
            ]
            if self._segments:
                current = self._segments[0].item_id
            elif open_items:
                # Between two deltas: the last item that started is the current one.
                started = [name for name in open_items if self._items[name].started]
                current = started[-1] if started else open_items[0]
            else:
                return None
            self.paused = False
            self.flushed += len(self._ring)
            self._stopped = _Stopped(self._ring, self._segments)
            self._ring, self._segments = Ring(), deque()
            self._silent_ends.clear()
            for name in open_items:
                self._items[name].refused = self._items[name].complete = True
            self._latest = b""
            return current, self._items[current].played // SAMPLES_PER_MS

    def resume(self, item_id: str) -> bool:
        """Plays the rest of the item that `interrupt` stopped last.

        Returns False where nothing of it is left.
        """
        with self._lock:
            stopped, item = self._stopped, self._items.get(item_id)
            if stopped is None or item is None or not item.refused or self._segments:
                return False
            if not any(segment.item_id == item_id for segment in stopped.segments):
                return False
            self._ring, self._segments, self._stopped = stopped.ring, stopped.segments, None
            self.flushed -= len(self._ring)
            for segment in self._segments:
                self._items[segment.item_id].refused = False
            return True

    def played_ms(self, item_id: str) -> int:
        """Milliseconds of an item that the device took; 0 for an unknown item."""
        item = self._items.get(item_id)
        return item.played // SAMPLES_PER_MS if item else 0

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that were written and wait to be played."""
        return len(self._ring) // SAMPLES_PER_MS

    @property
    def level(self) -> float:
        """Loudness of the last block, 0.0 to 1.0."""
        return level(self._latest)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and every finished item was reported."""
        return not self._segments and not self._silent_ends

    def _item(self, item_id: str) -> _Item:
        found = self._items.get(item_id)
        if found is None:
            # Sound arrives item by item: a new item completes the earlier ones, even without
            # `finish`. Sound that still arrives for them is played.
            for earlier, item in self._items.items():
                if not item.complete:
                    self._complete(earlier, item)
            found = self._items[item_id] = _Item()
            if len(self._items) > _REMEMBERED:
                self._forget_oldest()
        return found

    def _complete(self, item_id: str, item: _Item) -> None:
        item.complete = True
        if item.played == item.written and not (item.ended or item.refused):
            self._silent_ends.append(item_id)  # reported by the next `take`

    def _forget_oldest(self) -> None:
        for name, item in self._items.items():
            if item.ended or item.refused:
                del self._items[name]
                return

    def _end_if_over(self, item_id: str, finished: list[tuple[str, int]]) -> None:
        item = self._items[item_id]
        if item.complete and item.played == item.written and not (item.ended or item.refused):
            item.ended = True
            finished.append((item_id, item.played // SAMPLES_PER_MS))
