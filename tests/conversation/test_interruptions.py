"""An interruption that was none is taken back; a reply can be paused; without a loudspeaker replies
are only shown."""

from __future__ import annotations

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import ECHO_ADVICE, Conversation
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.states import State

REPLY = "Your sister lives in London, your brother works in Berlin, and your dog is called Rex."


class Scene:
    """A session in which the reply `a` of 5 s is being played."""

    def __init__(self, interrupt_words: int = 0) -> None:
        self.conversation = Conversation(interrupt_words=interrupt_words)
        self.events: list[e.Event] = []
        self.effects: list[x.Effect] = []
        self.give(
            e.SessionOpened(id="s", started="2026-04-04T12:00:00+00:00", backend="ws", model="m"),
            e.ConnectionOpened(),
            e.TalkPressed(),
        )
        self.reply()

    def reply(self, item_id: str = "a", audible: bool = True) -> None:
        if not audible:
            self.give(e.LoudspeakerChanged(available=False))
        self.give(
            e.ResponseStarted(response_id="r" + item_id),
            e.TurnAdded(item_id=item_id, role="assistant"),
            e.TranscriptDone(item_id=item_id, text=REPLY),
            e.AudioReceived(item_id=item_id, response_id="r" + item_id, audio_ms=5_000),
        )

    def give(self, *events: e.Event) -> None:
        for event in events:
            received = self.conversation.receive(event)
            self.events += received.events
            self.effects += received.effects

    def interrupt(self, words: str, turn: str = "u", reply: str = "a") -> None:
        """The user, or an echo, says `words` after 2 s of the reply."""
        self.give(
            e.SpeechStarted(item_id=turn),
            e.PlaybackInterrupted(item_id=reply, played_ms=2_000, received_ms=5_000),
            e.SpeechStopped(item_id=turn),
            e.SpeechCommitted(item_id=turn),
            e.ResponseStarted(response_id="r2"),
            e.TranscriptDone(item_id=turn, text=words),
        )

    @property
    def undone(self) -> list[e.InterruptionUndone]:
        return [event for event in self.events if isinstance(event, e.InterruptionUndone)]


def test_a_cut_by_an_echo_is_taken_back_and_advised_about_after_two() -> None:
    scene = Scene()
    for number in range(3):
        scene.interrupt("lives in London", turn=f"u{number}")
        assert len(scene.undone) == number + 1
        assert scene.conversation.state is State.SPEAKING
        assert scene.effects[-2:] == [
            x.ResumeInterrupted(item_ids=("a",), echo=True),
            x.DeleteItem(item_id=f"u{number}"),
        ]
        assert x.CancelResponse(response_id="r2") in scene.effects
        advice = [ev for ev in scene.events if isinstance(ev, e.Noticed) and ev.text == ECHO_ADVICE]
        assert len(advice) == (number >= 1)
    turns = scene.conversation.ledger.turns
    assert turns.get("a").heard_ms is None
    assert [(turn.text, turn.note) for turn in turns][1:] == [("", "an echo of the reply")] * 3
    scene.give(e.PlaybackFinished(item_id="a", played_ms=5_000))
    scene.give(e.ResponseDone(response_id="r2", status="cancelled"))
    assert scene.conversation.state is State.IDLE
    assert fold(scene.events) == scene.conversation.ledger


@pytest.mark.parametrize(
    "words", ["stop", "and the dog", "what about my sister", "Berlin", "", "called Rex"]
)
def test_other_words_and_words_not_played_yet_interrupt(words: str) -> None:
    scene = Scene()
    scene.interrupt(words)
    assert scene.undone == []
    assert scene.conversation.ledger.turns.get("a").heard_ms == 2_000


def test_fewer_words_than_wanted_do_not_interrupt_and_stay_on_the_screen() -> None:
    scene = Scene(interrupt_words=2)
    scene.interrupt("Yes.")
    assert [event.why for event in scene.undone] == ["short"]
    assert scene.conversation.ledger.turns.get("u").text == "Yes."
    assert not [effect for effect in scene.effects if isinstance(effect, x.DeleteItem)]
    scene.interrupt("No, wait.", turn="u2")
    assert len(scene.undone) == 1


def test_a_paused_reply_is_not_overdue_and_can_be_stopped() -> None:
    scene = Scene()
    scene.give(e.PausePressed(paused=True, at=1.0))
    assert scene.effects[-1] == x.PausePlayback(paused=True)
    scene.give(e.PlaybackPaused(at=1.0))
    assert scene.conversation.wakes_at is None
    scene.give(e.PlaybackResumed(at=100.0))
    assert scene.conversation.situation.playback.ends_at == pytest.approx(104.0)
    scene.give(e.PlaybackPaused(at=101.0), e.StopPressed(at=102.0))
    assert scene.conversation.state is State.IDLE
    assert scene.conversation.situation.playback.paused_at is None


def test_without_a_loudspeaker_a_reply_is_neither_spoken_nor_interrupted() -> None:
    scene = Scene()
    scene.give(e.PlaybackFinished(item_id="a"), e.ResponseDone(response_id="ra"))
    scene.reply("b", audible=False)
    assert scene.conversation.state is State.AWAITING
    scene.give(e.ResponseDone(response_id="rb"))
    assert scene.conversation.state is State.IDLE
    scene.reply("c", audible=False)
    scene.give(e.SpeechStarted(item_id="u"))
    assert x.InterruptPlayback() not in scene.effects
    assert not any(turn.interrupted for turn in scene.conversation.ledger.turns)


def test_a_device_is_chosen() -> None:
    scene = Scene()
    scene.give(e.DeviceChosen(direction="input", device="headset"))
    assert scene.effects[-1] == x.UseDevice(direction="input", device="headset")


class TestSpeechWithoutWords:
    """The server ends a turn and drops it: it was a laugh or a cough."""

    def test_over_a_reply_it_goes_on(self) -> None:
        scene = Scene()
        scene.give(
            e.SpeechStarted(item_id="u"),
            e.PlaybackInterrupted(item_id="a", played_ms=2_000, received_ms=5_000),
            e.ResponseDone(response_id="ra", status="cancelled"),
            e.SpeechStopped(item_id="u"),
            e.SpeechDiscarded(item_id="u", reason="no words"),
        )
        [undone] = scene.undone
        assert (undone.replies, undone.why) == (("a",), "short")
        assert scene.effects[-1] == x.ResumeInterrupted(item_ids=("a",), echo=False)
        assert scene.conversation.state is State.SPEAKING

    def test_before_a_reply_it_is_asked_for_again(self) -> None:
        scene = Scene()
        scene.give(
            e.PlaybackFinished(item_id="a", played_ms=5_000),
            e.ResponseDone(response_id="ra", status="completed"),
            e.SpeechStarted(item_id="question"),
            e.SpeechStopped(item_id="question"),
            e.SpeechCommitted(item_id="question"),
            e.ResponseStarted(response_id="r2"),
            e.TranscriptDone(item_id="question", text="Where is Rex?"),
            e.SpeechStarted(item_id="cough"),
            e.ResponseDone(response_id="r2", status="cancelled"),
            e.SpeechStopped(item_id="cough"),
        )
        assert x.CreateResponse() not in scene.effects
        scene.give(e.SpeechDiscarded(item_id="cough", reason="no words"))
        assert scene.effects[-1] == x.CreateResponse()
        assert scene.conversation.state is State.AWAITING

    def test_otherwise_nothing_follows(self) -> None:
        scene = Scene()
        scene.give(
            e.PlaybackFinished(item_id="a", played_ms=5_000),
            e.ResponseDone(response_id="ra", status="completed"),
        )
        before = len(scene.effects)
        scene.give(
            e.SpeechStarted(item_id="cough"),
            e.SpeechStopped(item_id="cough"),
            e.SpeechDiscarded(item_id="cough", reason="no words"),
        )
        assert scene.effects[before:] == []
        assert scene.conversation.state is State.IDLE
