"""The reply that the user waits for: over a lost connection, and from a silent server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import ASKED_TOO_OFTEN, Conversation
from tui_voice.conversation.pending_reply import MOST_ASKED_AGAIN
from tui_voice.conversation.states import State

SAID = e.SpeechCommitted(item_id="u1")
WORDS = e.TranscriptDone(item_id="u1", text="What is a heron?")
STARTED = e.ResponseStarted(response_id="r1")
ADDED = e.TurnAdded(item_id="a1", role="assistant", previous_item_id="u1")
DELTA = e.TranscriptGrew(item_id="a1", text="A bird ")
AUDIO = e.AudioReceived(item_id="a1", response_id="r1", audio_ms=400)
DONE = e.ResponseDone(response_id="r1")
LOST = e.ConnectionLost(reason="the connection broke", retry_in=1.0)
CUT = replace(LOST, cut=("a1",))
OPENED = e.ConnectionOpened()
CREATE = x.CreateResponse()


class TimedConversation:
    """A conversation at a time of its own, and the effects that it had."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.at = 0.0
        self.effects: list[x.Effect] = []
        self.post(OPENED)

    def post(self, *events: e.Event) -> list[x.Effect]:
        before = len(self.effects)
        for event in events:
            self.effects += self.conversation.receive(replace(event, at=self.at)).effects
        return self.effects[before:]

    def wait(self, seconds: float) -> list[x.Effect]:
        self.at += seconds
        return self.post(e.TimePassed())

    def responses_asked_after(self, *events: e.Event) -> int:
        """How often a response is asked for on the connection after these events."""
        self.post(*events)
        return self.post(OPENED).count(CREATE)

    def notices(self) -> list[str]:
        return [notice.text for notice in self.conversation.ledger.notices]

    def turn(self, item_id: str) -> tuple[str, str]:
        turn = self.conversation.ledger.turns.get(item_id)
        assert turn is not None
        return turn.text, turn.note


# ── a lost connection ───────────────────────────────────────────────────────────────────────


def test_a_reply_is_asked_for_again_a_few_times_only() -> None:
    """Each request costs money: a server that breaks the connection at each gets no more."""
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="u1", text="What is a heron?"))
    asked = [timed.responses_asked_after(STARTED, LOST) for _ in range(8)]
    assert asked == [1] * MOST_ASKED_AGAIN + [0] * (8 - MOST_ASKED_AGAIN)
    assert timed.notices() == [ASKED_TOO_OFTEN]
    assert timed.post(e.TextSubmitted(item_id="u2", text="A heron?")).count(CREATE) == 1
    assert timed.responses_asked_after(STARTED, LOST) == 1


@pytest.mark.parametrize("heard", [[], [STARTED], [STARTED, ADDED], [STARTED, ADDED, DELTA]])
def test_a_reply_of_which_nothing_was_heard_is_asked_for_again(heard: list[e.Event]) -> None:
    timed = TimedConversation()
    assert timed.responses_asked_after(SAID, WORDS, *heard, LOST, LOST) == 1
    assert timed.notices() == []
    said = [turn.text for turn in timed.conversation.ledger.turns if turn.text]
    assert said == ["What is a heron?"]
    items = [one for one in timed.effects if isinstance(one, x.CreateItem)]
    assert [item.role for item in items] == ["user"]
    if DELTA in heard:
        assert timed.turn("a1") == ("", "not heard, asked for again")


@pytest.mark.parametrize("words", [[DELTA], [], [e.TranscriptDone(item_id="a1", text="A bird.")]])
def test_a_reply_heard_in_part_stays_and_is_not_asked_for_again(
    words: list[e.Event],
) -> None:
    timed = TimedConversation()
    assert timed.responses_asked_after(SAID, WORDS, STARTED, ADDED, *words, AUDIO, CUT, LOST) == 0
    assert timed.notices() == ['A lost connection cut off the reply. Say "go on" to hear the rest.']
    text, note = timed.turn("a1")
    assert text == (getattr(words[0], "text", "") if words else "")
    assert note == "cut off by a lost connection"


def test_a_question_without_words_is_not_asked_for_again() -> None:
    timed = TimedConversation()
    assert timed.responses_asked_after(SAID, LOST) == 0
    assert timed.notices() == []


def test_a_text_reply_counts_as_heard() -> None:
    timed = TimedConversation()
    written = replace(ADDED, modality="text")
    assert timed.responses_asked_after(SAID, WORDS, STARTED, written, DELTA, LOST) == 0
    assert timed.turn("a1") == ("A bird ", "cut off by a lost connection")


def test_a_complete_reply_is_not_asked_for_again() -> None:
    timed = TimedConversation()
    whole = e.TranscriptDone(item_id="a1", text="A bird.")
    assert timed.responses_asked_after(SAID, WORDS, STARTED, ADDED, whole, AUDIO, DONE, LOST) == 0
    assert timed.notices() == []
    assert timed.turn("a1") == ("A bird.", "")


@pytest.mark.parametrize(
    "end",
    [
        [e.StopPressed()],
        [e.ResponseDone(response_id="r1", status="failed", reason="no")],
        [e.SessionResumed(backend="b", model="m")],
        [replace(LOST, again=("u2",))],
    ],
)
def test_a_reply_that_ended_otherwise_is_not_asked_for_again(end: list[e.Event]) -> None:
    """By Esc; by the server; by leaving; or because kept audio is sent again and answered."""
    timed = TimedConversation()
    assert (
        timed.responses_asked_after(SAID, WORDS, e.SpeechStopped(item_id="u1"), STARTED, *end, LOST)
        == 0
    )


def test_a_new_question_after_a_stop_is_asked_again() -> None:
    timed = TimedConversation()
    typed = e.TextSubmitted(item_id="u2", text="And an egret?")
    assert timed.responses_asked_after(SAID, WORDS, STARTED, e.StopPressed(), typed, LOST) == 1


def test_the_reply_to_the_output_of_a_function_is_asked_for_again() -> None:
    timed = TimedConversation()
    call = e.ToolCalled(item_id="c1", call_id="k", tool="recall", arguments="{}")
    answer = e.ToolAnswered(item_id="o1", call_id="k", output="[]")
    assert timed.responses_asked_after(SAID, WORDS, STARTED, call, DONE, answer, LOST) == 1


def test_a_question_during_a_handover_is_asked_on_the_new_connection() -> None:
    """A handover posts no `ConnectionLost`: the new connection is simply open."""
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"))
    effects = timed.post(OPENED)
    assert [type(one) for one in effects] == [x.CreateItem, x.CreateResponse]
    assert timed.post(OPENED).count(CREATE) == 1
    done = replace(DONE, response_id="r2")
    timed.post(e.ResponseStarted(response_id="r2"), replace(ADDED, text="Yes."), done)
    assert timed.post(OPENED).count(CREATE) == 0


# ── a server that does not finish ──────────────────────────────────────────────────────


def test_a_reply_that_never_begins_is_given_up() -> None:
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"))
    assert timed.conversation.wakes_at == 60.0
    assert timed.wait(59) == []
    assert timed.wait(1) == [x.CancelResponse(keep_if_late=True)]
    assert timed.conversation.state is State.IDLE
    assert timed.notices() == ["No answer came within 60 s. Please ask again."]
    assert timed.conversation.wakes_at is None
    assert CREATE in timed.post(e.TextSubmitted(item_id="t2", text="Hello!"))


def test_a_reply_that_stops_in_the_middle_is_given_up_after_its_audio_was_played() -> None:
    timed = TimedConversation()
    timed.post(SAID, WORDS, STARTED, ADDED, DELTA)
    timed.post(replace(AUDIO, audio_ms=90_000))
    assert timed.conversation.wakes_at == 150.0
    assert timed.wait(149) == []
    effects = timed.wait(1)
    assert effects == [x.CancelResponse(response_id="r1"), x.InterruptPlayback()]
    assert timed.conversation.state is State.IDLE
    assert timed.turn("a1") == ("A bird ", "not finished by the server")
    assert timed.notices() == [
        'The server stopped in the middle of its reply. Say "go on" to hear the rest.'
    ]


def test_each_sign_of_the_reply_extends_the_wait() -> None:
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"))
    for sign in (STARTED, ADDED, DELTA, DELTA):
        timed.at += 50
        timed.post(sign)
    assert timed.conversation.wakes_at == timed.at + 60


def test_no_reply_is_waited_for_while_a_connection_is_lost() -> None:
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"), STARTED)
    timed.post(e.ToolCalled(item_id="c1", call_id="k", tool="recall", arguments="{}"), DONE)
    assert timed.conversation.situation.response.open_tools
    timed.post(e.ToolAnswered(item_id="o1", call_id="k", output="[]"), LOST)
    assert timed.conversation.wakes_at is None


def test_a_cancelled_reply_that_never_ends_does_not_block_the_next() -> None:
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"), STARTED, e.StopPressed())
    timed.at += 1
    timed.post(e.TextSubmitted(item_id="t2", text="Hello!"))
    assert timed.wait(3) == []
    assert timed.wait(1) == [CREATE]
    assert timed.conversation.state is State.AWAITING
    assert timed.notices() == []
    assert timed.responses_asked_after(LOST) == 1


def test_a_reply_that_begins_after_it_was_given_up_is_played() -> None:
    timed = TimedConversation()
    timed.post(e.TextSubmitted(item_id="t1", text="Hello?"))
    timed.wait(60)
    timed.post(STARTED, ADDED, DELTA, AUDIO)
    assert timed.conversation.state is State.SPEAKING
