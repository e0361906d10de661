"""A session without screen and devices: each call takes one turn and returns with the reply."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, Self

from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn
from tui_voice.errors import BackendError, CostLimitError, TuiVoiceError
from tui_voice.runtime.session import Session
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.signals import deferred

if TYPE_CHECKING:
    from tui_voice.audio.sound import SoundDevices

SPEED = 25.0
"""How many times as fast as real time audio goes in and replies are played."""
OUTAGE_TIMEOUT_S = 60.0
"""Seconds without a connection after which the session is given up. A wait that the server asks for
is not counted."""
MICROPHONE_TIMEOUT_S = 30.0
TURN_TIMEOUT_S = 180.0
SETTLE_TIMEOUT_S = 30.0
"""Seconds that a transcript of the user's words may come after the reply."""
QUIET_S = 10.0
"""Seconds of waiting after which `on_wait` is called with what is waited for."""
_OWN_WAIT_S = ConnectionTimeouts().max_retry_s
"""Seconds: where the next attempt is later than this, the server asked for that wait."""
_CHECK_S = 0.25
"""Seconds between two readings of the clock while something is waited for."""


class ReplyFailed(TuiVoiceError):  # noqa: N818  # "Failed" already says that it is an error
    """A turn got no complete reply; the session can go on. `turns`: what came of both sides."""

    def __init__(self, reason: str, turns: Sequence[Turn]) -> None:
        super().__init__(f"The model did not answer: {reason}")
        self.turns = list(turns)


class HeadlessSession:
    """A session that a program drives.

        with HeadlessSession(SessionOptions(settings=settings, folder=folder)) as session:
            user, reply = session.say("hello")

    `say` and `speak` raise `ReplyFailed` where the model fails to answer. Every call, and entering
    the `with` block, raises `BackendError` where there is no connection, and the error that ended
    the session where it has ended. `say` and `speak` raise `CostLimitError` once `cost.limit` is
    reached.
    """

    id: str
    path: Path
    snapshot: Snapshot
    """The newest snapshot."""

    def __init__(
        self,
        options: SessionOptions,
        *,
        record_replies: bool = False,
        on_event: Callable[[e.Event], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """`record_replies`: keeps their audio for `save_replies`. `on_event`: is called with every
        event, with those that complete a turn once they are on disk. `on_wait`: is called with a
        sentence when a call has to wait for long, or for a connection. Both are called in the
        caller's thread, while a call waits.
        """
        # A recording is one turn, whatever pauses it has: turn detection must not cut it.
        backend = replace(options.settings.backend, turn_detection="manual")
        settings = replace(options.settings, backend=backend)
        self._options = replace(
            options,
            settings=settings,
            open_sound=self._open_sound,
            on_event=self._on_event,
            on_saved_event=self._on_saved_event,
            on_end=self.wake,
        )
        self._record_replies = record_replies
        self._on_event_of_caller = on_event or (lambda _event: None)
        self._on_wait = on_wait or (lambda _sentence: None)
        self._sound: Any = None
        self._changed = Condition()
        self._limit_reached: e.CostLimitReached | None = None
        self._events: deque[e.Event] = deque()  # saved, and not handed to the caller yet
        self._losses: deque[e.ConnectionLost] = deque()  # not reported to the caller yet
        self._outcome = _Outcome()
        # A turn may wait for a summary: two writers with two attempts each.
        self._turn_timeout_s = TURN_TIMEOUT_S + 4 * settings.summary.timeout_s
        self._session: Session

    def __enter__(self) -> Self:
        with deferred():  # a signal must not come between opening it and knowing it
            self._session = open_session(self._options)
            self.id, self.path = self._session.id, self._session.path
            self.snapshot = self._session.subscribe(self._on_snapshot)
        try:
            self._wait_until(_is_ready, self._turn_timeout_s)
        except BaseException:
            self._session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with deferred():
            self._session.close()
        self._hand_over_events()

    def say(self, text: str) -> list[Turn]:
        """Types a turn; returns it and the reply."""
        item_id = "typed_" + secrets.token_hex(12)

        def begin() -> None:
            self._session.post(e.TextSubmitted(item_id=item_id, text=text))
            self._wait_until(lambda now: now.ledger.turns.get(item_id), self._turn_timeout_s)

        return self._take_turn(begin)

    def speak(self, pcm: bytes) -> list[Turn]:
        """Speaks a turn (s16le, mono, 24 kHz); returns it and the reply."""

        def begin() -> None:
            self._session.post(e.TalkPressed())
            self._wait_until(
                lambda now: now.situation.microphone.open and self._sound is not None,
                MICROPHONE_TIMEOUT_S,
            )
            fed = self._session.call(self._sound.microphone.feed(pcm, speed=SPEED))
            fed.add_done_callback(lambda _future: self.wake())
            self._wait_until(lambda _now: fed.done(), self._turn_timeout_s)
            if fed.cancelled():
                raise self._end()
            fed.result()
            self._session.post(e.TalkReleased())
            self._wait_until(lambda now: not now.situation.microphone.open, MICROPHONE_TIMEOUT_S)

        return self._take_turn(begin)

    def attach(self, image: Path) -> None:
        """Sends an image, and waits until the server has taken or refused it. Raises `UsageError`
        or `StoreError` where it cannot be sent.
        """
        item_id = self._session.attach(image)

        def is_over(now: Snapshot) -> bool:
            turn = now.ledger.turns.get(item_id)
            return turn is not None and (turn.in_window or turn.words == "failed")

        self._wait_until(is_over, self._turn_timeout_s)

    def summarise(self, focus: str = "") -> None:
        """Summarises now; returns when the summary is in the window or has failed.

        Raises `TuiVoiceError` where nothing is to be summarised.
        """
        outcome = self._outcome = _Outcome()
        self._session.post(e.SummarisePressed(focus=focus))
        self._wait_until(
            lambda now: outcome.summary_answered and now.ledger.compaction is None,
            self._turn_timeout_s,
        )
        if not outcome.summary_requested:
            raise TuiVoiceError(outcome.notice)

    def wait_for(self, is_ready: Callable[[], object]) -> None:
        """Waits for something outside the session, such as a line of input, without a time limit.

        `wake` has it look at once. Raises the error that ended the session.
        """
        while not is_ready():
            with self._changed:
                self._changed.wait_for(
                    lambda: self._events or is_ready() or self._session.ended, _CHECK_S
                )
            self._hand_over_events()
            if self._session.ended:
                raise self._end()

    def wake(self) -> None:
        """Has a call that waits look at once whether it is over; from any thread."""
        with self._changed:
            self._changed.notify_all()

    def retrieve(self, item_id: str) -> Future[str | None]:
        """Returns the text of an item as the server has it; None where the server has none."""
        return self._session.retrieve(item_id)

    def set_limits(self, limits: Limits) -> None:
        """Applies new limits from the next quiet moment on."""
        self._session.set_limits(limits)

    @property
    def has_turns(self) -> bool:
        """Whether the session was opened and holds a turn."""
        return hasattr(self, "snapshot") and bool(self.snapshot.ledger.turns)

    @property
    def unsaved(self) -> int:
        """Number of events that are not on disk because it does not take them."""
        return self._session.meters().unsaved

    def save_replies(self, path: Path) -> None:
        """Writes the audio of all replies as a WAV file."""
        self._sound.speaker.save(path)

    @property
    def cost_limit_reached(self) -> bool:
        """Whether the session has reached `cost.limit`, so that it takes no more turns."""
        return self._limit_reached is not None

    def check_cost_limit(self) -> None:
        """Raises `CostLimitError` once the session has reached `cost.limit`."""
        if (reached := self._limit_reached) is not None:
            raise CostLimitError(
                f"The session has cost ${reached.usd:.4f}; the limit is ${reached.limit_usd:.2f} "
                "(cost.limit). It stopped after the last complete reply.",
                f"Raise cost.limit, and continue it by --session {self.id}.",
            )

    # ── one turn ─────────────────────────────────────────────────────────────────────────────

    def _take_turn(self, begin: Callable[[], None]) -> list[Turn]:
        self.check_cost_limit()
        before = len(self.snapshot.ledger.turns)
        outcome = self._outcome = _Outcome()
        begin()
        try:
            self._wait_until(nothing_more_comes, self._turn_timeout_s)
            self._wait_until(self._has_words, SETTLE_TIMEOUT_S)
        except _TimeIsOver as error:
            outcome.failure = outcome.failure or str(error)
        turns = list(self.snapshot.ledger.turns)[before:]
        turns = [turn for turn in turns if turn.role in ("user", "assistant")]
        if not outcome.answered:
            raise ReplyFailed(outcome.failure or "no reply came", turns)
        return turns

    def _has_words(self, now: Snapshot) -> bool:
        """Returns whether the user's words are complete, and both sides are on disk.

        The words of a reply are complete with the reply. An item of the assistant that belongs to
        no response may never be.
        """
        words = all(turn.words != "open" for turn in now.ledger.held() if turn.role == "user")
        return words and self._session.is_saved

    async def _open_sound(
        self,
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        _on_change: object,
    ) -> SoundDevices:
        from tui_voice.audio.null import NullMicrophone, NullSpeaker
        from tui_voice.audio.sound import SoundDevices

        speaker = NullSpeaker(None, on_finished, speed=SPEED, record=self._record_replies)
        sound = self._sound = SoundDevices(NullMicrophone(on_frame), speaker)
        return sound

    # ── waiting, in the caller's thread ──────────────────────────────────────────────────────

    def _wait_until(self, fits: Callable[[Snapshot], object], timeout_s: float) -> None:
        """Waits for a snapshot that fits, and hands the events to the caller meanwhile.

        Raises the error that ended the session, `BackendError` where the connection is given up,
        and `_TimeIsOver` after `timeout_s`.
        """
        wait = _Wait(timeout_s, self._on_wait)
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: (
                        fits(self.snapshot) or self._events or self._losses or self._session.ended
                    ),
                    _CHECK_S,
                )
                now, fitted = self.snapshot, fits(self.snapshot)
                losses = list(self._losses)
                self._losses.clear()
            for lost in losses:
                wait.report_loss(lost)
            self._hand_over_events()
            if fitted:
                return
            if self._session.ended:
                raise self._end()
            wait.check(now, self._session.meters())

    def _end(self) -> BaseException:
        """Returns why the session has ended."""
        return self._session.failure or BackendError("The session has ended.")

    def _hand_over_events(self) -> None:
        with self._changed:
            events = list(self._events)
            self._events.clear()
        for event in events:
            self._on_event_of_caller(event)

    # ── called in the session's thread ───────────────────────────────────────────────────────

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        with self._changed:
            self.snapshot = snapshot
            self._changed.notify_all()

    def _on_event(self, event: e.Event) -> None:
        with self._changed:
            self._outcome.note(event)
            if isinstance(event, e.ConnectionLost):
                self._losses.append(event)
            elif isinstance(event, e.CostLimitReached):
                self._limit_reached = event

    def _on_saved_event(self, event: e.Event) -> None:
        with self._changed:
            self._events.append(event)


class _TimeIsOver(BackendError):  # noqa: N818  # the name says what has happened
    """What was waited for did not happen in time."""


class _Outcome:
    """What became of a request: a turn, or a summary."""

    def __init__(self) -> None:
        self.answered = False
        self.failure = ""
        """Why no complete reply came."""
        self.summary_answered = self.summary_requested = False
        self.notice = ""
        """The newest notice."""

    def note(self, event: e.Event) -> None:
        match event:
            case e.ResponseDone(status=status, reason=reason):
                self.answered = status not in ("failed", "cancelled")
                self.failure = "" if self.answered else reason or f"the response was {status}"
            case e.ResponseRefused(code=code, message=message) if code != e.ALREADY_ACTIVE:
                self.failure = message or "the server refused the request"
            case e.ReplyOverdue(waited_for=True, seconds=seconds):
                self.failure = f"nothing came within {seconds:.0f} s"
            case e.ReplyCut(heard=True):
                self.answered, self.failure = False, "a lost connection cut off the reply"
            case e.SpeechDiscarded(reason=reason):
                self.failure = reason or "nothing was said"
            case e.SummaryRequested():
                self.summary_requested = True
            case e.Noticed(text=text):
                self.notice = text
        # The decision follows the key press at once, before the next snapshot.
        self.summary_answered |= isinstance(event, e.SummarisePressed)


def nothing_more_comes(now: Snapshot) -> bool:
    """Returns whether a turn is over: nobody speaks, no response is made or asked for, and nothing
    is being pruned.
    """
    situation = now.situation
    response = situation.response
    waits = response.active or response.follow_up != "none" or response.open_tools
    return (
        now.state is State.IDLE
        and _is_ready(now)
        and not waits
        and situation.microphone.commit is None
        and now.ledger.compaction is None
    )


class _Wait:
    """One wait: its time limit, the limit of an outage, and what is reported to the caller."""

    def __init__(self, timeout_s: float, on_wait: Callable[[str], None]) -> None:
        self._timeout_s, self._on_wait = timeout_s, on_wait
        self._began = self._online_at = time.monotonic()
        self._reported = False

    def report_loss(self, lost: e.ConnectionLost) -> None:
        """Reports that the connection is lost, where it is tried again."""
        if lost.retry_in is not None:
            later = f" in {lost.retry_in:.0f} s" if lost.retry_in >= 1 else ""
            self._report(f"{lost.reason}; trying again{later}.")

    def check(self, now: Snapshot, meters: Any) -> None:
        """Raises `BackendError` where waiting is of no use any more."""
        moment, connection = time.monotonic(), now.ledger.connection
        if connection.status == "online":
            self._online_at = moment
        elif (meters.retry_at or 0.0) - moment > _OWN_WAIT_S:
            self._online_at = moment  # the server asked for this wait
        if connection.status == "offline" and connection.reason:
            raise BackendError(connection.reason, connection.hint)
        if moment - self._online_at > OUTAGE_TIMEOUT_S:
            reason = connection.reason or "there is no connection"
            raise BackendError(f"{reason} (waited {OUTAGE_TIMEOUT_S:.0f} s)", connection.hint)
        if moment - self._began > self._timeout_s:
            raise _TimeIsOver(f"nothing happened for {self._timeout_s:.0f} s")
        if not self._reported and moment - self._began > QUIET_S:
            self._report(f"waiting for {_awaited(now, meters.progress)}.")

    def _report(self, sentence: str) -> None:
        self._reported = True
        self._on_wait(sentence)


def _awaited(now: Snapshot, progress: str) -> str:
    if progress:
        return f"the embedded server ({progress})"
    if now.ledger.connection.status != "online":
        return "a connection"
    return "a summary" if now.ledger.compaction is not None else "the reply"


def _is_ready(now: Snapshot) -> bool:
    return now.ledger.connection.status == "online" and not now.situation.seeding.under_way
