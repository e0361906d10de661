"""A session without screen and devices: each call takes one turn and returns with the reply."""

from __future__ import annotations

import secrets
from collections.abc import Callable
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
from tui_voice.runtime.session_factory import SessionOptions, open_session

if TYPE_CHECKING:
    from tui_voice.audio.sound import SoundDevices

SPEED = 25.0
"""How many times as fast as real time audio goes in and replies are played."""
OPEN_TIMEOUT_S = 90.0
MICROPHONE_TIMEOUT_S = 30.0
TURN_TIMEOUT_S = 180.0


class HeadlessSession:
    """A session that a program drives.

        with HeadlessSession(SessionOptions(settings=settings, folder=folder)) as session:
            user, reply = session.say("hello")

    Every call raises `TuiVoiceError` where the model fails to answer, `BackendError` where there is
    no connection or no reply comes in time, and `CostLimitError` once `cost.limit` is reached.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        record_replies: bool = False,
        on_event: Callable[[e.Event], None] | None = None,
    ) -> None:
        """`record_replies`: keeps their audio for `save_replies`. `on_event`: is called with every
        event, in the session's thread, with those that complete a turn once they are on disk.
        """
        # A recording is one turn, whatever pauses it has: turn detection must not cut it.
        backend = replace(options.settings.backend, turn_detection="manual")
        settings = replace(options.settings, backend=backend)
        self._record_replies = record_replies
        self._sound: Any = None
        self._changed = Condition()
        self._answered = False
        self._failure = ""
        self._limit_reached: e.CostLimitReached | None = None
        # A turn may wait for a summary: two writers with two attempts each.
        self._turn_timeout_s = TURN_TIMEOUT_S + 4 * settings.summary.timeout_s
        self._session = open_session(
            replace(
                options,
                settings=settings,
                open_sound=self._open_sound,
                on_event=self._on_event,
                on_saved_event=on_event,
            )
        )
        self.id = self._session.id
        self.path = self._session.path
        self.snapshot: Snapshot = self._session.subscribe(self._on_snapshot)
        """The newest snapshot."""

    def __enter__(self) -> Self:
        try:
            self._wait_until(_is_ready, OPEN_TIMEOUT_S)
        except BaseException:
            self._session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def say(self, text: str) -> list[Turn]:
        """Type a turn; returns it and the reply."""
        event = e.TextSubmitted(item_id="typed_" + secrets.token_hex(12), text=text)
        return self._take_turn(lambda: self._session.post(event))

    def speak(self, pcm: bytes) -> list[Turn]:
        """Speaks a turn (s16le, mono, 24 kHz); returns it and the reply."""

        def speak() -> None:
            self._session.post(e.TalkPressed())
            self._wait_until(
                lambda now: now.situation.microphone.open and self._sound is not None,
                MICROPHONE_TIMEOUT_S,
            )
            self._session.call(self._sound.microphone.feed(pcm, speed=SPEED)).result()
            self._session.post(e.TalkReleased())

        return self._take_turn(speak)

    def summarise(self, focus: str = "") -> None:
        """Summarises now; returns when the summary is in the window or has failed.

        Raises `BackendError` where no turn is older than the kept ones, after the time of a turn.
        """
        before = self.snapshot.ledger.serial
        self._session.post(e.SummarisePressed(focus=focus))
        self._wait_until(
            lambda now: now.ledger.serial > before and now.ledger.compaction is None,
            self._turn_timeout_s,
        )

    def retrieve(self, item_id: str) -> Future[str | None]:
        """Returns the text of an item as the server has it; None where the server has none."""
        return self._session.retrieve(item_id)

    def set_limits(self, limits: Limits) -> None:
        """Applies new limits from the next quiet moment on."""
        self._session.set_limits(limits)

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
                f"Raise cost.limit, and go on with --session {self.id}.",
            )

    def _take_turn(self, begin: Callable[[], None]) -> list[Turn]:
        self.check_cost_limit()
        before = len(self.snapshot.ledger.turns)
        self._answered, self._failure = False, ""
        begin()
        self._wait_until(lambda now: self._answered and is_settled(now), self._turn_timeout_s)
        if self._failure:
            raise TuiVoiceError(f"The model did not answer: {self._failure}")
        turns = list(self.snapshot.ledger.turns)[before:]
        return [turn for turn in turns if turn.role in ("user", "assistant")]

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

    def _wait_until(self, fits: Callable[[Snapshot], bool], timeout_s: float) -> None:
        """Waits for a snapshot that fits. Raises `BackendError` when the connection is given up or
        the time is over.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: fits(self.snapshot) or self._is_offline(), timeout_s
            ):
                reason = self.snapshot.ledger.connection.reason
                raise BackendError(reason or f"nothing happened for {timeout_s:.0f} s.")
        if not fits(self.snapshot):
            connection = self.snapshot.ledger.connection
            raise BackendError(connection.reason, connection.hint)

    def _is_offline(self) -> bool:
        connection = self.snapshot.ledger.connection
        return connection.status == "offline" and bool(connection.reason)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        with self._changed:
            self.snapshot = snapshot
            self._changed.notify_all()

    def _on_event(self, event: e.Event) -> None:
        if isinstance(event, e.CostLimitReached):
            self._limit_reached = event
        if isinstance(event, e.ResponseDone):
            self._answered = True
            self._failure = (event.reason or event.status) if event.status == "failed" else ""
        elif isinstance(event, e.ReplyOverdue) and event.waited_for:
            self._answered, self._failure = True, f"nothing came within {event.seconds:.0f} s"
        elif isinstance(event, e.SpeechDiscarded):
            self._answered, self._failure = True, event.reason or "nothing was said"


def is_settled(now: Snapshot) -> bool:
    """Returns whether nobody speaks, every transcript is complete and nothing is being pruned."""
    return (
        now.state is State.IDLE
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.held())
    )


def _is_ready(now: Snapshot) -> bool:
    return now.ledger.connection.status == "online" and not now.situation.seeding.under_way
