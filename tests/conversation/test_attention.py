"""Silence closes microphone and connection; a name calls the model; a good-bye ends the session."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.attention import SpokenWords
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts

E = TypeVar("E", bound=e.Event)
TIMES = ConversationTimeouts(idle_s=60, disconnect_s=30, countdown_s=10)
NEVER = Limits(trigger=10_000_000, policy="none")


class Session:
    """A conversation, the events that happened, and its effects so far."""

    def __init__(self, words: SpokenWords | None = None) -> None:
        self.conversation = Conversation(NEVER, TIMES, words=words)
        self.at = 0.0
        self.events: list[e.Event] = []
        self.effects: list[x.Effect] = []
        opened = e.SessionOpened(id="s", started="2026-01-01T00:00:00Z", backend="b", model="m")
        self.post(opened, e.ConnectionOpened())

    def post(self, *events: e.Event, at: float | None = None) -> None:
        self.at = self.at if at is None else at
        for event in events:
            received = self.conversation.receive(replace(event, at=self.at))
            self.events += received.events
            self.effects += received.effects

    def wait(self) -> float:
        """Lets time pass until the conversation wants to be woken. Returns when that was."""
        due = self.conversation.wakes_at
        assert due is not None
        self.post(e.TimePassed(), at=due)
        return due

    def hear(self, item_id: str, words: str) -> None:
        """A spoken turn, as the server's detection reports it."""
        self.begin(item_id)
        self.end(item_id, words)

    def begin(self, item_id: str) -> None:
        self.post(e.SpeechStarted(item_id=item_id))

    def end(self, item_id: str, words: str) -> None:
        self.post(
            e.SpeechStopped(item_id=item_id, audio_ms=900),
            e.SpeechCommitted(item_id=item_id),
            e.TranscriptDone(item_id=item_id, text=words),
        )

    def reply(self, number: int = 1) -> None:
        self.post(
            e.ResponseStarted(response_id=f"r{number}"),
            e.TurnAdded(item_id=f"a{number}", role="assistant"),
            e.AudioReceived(item_id=f"a{number}", response_id=f"r{number}", audio_ms=500),
            e.ResponseDone(response_id=f"r{number}", audio=True),
            e.PlaybackFinished(item_id=f"a{number}", played_ms=500),
        )

    @property
    def state(self) -> State:
        return self.conversation.state

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def asked(self) -> int:
        return sum(isinstance(effect, x.CreateResponse) for effect in self.effects)


# ── silence ─────────────────────────────────────────────────────────────────────────────────


def test_silence_closes_the_microphone_and_then_the_connection_after_a_countdown_each() -> None:
    session = Session()
    session.post(e.TalkPressed(), at=100)
    assert session.wait() == 150
    assert session.all(e.CountdownStarted) == [
        e.CountdownStarted(at=150, closes="microphone", seconds=10)
    ]
    assert session.conversation.situation.silence.ends_at == 160
    assert session.wait() == 160
    assert not session.conversation.situation.microphone.open
    assert x.CloseMicrophone() in session.effects
    assert not any(isinstance(effect, x.Disconnect) for effect in session.effects)
    assert (session.wait(), session.wait()) == (180, 190)
    assert isinstance(session.effects[-1], x.Disconnect)
    session.post(e.ConnectionLost(reason="nobody spoke", released=True))
    assert session.conversation.wakes_at is None, "nothing is left to close"
    session.post(e.TalkPressed(), at=500)
    assert session.effects[-2:] == [x.OpenMicrophone(manual=False), x.Reconnect()]


@pytest.mark.parametrize("sign", [e.PresenceShown(), e.SpeechStarted(item_id="u1")])
def test_a_key_or_speech_stops_the_countdown(sign: e.Event) -> None:
    session = Session()
    session.post(e.TalkPressed(), at=100)
    session.wait()
    session.post(sign, at=155)
    assert session.conversation.situation.silence.countdown is None
    if isinstance(sign, e.PresenceShown):
        assert session.wait() == 205, "it begins anew"
    else:
        assert session.state is State.LISTENING
    assert session.conversation.situation.microphone.open


def test_no_silence_is_counted_while_a_reply_plays_or_the_key_ends_the_turns() -> None:
    session = Session()
    session.post(e.TalkPressed(), at=100)
    session.hear("u1", "Tell me a long story.")
    session.post(
        e.ResponseStarted(response_id="r"),
        e.TurnAdded(item_id="a", role="assistant"),
        e.AudioReceived(item_id="a", response_id="r", audio_ms=300_000),
        e.ResponseDone(response_id="r", audio=True),
    )
    assert session.conversation.wakes_at == 415, "only the watchdog of the playback"
    session.post(e.PlaybackFinished(item_id="a", played_ms=300_000), at=400)
    assert session.wait() == 450

    by_key = Session()
    by_key.post(e.TalkPressed(manual=True), at=100)
    by_key.post(e.TalkReleased(), at=101)
    by_key.post(e.SpeechDiscarded(item_id=""))
    assert by_key.conversation.wakes_at is None
    closed = Session()
    closed.post(e.TalkPressed(), at=100)
    closed.post(e.TalkReleased(), at=101)
    assert closed.conversation.wakes_at is None, "the user closed the microphone"


# ── the name ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Nova, what did we decide?", True),
        ("what do you think, NOVA", True),
        ("The Novation synthesizer is here.", False),
        ("no, va bene", False),
        ("", False),
    ],
)
def test_a_name_is_a_whole_word(text: str, calls: bool) -> None:
    assert SpokenWords(name="Nova").call(text) is calls
    assert SpokenWords(name="Miss Nova").call(f"miss, {text}") is text.startswith("Nova")


def test_who_is_not_called_listens_and_answers_once_called() -> None:
    session = Session(SpokenWords(name="Nova"))
    session.post(e.TalkPressed())
    session.hear("u1", "Let us ship on Friday.")
    assert (session.state, session.asked) == (State.IDLE, 0)
    session.hear("u2", "Nova, when do we ship?")
    assert (session.state, session.asked) == (State.AWAITING, 1)
    session.reply()
    assert session.state is State.IDLE
    session.hear("u3", "Thank you.")
    assert (session.state, session.asked) == (State.IDLE, 1)
    session.post(e.TextSubmitted(item_id="t1", text="What is open?"))
    assert (session.state, session.asked) == (State.AWAITING, 2), "a typed turn is answered"


def test_a_call_is_answered_after_the_speech_that_has_begun_meanwhile() -> None:
    session = Session(SpokenWords(name="Nova"))
    session.post(e.TalkPressed())
    session.begin("u1")
    session.post(e.SpeechStopped(item_id="u1", audio_ms=900), e.SpeechCommitted(item_id="u1"))
    session.begin("u2")
    session.post(e.TranscriptDone(item_id="u1", text="Nova, are you there?"))
    assert (session.state, session.asked) == (State.LISTENING, 0)
    session.end("u2", "I mean the shipping date.")
    assert (session.state, session.asked) == (State.AWAITING, 1)


def test_a_turn_by_key_asks_for_no_reply_either() -> None:
    session = Session(SpokenWords(name="Nova"))
    session.post(e.TalkPressed(manual=True), e.TalkReleased())
    assert session.state is State.IDLE
    session.post(e.SpeechCommitted(item_id="u1"), e.TranscriptDone(item_id="u1", text="Well."))
    assert (session.state, session.asked) == (State.IDLE, 0)


@pytest.mark.parametrize(("words", "asked"), [("Let us ship.", 0), ("Nova, are you there?", 1)])
def test_after_a_reconnect_only_a_call_is_asked_for_again(words: str, asked: int) -> None:
    session = Session(SpokenWords(name="Nova"))
    session.post(e.TalkPressed())
    session.hear("u1", words)
    before = session.asked
    session.post(e.ConnectionLost(reason="gone", retry_in=0.1), e.ConnectionOpened())
    assert session.asked - before == asked


# ── good-bye ────────────────────────────────────────────────────────────────────────────────


def test_a_goodbye_alone_ends_the_session_once_it_is_answered() -> None:
    session = Session(SpokenWords(goodbyes=("goodbye", "auf Wiedersehen")))
    session.post(e.TalkPressed())
    session.hear("u1", "Goodbye is a word.")
    session.reply(1)
    assert not session.all(e.GoodbyeSaid)
    session.hear("u2", "Auf Wiedersehen!")
    assert not session.all(e.HandsFreeEnded), "the good-bye is not answered yet"
    session.reply(2)
    (ended,) = session.all(e.HandsFreeEnded)
    assert (ended.closes, ended.cause) == ("connection", "goodbye")
    assert isinstance(session.effects[-1], x.Disconnect)
    assert not session.conversation.situation.microphone.open


def test_a_goodbye_is_answered_where_the_model_only_listens() -> None:
    session = Session(SpokenWords(name="Nova", goodbyes=("goodbye",)))
    session.post(e.TalkPressed())
    session.hear("u1", "Goodbye.")
    assert session.asked == 1
    session.reply()
    assert session.all(e.HandsFreeEnded)


def test_without_the_setting_and_without_hands_free_a_goodbye_ends_nothing() -> None:
    plain = Session()
    plain.post(e.TalkPressed())
    plain.hear("u1", "Goodbye.")
    by_key = Session(SpokenWords(goodbyes=("goodbye",)))
    by_key.post(e.TalkPressed(manual=True), e.TalkReleased(), e.SpeechCommitted(item_id="u1"))
    by_key.post(e.TranscriptDone(item_id="u1", text="Goodbye."))
    for session in (plain, by_key):
        session.reply()
        assert not session.all(e.HandsFreeEnded)
