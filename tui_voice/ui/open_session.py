"""The session that the application shows: its handle, its newest snapshot, its meters."""

from __future__ import annotations

from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple

from textual.events import Key, Paste

from tui_voice.ui.messages import SnapshotMailbox
from tui_voice.ui.notices import NO_WAIT, Countdown, ReconnectWait
from tui_voice.ui.options import AppOptions
from tui_voice.ui.view import SessionView, project

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import Event
    from tui_voice.runtime.session_handle import Meters, SessionHandle


class _ShownMeters(NamedTuple):
    """The part of the meters that is in the view; the levels are drawn without it."""

    engines: str = ""
    unsaved: int = 0
    wait: ReconnectWait = NO_WAIT
    recording: bool = False
    countdown: Countdown | None = None
    missing: str = ""


class OpenSession:
    """Holds at most one session. All methods are called in the application's thread."""

    def __init__(self, options: AppOptions) -> None:
        self._options = options
        self.budget = options.budget
        """USD that the user wants to spend; it is only shown."""
        self.handle: SessionHandle | None = None
        self.snapshot: Snapshot | None = None
        self._mailbox: SnapshotMailbox | None = None
        self._meters = _ShownMeters()
        self._dismissed_at = -1.0
        self._changed_at = 0.0  # `time.monotonic()` when the session's time last moved

    def attach(self, handle: SessionHandle, mailbox: SnapshotMailbox, first: Snapshot) -> None:
        """Shows another session from now on; `first` is its first snapshot."""
        self.handle, self._mailbox = handle, mailbox
        self.snapshot, self._dismissed_at = None, -1.0
        self._store(first)

    def detach(self) -> SessionHandle | None:
        """Shows no session any more. Returns the handle, which is still open."""
        handle, self.handle, self._mailbox = self.handle, None, None
        return handle

    def owns(self, mailbox: SnapshotMailbox) -> bool:
        """Whether this mailbox is the one of the open session, not of an earlier one."""
        return mailbox is self._mailbox

    def take_newest(self) -> bool:
        """Takes the newest snapshot from the mailbox. Returns whether there was one."""
        newest = self._mailbox.take() if self._mailbox else None
        if newest is not None:
            self._store(newest)
        return newest is not None

    def _store(self, snapshot: Snapshot) -> None:
        if self.snapshot is None or snapshot.ledger.at != self.snapshot.ledger.at:
            self._changed_at = monotonic()
        self.snapshot = snapshot

    def post(self, event: Event) -> None:
        """Hands an event of the user to the session; without a session nothing happens."""
        if self.handle is not None:
            self.handle.post(event)

    def level(self, direction: Literal["input", "output"]) -> float:
        """Returns the level, 0 to 1, of the microphone or the loudspeaker in use."""
        meters = self.handle.meters() if self.handle is not None else None
        if meters is None:
            return 0.0
        return meters.input_level if direction == "input" else meters.speaker

    def dismiss_notices(self) -> None:
        """Marks every notice up to now as read."""
        if self.snapshot is not None:
            self._dismissed_at = self.snapshot.ledger.at

    def update_meters(self, meters: Meters) -> bool:
        """Takes what the view shows of the meters. Returns whether any of it changed."""
        offline = self.snapshot is not None and self.snapshot.ledger.connection.status != "online"
        left = None if meters.retry_at is None else max(0, ceil(meters.retry_at - monotonic()))
        wait = ReconnectWait(left, meters.held_turns, meters.held_ms // 1000)
        before = self._meters
        self._meters = _ShownMeters(
            meters.engines,
            meters.unsaved,
            wait if offline else NO_WAIT,
            meters.recording,
            self.countdown,
            _missing(meters) if self._options.sound else "",
        )
        return self._meters != before

    @property
    def countdown(self) -> Countdown | None:
        """What silence is about to close, and when; None: nothing."""
        silence = self.snapshot.situation.silence if self.snapshot is not None else None
        if self.snapshot is None or silence is None or silence.countdown is None:
            return None
        now = self.seconds + self.snapshot.ledger.away_s
        return Countdown(silence.countdown, max(0, ceil(silence.ends_at - now)))

    def stop_countdown(self, event: Key | Paste, talk_key: str) -> bool:
        """Stops the countdown, if there is one, since the user pressed a key. Returns whether the
        key may do nothing else: the talk key would close the microphone.
        """
        if self.countdown is None:
            return False
        from tui_voice.conversation.events import PresenceShown

        self.post(PresenceShown())
        return isinstance(event, Key) and event.key == talk_key

    @property
    def seconds(self) -> float:
        """Seconds for which the session was open, in all runs of the program; between two events
        this application counts itself."""
        return self._now - self.snapshot.ledger.away_s if self.snapshot is not None else 0.0

    @property
    def _now(self) -> float:
        """The second of the session, as in `Event.at`."""
        since = monotonic() - self._changed_at if self._options.live else 0.0
        return self.snapshot.ledger.at + since if self.snapshot is not None else 0.0

    def view(self, previous: SessionView) -> SessionView | None:
        """Returns the view of the newest snapshot; None without a session."""
        if self.snapshot is None or self.handle is None:
            return None
        return project(
            self.snapshot,
            self.handle.limits,
            now=self._now,
            budget=self.budget,
            dismissed_at=self._dismissed_at,
            engines=self._meters.engines,
            unsaved=self._meters.unsaved,
            wait=self._meters.wait,
            recording=self._meters.recording,
            countdown=self.countdown,
            missing=self._meters.missing,
            previous=previous,
        )


def _missing(meters: Meters) -> str:
    """Returns which sound devices are missing; "" where there are both."""
    if meters.has_microphone:
        return "" if meters.has_loudspeaker else "no loudspeaker"
    return "no microphone" if meters.has_loudspeaker else "no sound devices"
