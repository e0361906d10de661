"""A talk driven by a program: each call takes one turn and returns when it has been answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, Self

from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn
from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.runtime.session_factory import SessionOptions, open_session

if TYPE_CHECKING:
    from tui_voice.audio.sound import Sound

FASTER = 25.0
"""A recording is spoken, and replies are played, so many times as fast as real time."""
OPEN_TIMEOUT_S = 90.0
TURN_TIMEOUT_S = 180.0


class HeadlessSession:
    """`with HeadlessSession(opening) as talk: talk.say("hello")`. No devices; `record` keeps
    the replies. `on_fact` hears every fact, in the talk's own thread.

    All calls raise `TuiVoiceError`: `BackendError` where there is no line or nobody answers.
    """

    def __init__(
        self,
        opening: SessionOptions,
        *,
        record: bool = False,
        on_fact: Callable[[e.Event], None] | None = None,
    ) -> None:
        # A call is one turn, whatever pauses a recording has: no VAD cuts it.
        backend = replace(opening.settings.backend, turn_detection="manual")
        settings = replace(opening.settings, backend=backend)
        self._record = record
        self._on_fact = on_fact
        self._sound: Any = None
        self._changed = Condition()
        self._answered = False
        self._failure = ""
        # A turn may wait for a summary: two writers, two attempts each.
        self._turn_timeout = TURN_TIMEOUT_S + 4 * settings.summary.timeout_s
        self.session = open_session(
            replace(opening, settings=settings, open_sound=self._open_sound, on_fact=self._hear)
        )
        self.now: Snapshot = self.session.subscribe(self._see)

    def __enter__(self) -> Self:
        try:
            self._until(_ready, OPEN_TIMEOUT_S)
        except BaseException:
            self.session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def say(self, text: str) -> list[Turn]:
        """A typed turn; returns it and what was answered."""
        return self._take_turn(
            lambda: self.session.post(
                e.TextSubmitted(item_id="typed_" + secrets.token_hex(12), text=text)
            )
        )

    def speak(self, pcm: bytes) -> list[Turn]:
        """A spoken turn: s16le, mono, 24 kHz."""

        def spoken() -> None:
            self.session.post(e.TalkPressed())
            self._until(lambda now: now.situation.microphone.open and self._sound is not None, 30)
            self.session.call(self._sound.microphone.feed(pcm, speed=FASTER)).result()
            self.session.post(e.TalkReleased())

        return self._take_turn(spoken)

    def summarise(self, focus: str = "") -> None:
        """Summarises by hand; returns when it is pruned, or has failed, or there was nothing."""
        before = self.now.ledger.serial
        self.session.post(e.SummarisePressed(focus=focus))
        self._until(
            lambda now: now.ledger.serial > before and now.ledger.compaction is None,
            self._turn_timeout,
        )

    def save_replies(self, path: Path) -> None:
        """What was spoken by the model, as a WAV file."""
        self._sound.speaker.save(path)

    def _take_turn(self, begin: Callable[[], None]) -> list[Turn]:
        before = len(self.now.ledger.turns)
        self._answered, self._failure = False, ""
        begin()
        self._until(lambda now: self._answered and settled(now), self._turn_timeout)
        if self._failure:
            raise TuiVoiceError(f"The model did not answer: {self._failure}")
        return [
            turn
            for turn in list(self.now.ledger.turns)[before:]
            if turn.role in ("user", "assistant")
        ]

    async def _open_sound(
        self, on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None]
    ) -> Sound:
        from tui_voice.audio.null import NullMicrophone, NullSpeaker
        from tui_voice.audio.sound import Sound

        speaker = NullSpeaker(None, on_finished, speed=FASTER, record=self._record)
        sound = self._sound = Sound(NullMicrophone(on_frame), speaker)
        return sound

    def _until(self, true: Callable[[Snapshot], bool], seconds: float) -> None:
        """Waits for a snapshot that fits; BackendError when the line is given up or time is."""
        with self._changed:
            if not self._changed.wait_for(lambda: true(self.now) or self._lost(), seconds):
                why = self.now.ledger.connection.reason
                raise BackendError(why or f"nothing happened for {seconds:.0f} s.")
        if not true(self.now):
            link = self.now.ledger.connection
            raise BackendError(link.reason, link.hint)

    def _lost(self) -> bool:
        link = self.now.ledger.connection
        return link.status == "offline" and bool(link.reason)

    def _see(self, now: Snapshot) -> None:
        with self._changed:
            self.now = now
            self._changed.notify_all()

    def _hear(self, event: e.Event) -> None:
        if self._on_fact is not None:
            self._on_fact(event)
        if isinstance(event, e.ResponseDone):
            self._answered = True
            self._failure = (event.reason or event.status) if event.status == "failed" else ""
        elif isinstance(event, e.ReplyOverdue) and event.waited_for:
            self._answered, self._failure = True, f"nothing came within {event.seconds:.0f} s"
        elif isinstance(event, e.SpeechDiscarded):
            self._answered, self._failure = True, event.reason or "nothing was said"


def settled(now: Snapshot) -> bool:
    """Nobody speaks, every word has come, nothing is being pruned."""
    return (
        now.state is State.IDLE
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.held())
    )


def _ready(now: Snapshot) -> bool:
    return now.ledger.connection.status == "online" and not now.situation.seeding.under_way
