"""A session for the screen: the real conversation, with scripted events in place of a server.

`ScriptedSession` implements `SessionHandle`. The screen cannot distinguish it from a live session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.runtime.attachments import attach
from tui_voice.runtime.session_handle import Decision, Meters

STARTED = "2026-04-04T12:38:30+00:00"
SUMMARY = (
    "Prohibitions and limits:\n- Shellfish never: allergic.\n- No plans on Sundays.\n"
    "People and facts:\n- Kyoto 4–11 April, two people, 2 400 €.\n"
    "To-dos:\n- Book the ryokan in Uji.\n"
    "Decisions:\n- Hotel near Nanzen-ji."
)


class ScriptedSession:
    """`deliver` plays the server. The effects of the conversation are kept in `effects`, and the
    server acknowledges them at once where `acknowledges`.
    """

    def __init__(
        self, limits: Limits | None = None, *, acknowledges: bool = True, id: str = "session-0001"
    ) -> None:
        self.id = id
        self.path = Path(f"{id}.jsonl")
        self.limits = limits or Limits()
        self.acknowledges = acknowledges
        self.posted: list[e.Event] = []
        self.effects: list[x.Effect] = []
        self.current_meters = Meters()
        self.decisions: list[tuple[int, Decision]] = []
        self.closed = False
        self.silent = False
        """No snapshot is sent."""
        self.now = 0.0
        self._conversation = Conversation(self.limits)
        self._subscribers: list[Callable[[Snapshot], None]] = []

    # ── `SessionHandle` ─────────────────────────────────────────────────────────────────────

    def post(self, event: e.Event) -> None:
        self.posted.append(event)
        self.deliver(event)

    def subscribe(self, on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        self._subscribers.append(on_snapshot)
        return self._conversation.snapshot

    def attach(self, file: Path | None) -> str:
        attached = attach(self.path, file)
        self.post(attached)
        return attached.item_id

    def meters(self) -> Meters:
        return self.current_meters

    def decide(self, number: int, decision: Decision) -> None:
        self.decisions.append((number, decision))
        self.current_meters = replace(self.current_meters, approval=None)

    def set_limits(self, limits: Limits) -> None:
        self.limits = self._conversation.limits = limits

    def close(self) -> None:
        self.closed = True

    # ── the server's side ───────────────────────────────────────────────────────────────────

    @property
    def snapshot(self) -> Snapshot:
        return self._conversation.snapshot

    def deliver(self, *events: e.Event) -> None:
        """Applies events in order and sends the snapshot. An event without a time gets that of
        the event before it.
        """
        self.deliver_unseen(*events)
        for subscriber in () if self.silent else self._subscribers:
            subscriber(self._conversation.snapshot)

    def deliver_unseen(self, *events: e.Event) -> None:
        """Applies events and sends no snapshot."""
        for event in events:
            self._receive(event)

    def _receive(self, event: e.Event) -> None:
        self.now = max(self.now, event.at)
        stamped = event if event.at else replace(event, at=self.now)
        for effect in self._conversation.receive(stamped).effects:
            self.effects.append(effect)
            if self.acknowledges:
                for answer in self._answers(effect):
                    self._receive(answer)

    def _answers(self, effect: x.Effect) -> Iterable[e.Event]:
        match effect:
            case x.CreateItem(item_id=item_id):
                yield e.ItemPlaced(item_id=item_id)
            case x.DeleteItem(item_id=item_id):
                yield e.ItemDeleted(item_id=item_id)


def session_opened(at: float = 0.0, **fields: str) -> list[e.Event]:
    """A new session with a connection."""
    values = {"backend": "local", "model": "moonshine", "voice": "hibari"} | fields
    return [
        e.SessionOpened(at=at, id="session-0001", started=STARTED, **values),
        e.ConnectionOpening(at=at),
        e.ConnectionOpened(at=at, server_session_id="s1"),
    ]


def user_speaks(number: int, at: float, text: str, seconds: float = 4.0) -> list[e.Event]:
    """A spoken turn of the user; the response to it has started."""
    item = f"u{number}"
    return [
        e.SpeechStarted(at=at, item_id=item),
        e.SpeechStopped(at=at + seconds, item_id=item, audio_ms=int(seconds * 1000)),
        e.SpeechCommitted(at=at + seconds, item_id=item),
        e.ResponseStarted(at=at + seconds, response_id=f"r{number}"),
        e.TranscriptDone(at=at + seconds + 0.2, item_id=item, text=text),
    ]


def reply_streams(number: int, at: float, text: str, seconds: float = 8.0) -> list[e.Event]:
    """The beginning of a reply, which is being played."""
    item = f"a{number}"
    return [
        e.TurnAdded(at=at, item_id=item, role="assistant"),
        e.AudioReceived(
            at=at + 0.1, item_id=item, response_id=f"r{number}", audio_ms=int(seconds * 1000)
        ),
        e.TranscriptGrew(at=at + 0.2, item_id=item, text=text),
    ]


def whole_reply(
    number: int, at: float, text: str, seconds: float = 8.0, window: int = 4000
) -> list[e.Event]:
    """A reply that was played to its end. `window`: tokens of input that its usage reports."""
    item = f"a{number}"
    third = window // 3
    usage = e.Usage(
        input_text=third,
        input_audio=window - third - 300,
        cached_text=third * 3 // 4,
        cached_audio=third,
        output_text=60,
        output_audio=240,
    )
    return [
        *reply_streams(number, at, text, seconds),
        e.TranscriptDone(at=at + 1, item_id=item, text=text),
        e.ResponseDone(at=at + 1, response_id=f"r{number}", usage=usage, usd=0.012),
        e.PlaybackFinished(at=at + seconds, item_id=item, played_ms=int(seconds * 1000)),
    ]


def exchange(number: int, at: float, question: str, answer: str, window: int) -> list[e.Event]:
    """A turn of the user and the whole reply."""
    return [*user_speaks(number, at, question), *whole_reply(number, at + 5, answer, window=window)]


KYOTO = [
    ("We want to go to Kyoto in April, two of us.", "Lovely. April is cherry blossom season."),
    ("From the fourth to the eleventh.", "A week, then. Shall I plan it day by day?"),
    ("Yes, and the budget is 2 400 euros.", "That is comfortable for two people for a week."),
    ("We do not rest anywhere twice.", "Then I will keep a new place for every night."),
]


def kyoto_session(session: ScriptedSession) -> ScriptedSession:
    """Fills a session with a summary, a pinned turn, an interrupted reply, and a reply that is
    being played.
    """
    session.deliver(*session_opened(), e.SessionRenamed(at=0.1, title="Kyoto in April"))
    at = 10.0
    for number, (question, answer) in enumerate(KYOTO, 1):
        session.deliver(*exchange(number, at, question, answer, window=1500 + number * 1800))
        at += 22
    session.deliver(e.SummarisePressed(at=at), *_summary_of(session, at))
    at += 90
    question = "I am allergic to shellfish, so keep that in mind for the dinners."
    reply = (
        "Noted: no shellfish. In Kyoto, tofu kaiseki near Nanzen-ji is a safe and lovely choice, "
        "and most places will adapt if you tell them when you book."
    )
    session.deliver(*exchange(11, at, question, reply, window=5200))
    session.deliver(e.TurnPinned(at=at + 14, item_id="u11"))
    at += 40
    session.deliver(*user_speaks(12, at, "And the second day?", 2.0))
    reply = (
        "For the second day you could walk the Philosopher's Path early, then take the train to "
        "Uji for tea, which is about twenty minutes"
    )
    session.deliver(*reply_streams(12, at + 3, reply, seconds=9.0))
    session.deliver(
        e.SpeechStarted(at=at + 8, item_id="u13"),
        e.PlaybackInterrupted(at=at + 8, item_id="a12", played_ms=4200),
        e.TranscriptDone(at=at + 8, item_id="a12", text=reply),
        e.ResponseDone(at=at + 8, response_id="r12", status="cancelled"),
    )
    session.deliver(
        e.SpeechStopped(at=at + 12, item_id="u13", audio_ms=4000),
        e.SpeechCommitted(at=at + 12, item_id="u13"),
        e.ResponseStarted(at=at + 12, response_id="r13"),
        e.TranscriptDone(
            at=at + 12, item_id="u13", text="Sorry, not on a Sunday. We rest on Sundays."
        ),
    )
    reply = "Then let us move the walk to Monday, and keep Sunday for the garden at"
    session.deliver(*reply_streams(13, at + 13, reply))
    return session


def _summary_of(session: ScriptedSession, at: float) -> list[e.Event]:
    running = session.snapshot.ledger.serial + 1
    return [
        e.SummaryReady(
            at=at + 0.8,
            compaction_id=f"memory_{running:04d}",
            text=SUMMARY,
            source="gpt-6-luna",
            usage=e.Usage(input_text=900, output_text=90),
            usd=0.0011,
            seconds=0.8,
            details=5,
            missing=("We do not rest anywhere twice.",),
            topics=("Kyoto", "gardens"),
        )
    ]
