"""Decides which captured frames are sent: gate, pre-roll, muting. For use on the loop only."""

from collections import deque
from collections.abc import Callable
from threading import Lock

from tui_voice.audio.pcm import BYTES_PER_MS, FRAME_MS, level
from tui_voice.errors import DeviceError

PRE_ROLL_MS = 300
"""Milliseconds before the talk key that are sent too: users press it after they begin to speak."""
MUTED_TAIL_MS = 2_000
"""Milliseconds of silence sent after muting, so that server VAD detects the end of speech."""


AUDIBLE = 0.35
"""Level, 0 to 1, from which a frame may be speech: -39 dB."""


class CaptureGate:
    """Base of all microphones. `on_frame` gets s16le frames of `frame_ms` milliseconds.

    The gate is open at first; for push-to-talk call `gate(False)`. All methods must be called on
    the loop on which the frames arrive.
    """

    def __init__(
        self,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int = FRAME_MS,
        pre_roll_ms: int = PRE_ROLL_MS,
    ) -> None:
        self.on_frame = on_frame
        self.frame_ms = frame_ms
        self.on_unsent: Callable[[bytes, bool], None] | None = None
        """Gets audible frames that are not sent, and whether the microphone is muted."""
        self.is_open = True
        self._muted = False
        self._muted_tail = 0
        self._latest = b""  # the level is computed when the meter asks, which is rarer than frames
        self._pre_roll: deque[bytes] = deque(maxlen=max(0, pre_roll_ms // frame_ms))

    @property
    def name(self) -> str:
        """Name of the device in use; "" without one."""
        return ""

    is_device = False
    """Whether it captures by a device what the user may not mean for the server."""

    @property
    def available(self) -> bool:
        """Whether there is a device that captures."""
        return False

    @property
    def level(self) -> float:
        """Loudness of the latest frame, 0.0 to 1.0, also while the gate is closed; 0 if muted."""
        return level(self._latest)

    @property
    def dropped(self) -> int:
        """Frames lost since the start because the loop was blocked for too long."""
        return 0

    @property
    def muted(self) -> bool:
        return self._muted

    def mute(self, muted: bool) -> None:
        """Mutes or unmutes. Muted sound is neither sent nor kept as pre-roll."""
        self._deliver_pending()
        if muted and not self._muted:
            self._muted_tail = MUTED_TAIL_MS // self.frame_ms
        self._muted = muted
        self._pre_roll.clear()

    def gate(self, is_open: bool) -> None:
        """Opens the gate, with the pre-roll (300 ms by default) first, or closes it."""
        self._deliver_pending()
        if is_open and not self.is_open:
            while self._pre_roll:
                self.on_frame(self._pre_roll.popleft())
        self.is_open = is_open

    async def choose(self, device: str | None) -> None:
        """Captures from another device, by id or name; None: the default. Raises DeviceError."""
        del device
        raise DeviceError("This session uses no sound devices.", "Start it without --text.")

    async def close(self) -> None:
        """Stops capture; no frame is delivered afterwards."""

    def _deliver_pending(self) -> None:
        """Delivers what was captured before now, by the gate and mute in force so far."""

    def accept(self, frame: bytes) -> None:
        """Sends a captured frame, keeps it as pre-roll, or drops it."""
        if self._muted:
            self._latest = b""
            if self.on_unsent is not None and level(frame) >= AUDIBLE:
                self.on_unsent(frame, True)
            if self._muted_tail and self.is_open:
                self._muted_tail -= 1
                self.on_frame(bytes(len(frame)))
            return
        self._latest = frame
        if self.is_open:
            self.on_frame(frame)
        elif self._pre_roll.maxlen:
            self._pre_roll.append(frame)


class Framer:
    """Cuts blocks of any size into frames of one size; a remainder waits for the next block."""

    def __init__(self, frame_ms: int) -> None:
        self._size = frame_ms * BYTES_PER_MS
        self._rest = bytearray()

    def feed(self, pcm: bytes) -> list[bytes]:
        if not self._rest and len(pcm) == self._size:
            return [pcm]
        self._rest += pcm
        whole = len(self._rest) // self._size * self._size
        frames = [bytes(self._rest[at : at + self._size]) for at in range(0, whole, self._size)]
        del self._rest[:whole]
        return frames


class FrameQueue:
    """A bounded queue between the device's thread and the loop: drops the oldest, never blocks.

    `put` returns whether the reader must be woken: once for any number of frames until `drain`.
    While `kept` is set, the reader is not woken and only that many frames are kept, so that a
    closed microphone does not wake the loop 50 times a second.
    """

    def __init__(self, limit: int) -> None:
        self._frames: deque[bytes] = deque()
        self._limit = limit
        self._woken = False
        self._lock = Lock()
        self.kept: int | None = None
        self.dropped = 0
        self.newest = b""

    def put(self, frame: bytes) -> bool:
        with self._lock:
            self.newest = frame
            if self.kept is not None:
                self._frames.append(frame)
                while len(self._frames) > self.kept:
                    self._frames.popleft()
                return False
            if len(self._frames) >= self._limit:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            wake, self._woken = not self._woken, True
            return wake

    def drain(self) -> list[bytes]:
        with self._lock:
            frames = list(self._frames)
            self._frames.clear()
            self._woken = False
            return frames
