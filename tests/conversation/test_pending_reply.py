"""The answer that the user waits for: over a broken line, and from a server that never gives it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.states import State

SAID = e.SpeechCommitted(item_id="u1")
WORDS = e.TranscriptDone(item_id="u1", text="What is a heron?")
STARTED = e.ResponseStarted(response_id="r1")
ADDED = e.TurnAdded(item_id="a1", role="assistant", previous_item_id="u1")
SOME = e.TranscriptGrew(item_id="a1", text="A bird ")
SOUND = e.AudioReceived(item_id="a1", response_id="r1", audio_ms=400)
DONE = e.ResponseDone(response_id="r1")
LOST = e.ConnectionLost(reason="the connection broke", retry_in=1.0)
CUT = replace(LOST, cut=("a1",))
BACK = e.ConnectionOpened()
CREATE = x.CreateResponse()


class Talk:
    """A conversation as a session keeps it: what it announces comes back as a fact."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.at = 0.0
        self.did: list[x.Effect] = []
        self.tell(BACK)

    def tell(self, *events: e.Event) -> list[x.Effect]:
        before = len(self.did)
        for event in events:
            self.did += self.conversation.receive(replace(event, at=self.at)).effects
        return self.did[before:]

    def later(self, seconds: float) -> list[x.Effect]:
        self.at += seconds
        return self.tell(e.TimePassed())

    def asks_after(self, *events: e.Event) -> int:
        """How often a reply is asked for on the line after these facts."""
        self.tell(*events)
        return self.tell(BACK).count(CREATE)

    def log(self) -> list[str]:
        return [notice.text for notice in self.conversation.ledger.notices]

    def turn(self, item_id: str) -> tuple[str, str]:
        turn = self.conversation.ledger.turns.get(item_id)
        assert turn is not None
        return turn.text, turn.note


# ── a line that breaks ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("heard", [[], [STARTED], [STARTED, ADDED], [STARTED, ADDED, SOME]])
def test_a_reply_of_which_nothing_was_heard_is_asked_for_once_more(heard: list[e.Event]) -> None:
    talk = Talk()
    assert talk.asks_after(SAID, WORDS, *heard, LOST, LOST) == 1
    assert talk.log() == []
    told = [turn.text for turn in talk.conversation.ledger.turns if turn.text]
    assert told == ["What is a heron?"]
    items = [one for one in talk.did if isinstance(one, x.CreateItem)]
    assert [item.role for item in items] == ["user"]
    if SOME in heard:
        assert talk.turn("a1") == ("", "not heard, asked for again")


@pytest.mark.parametrize("words", [[SOME], [], [e.TranscriptDone(item_id="a1", text="A bird.")]])
def test_a_reply_that_was_heard_in_part_stays_and_is_not_asked_for_again(
    words: list[e.Event],
) -> None:
    talk = Talk()
    assert talk.asks_after(SAID, WORDS, STARTED, ADDED, *words, SOUND, CUT, LOST) == 0
    assert talk.log() == ['A lost connection cut off the reply. Say "go on" to hear the rest.']
    text, note = talk.turn("a1")
    assert text == (getattr(words[0], "text", "") if words else "")
    assert note == "cut off by a lost connection"


def test_words_are_heard_by_being_read() -> None:
    talk = Talk()
    written = replace(ADDED, modality="text")
    assert talk.asks_after(SAID, WORDS, STARTED, written, SOME, LOST) == 0
    assert talk.turn("a1") == ("A bird ", "cut off by a lost connection")


def test_a_reply_that_had_come_is_not_asked_for_again() -> None:
    talk = Talk()
    whole = e.TranscriptDone(item_id="a1", text="A bird.")
    assert talk.asks_after(SAID, WORDS, STARTED, ADDED, whole, SOUND, DONE, LOST) == 0
    assert talk.log() == []
    assert talk.turn("a1") == ("A bird.", "")


@pytest.mark.parametrize(
    "end",
    [
        [e.StopPressed()],
        [e.ResponseDone(response_id="r1", status="failed", reason="no")],
        [e.SessionResumed(backend="b", model="m")],
        [replace(LOST, again=("u2",))],
    ],
)
def test_what_was_stopped_or_failed_or_is_said_anew_is_not_asked_for(end: list[e.Event]) -> None:
    """By Esc; by the server, as was told; by leaving; and where kept sound is answered instead."""
    talk = Talk()
    assert talk.asks_after(SAID, WORDS, e.SpeechStopped(item_id="u1"), STARTED, *end, LOST) == 0


def test_a_new_question_after_a_stop_is_asked_for() -> None:
    talk = Talk()
    typed = e.TextSubmitted(item_id="u2", text="And an egret?")
    assert talk.asks_after(SAID, WORDS, STARTED, e.StopPressed(), typed, LOST) == 1


def test_the_answer_to_a_function_is_owed_too() -> None:
    talk = Talk()
    call = e.ToolCalled(item_id="c1", call_id="k", tool="recall", arguments="{}")
    answer = e.ToolAnswered(item_id="o1", call_id="k", output="[]")
    assert talk.asks_after(SAID, WORDS, STARTED, call, DONE, answer, LOST) == 1


def test_a_question_in_the_moment_of_a_renewal_is_asked_on_the_new_line() -> None:
    """No loss is told of then: the new line is simply there."""
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"))
    did = talk.tell(BACK)
    assert [type(one) for one in did] == [x.CreateItem, x.CreateResponse]
    assert talk.tell(BACK).count(CREATE) == 1
    done = replace(DONE, response_id="r2")
    talk.tell(e.ResponseStarted(response_id="r2"), replace(ADDED, text="Yes."), done)
    assert talk.tell(BACK).count(CREATE) == 0


# ── a server that never comes to an end ──────────────────────────────────────────────────────


def test_a_reply_that_never_begins_is_given_up() -> None:
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"))
    assert talk.conversation.wakes_at == 60.0
    assert talk.later(59) == []
    assert talk.later(1) == [x.CancelResponse(keep_if_late=True)]
    assert talk.conversation.state is State.IDLE
    assert talk.log() == ["No answer came within 60 s. Please ask again."]
    assert talk.conversation.wakes_at is None
    assert CREATE in talk.tell(e.TextSubmitted(item_id="t2", text="Hello!"))


def test_one_that_stops_in_the_middle_is_given_up_when_it_has_been_heard_so_far() -> None:
    talk = Talk()
    talk.tell(SAID, WORDS, e.SpeechStopped(item_id="u1"), e.SpeechStarted(item_id="u1"))
    talk.tell(e.SpeechStopped(item_id="u1"), STARTED, ADDED, SOME)
    talk.tell(replace(SOUND, audio_ms=90_000))
    assert talk.conversation.wakes_at == 150.0
    assert talk.later(149) == []
    did = talk.later(1)
    assert did == [x.CancelResponse(response_id="r1"), x.InterruptPlayback()]
    assert talk.conversation.state is State.IDLE
    assert talk.turn("a1") == ("A bird ", "not finished by the server")
    assert talk.log() == [
        'The server stopped in the middle of its reply. Say "go on" to hear the rest.'
    ]


def test_signs_of_life_put_it_off() -> None:
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"))
    for sign in (STARTED, ADDED, SOME, SOME):
        talk.at += 50
        talk.tell(sign)
    assert talk.conversation.wakes_at == talk.at + 60


def test_neither_a_function_nor_a_missing_line_counts_as_silence() -> None:
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"), STARTED)
    talk.tell(e.ToolCalled(item_id="c1", call_id="k", tool="recall", arguments="{}"), DONE)
    assert talk.conversation.wakes_at is None
    talk.tell(e.ToolAnswered(item_id="o1", call_id="k", output="[]"), LOST)
    assert talk.conversation.wakes_at is None


def test_a_stopped_reply_whose_end_is_never_told_does_not_block_the_next() -> None:
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"), STARTED, e.StopPressed())
    talk.at += 5
    talk.tell(e.TextSubmitted(item_id="t2", text="Hello!"))
    did = talk.later(60)
    assert did == [x.CancelResponse(response_id="r1"), CREATE]
    assert talk.conversation.state is State.AWAITING
    assert talk.log() == []
    assert talk.asks_after(LOST) == 1  # it is still owed


def test_a_late_answer_is_better_than_none() -> None:
    talk = Talk()
    talk.tell(e.TextSubmitted(item_id="t1", text="Hello?"))
    talk.later(60)
    talk.tell(STARTED, ADDED, SOME, SOUND)
    assert talk.conversation.state is State.SPEAKING
