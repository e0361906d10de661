"""Keeps captured audio until the server has transcribed it, so that the user's words survive the
loss of a connection.

Frames pass through three stages. They are *pending* until the server has made a turn of them, then
*untranscribed* until the transcript of that turn has come (or a reply shows that the model
understood it). After that they are deleted. After a loss, pending and untranscribed frames are
sent again on the next connection, in the order in which they were said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tui_voice.audio.pcm_format import BYTES_PER_MS

MAX_PENDING_MS = 300_000
"""Milliseconds of pending audio that are kept; then the oldest is dropped."""
SILENCE_KEPT_MS = 2_000
"""Milliseconds kept while nobody speaks: the server reports a turn a little after its start."""
TAIL_MS = 1_500
"""Milliseconds of silence sent after speech whose microphone was closed while there was no
connection: the server's turn detection waits for silence to end the turn."""
_COMMIT = b""  # marks, among the frames, where our commit ended a turn


class SpeechBuffer:
    """Sends captured frames, and keeps those that may have to be sent again.

    `send` sends a frame and returns whether there was a connection for it; `commit` sends our
    commit. `manual`: our commits end the turns, not the server's turn detection.
    """

    def __init__(
        self, send: Callable[[bytes], bool], commit: Callable[[], None], manual: bool = False
    ) -> None:
        self._send = send
        self._commit = commit
        self._manual = manual
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._has_speech = False  # somebody speaks in the pending frames
        self._turn = ""  # item id of the turn that the server has begun from them
        self._untranscribed: dict[str, list[bytes]] = {}  # frames by item id
        self._being_answered: tuple[str, ...] = ()  # untranscribed turns when the reply began
        self._disconnected = True
        self.dropped_ms = 0
        """Milliseconds of speech lost because there was no connection for too long."""

    def add(self, pcm: bytes) -> None:
        """Keeps a captured frame, and sends it where there is a connection."""
        self._keep(pcm)
        if not self._disconnected:
            if not self._has_speech:
                self._forget_all_but(SILENCE_KEPT_MS)
            self._disconnected = not self._send(pcm)

    def expect_speech(self) -> None:
        """The talk key was pressed: the frames from now on are a part of the turn."""
        if self._manual:
            self._has_speech = True

    def set_manual(self, manual: bool) -> None:
        """Our commits end the turns from now on, or the server's turn detection does."""
        self._manual = manual

    def add_commit(self) -> None:
        """Marks the end of a turn: our commit was sent, or will be sent on the next connection."""
        self._pending.append(_COMMIT)

    # ── what the server reports ─────────────────────────────────────────────────────────────

    def speech_started(self, item_id: str) -> None:
        self._has_speech = True
        self._turn = item_id

    def committed(self, item_id: str, *, microphone_open: bool) -> None:
        """The server made a turn of the pending frames; its transcript is still missing."""
        self._untranscribed[item_id] = self._take_turn()
        self._has_speech = self._manual and microphone_open
        self._turn = ""

    def discarded(self) -> None:
        """The server made no turn of what our commit ended, since it was too short."""
        self._take_turn()

    def drop_turn(self) -> None:
        """The turn that is being spoken is none. Those that our commits have ended stay."""
        while self._pending and self._pending[-1] != _COMMIT:
            self._pending_bytes -= len(self._pending.pop())

    def transcribed(self, item_id: str) -> None:
        """The transcript of the turn has come, so its frames are deleted."""
        self._untranscribed.pop(item_id, None)

    def reply_started(self) -> None:
        self._being_answered = tuple(self._untranscribed)

    def reply_grew(self, item_id: str) -> None:
        """Words or audio of a reply came, so the model has understood the turns that it answers:
        sent again, they would be answered twice.
        """
        if item_id in self._untranscribed:  # these are words of the user's own turn
            return
        for answered in self._being_answered:
            self._untranscribed.pop(answered, None)
        self._being_answered = ()

    @property
    def awaits_words(self) -> bool:
        """Whether a turn without transcript would be sent again if the connection were lost now."""
        return bool(self._untranscribed)

    # ── the connection ──────────────────────────────────────────────────────────────────────

    def connection_lost(self, *, microphone_open: bool) -> tuple[str, ...]:
        """Keeps what has to be sent again. Returns the ids that those turns had; on the next
        connection they become turns with new ids.
        """
        if self._disconnected:
            return ()
        self._disconnected = True
        sent_again = (*self._untranscribed, *filter(None, (self._turn,)))
        if not self._has_speech:
            self._forget_all_but(SILENCE_KEPT_MS if microphone_open else 0)
        for frames in reversed(self._untranscribed.values()):
            self._pending.extendleft(reversed(frames))
            self._pending_bytes += sum(map(len, frames))
        self._untranscribed.clear()
        self._being_answered, self._turn = (), ""
        return sent_again

    def connection_ready(self, *, microphone_open: bool) -> None:
        """Sends the pending frames; call it after the seed items are queued."""
        self._disconnected = False
        self.dropped_ms = 0
        if self._pending and not microphone_open and not self._manual:
            self._keep(bytes(TAIL_MS * BYTES_PER_MS))
        for pcm in tuple(self._pending):
            if pcm == _COMMIT:
                self._commit()
            elif not self._send(pcm):
                self._disconnected = True
                return

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of audio that wait for a connection."""
        return self._pending_bytes // BYTES_PER_MS if self._disconnected else 0

    # ── the frames ──────────────────────────────────────────────────────────────────────────

    def _keep(self, pcm: bytes) -> None:
        self._pending.append(pcm)
        self._pending_bytes += len(pcm)
        if self._pending_bytes > MAX_PENDING_MS * BYTES_PER_MS:
            self.dropped_ms += len(self._pending[0]) // BYTES_PER_MS
            self._pending_bytes -= len(self._pending.popleft())

    def _forget_all_but(self, ms: int) -> None:
        while self._pending_bytes > ms * BYTES_PER_MS:
            self._pending_bytes -= len(self._pending.popleft())

    def _take_turn(self) -> list[bytes]:
        """Takes out the frames of the turn that has ended: up to our commit where commits end the
        turns, all frames otherwise.
        """
        turn: list[bytes] = []
        while self._pending:
            frame = self._pending.popleft()
            self._pending_bytes -= len(frame)
            if frame == _COMMIT and self._manual:
                turn.append(_COMMIT)
                break
            if frame != _COMMIT:
                turn.append(frame)
        return turn
