"""No state lasts for ever: what a server, a device or a function leaves out is given up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.situation import MAX_CALLS
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.conversation.watchdogs import UNCONFIRMED_SPEECH

WAITS = ConversationTimeouts()
CREATE = x.CreateResponse()
TYPED = e.TextSubmitted(item_id="t1", text="Hello?")
STARTED = e.ResponseStarted(response_id="r1")
ADDED = e.TurnAdded(item_id="a1", role="assistant")
AUDIO = e.AudioReceived(item_id="a1", response_id="r1", audio_ms=2_000)
WORDS = e.TranscriptDone(item_id="a1", text="Hello.")
DONE = e.ResponseDone(response_id="r1")
PLAYED = e.PlaybackFinished(item_id="a1", played_ms=2_000)
SPEECH = e.SpeechStarted(item_id="u1")
COMMITTED = e.SpeechCommitted(item_id="u1")


class Clocked:
    """A conversation with a connection, at a time of its own."""

    def __init__(self, *events: e.Event) -> None:
        self.conversation = Conversation(Limits(policy="none"))
        self.at = 0.0
        self.events: list[e.Event] = []
        self.post(e.ConnectionOpened(), *events)

    @property
    def state(self) -> State:
        return self.conversation.state

    def post(self, *events: e.Event) -> list[x.Effect]:
        """Posts these events, and returns all their effects."""
        effects: list[x.Effect] = []
        for event in events:
            received = self.conversation.receive(replace(event, at=self.at))
            self.events += received.events
            effects += received.effects
        return effects

    def wait(self, seconds: float) -> list[x.Effect]:
        """Lets time pass as the session's timer does, and returns all effects."""
        effects: list[x.Effect] = []
        end = self.at + seconds
        for _ in range(1_000):
            due = self.conversation.wakes_at
            if due is None or due > end:
                self.at = end
                return effects
            self.at = max(self.at, due)
            effects += self.post(e.TimePassed())
        raise AssertionError(f"the timer never ends: {self.events[-4:]}")

    def notices(self) -> list[str]:
        return [notice.text for notice in self.conversation.ledger.notices]


# ── the user's turn ─────────────────────────────────────────────────────────────────────────


def test_speech_reported_after_the_microphone_was_closed_does_not_lock_the_state() -> None:
    clocked = Clocked(e.TalkPressed(), e.TalkReleased(), SPEECH)
    assert clocked.state is State.IDLE
    assert CREATE in clocked.post(TYPED)


def test_speech_reported_after_the_microphone_was_closed_is_committed_and_answered() -> None:
    clocked = Clocked(e.TalkPressed(), e.TalkReleased(), SPEECH)
    assert clocked.wait(WAITS.late_speech_s) == [x.CommitInput()]
    assert clocked.post(COMMITTED) == [CREATE]
    assert clocked.state is State.AWAITING


def test_late_speech_that_the_server_ends_itself_is_not_committed_by_us() -> None:
    clocked = Clocked(e.TalkPressed(), e.TalkReleased(), SPEECH)
    clocked.post(e.SpeechStopped(item_id="u1"), COMMITTED)
    assert clocked.wait(WAITS.late_speech_s * 2) == []


def test_a_turn_that_the_server_ends_while_our_commit_is_on_its_way_is_answered_once() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH)
    assert clocked.post(e.TalkReleased()) == [x.CloseMicrophone(), x.CommitInput()]
    assert clocked.post(e.SpeechStopped(item_id="u1"), COMMITTED) == []
    assert clocked.state is State.AWAITING


def test_esc_drops_what_was_said_and_leaves_listening() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH)
    assert clocked.post(e.StopPressed()) == [x.ClearInput()]
    assert clocked.state is State.IDLE
    clocked = Clocked(e.TalkPressed(manual=True))
    assert clocked.post(e.StopPressed()) == [x.CloseMicrophone(), x.ClearInput()]
    assert clocked.state is State.IDLE


def test_a_turn_that_was_dropped_and_is_committed_all_the_same_returns() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH, e.StopPressed(), COMMITTED)
    clocked.post(e.TranscriptDone(item_id="u1", text="words"))
    turn = clocked.conversation.ledger.turns.get("u1")
    assert turn is not None
    assert (turn.text, turn.wire_id, turn.note) == ("words", "u1", "")


@pytest.mark.parametrize("manual", [True, False])
def test_listening_ends_where_nothing_is_captured_any_more(manual: bool) -> None:
    clocked = Clocked(e.TalkPressed(manual=manual), *(() if manual else (SPEECH,)))
    item_id = "" if manual else "u1"
    for ms in range(1_000, 30_000, 1_000):
        clocked.wait(1)
        clocked.post(e.SpeechGrew(item_id=item_id, audio_ms=ms))
    assert clocked.state is State.LISTENING
    effects = clocked.wait(WAITS.listening_s)
    assert effects == [x.CloseMicrophone(), x.CommitInput()][not manual :]
    assert clocked.state is State.AWAITING
    clocked.post(e.SpeechDiscarded(item_id=item_id, reason="nothing was said"))
    assert clocked.state is State.IDLE


def test_a_turn_that_turn_detection_never_ends_is_committed_after_two_minutes() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH)
    effects: list[x.Effect] = []
    for ms in range(1_000, round(WAITS.turn_s * 1_000) + 1, 1_000):
        effects += clocked.wait(1)
        clocked.post(e.SpeechGrew(item_id="u1", audio_ms=ms))
    assert effects == [x.CommitInput()]
    assert clocked.post(COMMITTED) == [CREATE]


def test_a_commit_is_sent_twice_and_then_given_up() -> None:
    clocked = Clocked(e.TalkPressed(manual=True), e.TalkReleased())
    assert clocked.wait(WAITS.commit_s) == [x.CommitInput()]
    assert clocked.wait(WAITS.reply_s - WAITS.commit_s - 1) == []
    assert clocked.state is State.AWAITING
    assert clocked.wait(1) == []
    assert clocked.state is State.IDLE
    assert clocked.notices() == [UNCONFIRMED_SPEECH]


def test_a_commit_without_the_end_of_speech_ends_listening() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH, COMMITTED)
    assert clocked.state is State.AWAITING


def test_words_that_never_come_are_not_waited_for() -> None:
    clocked = Clocked(e.TalkPressed(), SPEECH, e.SpeechStopped(item_id="u1"), COMMITTED)
    clocked.post(STARTED, ADDED, WORDS, DONE)
    clocked.wait(WAITS.transcript_s)
    turn = clocked.conversation.ledger.turns.get("u1")
    assert turn is not None
    assert (turn.words, turn.note) == ("failed", "the server sent no transcript")
    clocked.post(e.TranscriptDone(item_id="u1", text="late"))
    late = clocked.conversation.ledger.turns.get("u1")
    assert late is not None
    assert (late.words, late.text, late.note) == ("done", "late", "")


# ── the reply ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", [(), (TYPED, STARTED, ADDED, WORDS, DONE)])
def test_audio_of_an_unknown_response_does_not_leave_speaking_for_ever(
    asked: tuple[e.Event, ...],
) -> None:
    clocked = Clocked(*asked)
    clocked.post(e.AudioReceived(item_id="x", response_id="unknown", audio_ms=3_000))
    assert clocked.state is State.SPEAKING
    assert clocked.wait(3 + WAITS.playback_s) == [x.InterruptPlayback()]
    assert clocked.state is State.IDLE


def test_a_reply_that_is_still_being_played_is_not_stopped() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, replace(AUDIO, audio_ms=600_000), WORDS, DONE)
    assert clocked.wait(600) == []
    assert clocked.state is State.SPEAKING


def test_a_lost_end_of_a_response_does_not_delay_the_next_typed_turn() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, AUDIO, WORDS, PLAYED)
    assert clocked.state is State.AWAITING
    effects = clocked.post(e.TextSubmitted(item_id="t2", text="And now?"))
    assert x.CancelResponse(response_id="r1") in effects
    assert CREATE not in effects
    assert clocked.post(e.CancelRefused()) == [CREATE]
    assert clocked.post(e.CancelRefused()) == [], "it was for the response before"
    clocked.post(e.ResponseStarted(response_id="r2"), e.ResponseDone(response_id="r1"))
    assert clocked.conversation.situation.response.id == "r2"


def test_a_cancel_that_is_never_answered_delays_the_next_turn_by_seconds_only() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, AUDIO)
    clocked.post(e.TextSubmitted(item_id="t2", text="And now?"))
    assert clocked.wait(WAITS.cancel_s) == [CREATE]
    refused = e.ResponseRefused(code=e.ALREADY_ACTIVE, message="busy")
    assert clocked.post(refused) == [], "the server has not ended the first one after all"
    assert clocked.post(replace(DONE, status="cancelled")) == [CREATE]


def test_a_spoken_turn_is_asked_again_where_the_response_that_was_given_up_still_runs() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, AUDIO)
    clocked.post(e.TalkPressed(manual=True), e.PlaybackInterrupted(item_id="a1", played_ms=500))
    clocked.post(e.TalkReleased(), COMMITTED)
    assert clocked.wait(WAITS.cancel_s) == [CREATE]
    clocked.post(e.ResponseRefused(code=e.ALREADY_ACTIVE, message="busy"))
    assert clocked.post(replace(DONE, status="cancelled")) == [CREATE]


@pytest.mark.parametrize("late", [STARTED, DONE])
def test_a_doubled_event_of_a_response_that_has_ended_moves_nothing(late: e.Event) -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, WORDS, DONE, late)
    assert clocked.state is State.IDLE
    clocked.post(e.TextSubmitted(item_id="t2", text="And now?"), late)
    assert clocked.state is State.AWAITING
    assert clocked.conversation.situation.response.active


def test_a_doubled_end_of_a_response_is_counted_once() -> None:
    done = replace(DONE, usage=e.Usage(input_text=100, output_text=10), usd=0.5)
    ledger = Clocked(TYPED, STARTED, ADDED, WORDS, done, done).conversation.ledger
    assert (ledger.replies, ledger.cost, ledger.usage.input) == (1, 0.5, 100)


def test_a_transcript_that_comes_twice_is_counted_once() -> None:
    words = e.TranscriptDone(item_id="u1", text="hello", usd=0.25)
    ledger = Clocked(e.TalkPressed(), SPEECH, COMMITTED, words, words).conversation.ledger
    assert ledger.cost == 0.25


def test_a_reply_that_our_cancel_cut_off_in_error_is_asked_for_once_more() -> None:
    """The user typed and spoke at the same moment, so the cancel hit the newer response."""
    clocked = Clocked(e.TalkPressed(), TYPED, SPEECH, e.SpeechStopped(item_id="u1"), COMMITTED)
    cancelled = replace(DONE, status="cancelled", reason="client_cancelled")
    assert clocked.post(STARTED, cancelled) == [CREATE]
    assert clocked.state is State.AWAITING
    again = replace(cancelled, response_id="r2")
    assert clocked.post(replace(STARTED, response_id="r2"), again) == []
    assert clocked.state is State.IDLE


def test_a_reply_that_newer_speech_cut_off_is_not_asked_for_again() -> None:
    clocked = Clocked(e.TalkPressed(), TYPED, STARTED, SPEECH, e.SpeechStopped(item_id="u1"))
    cancelled = replace(DONE, status="cancelled", reason="turn_detected")
    assert clocked.post(COMMITTED, cancelled) == [], "the server answers the speech by itself"


def test_the_answer_to_newer_speech_does_not_count_as_cancelled() -> None:
    clocked = Clocked(e.TalkPressed(), TYPED, SPEECH, e.SpeechStopped(item_id="u1"), COMMITTED)
    clocked.post(STARTED, ADDED, replace(AUDIO, audio_ms=30_000))
    clocked.wait(29)
    assert clocked.state is State.SPEAKING


def test_without_a_loudspeaker_nothing_plays() -> None:
    clocked = Clocked(e.LoudspeakerChanged(available=False), TYPED, STARTED, ADDED, AUDIO)
    assert clocked.state is State.AWAITING
    effects = clocked.post(e.StopPressed())
    assert effects == [x.CancelResponse(response_id="r1")]
    assert not any(turn.interrupted for turn in clocked.conversation.ledger.turns)


def test_a_loudspeaker_that_goes_away_ends_speaking() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, AUDIO, WORDS, DONE)
    clocked.post(e.LoudspeakerChanged(available=False))
    assert clocked.state is State.IDLE
    clocked = Clocked(TYPED, STARTED, ADDED, AUDIO)
    clocked.post(e.LoudspeakerChanged(available=False))
    assert clocked.state is State.AWAITING


def test_a_reply_that_goes_on_after_a_false_interruption_is_played_to_its_end() -> None:
    minute = replace(AUDIO, audio_ms=60_000)
    clocked = Clocked(e.TalkPressed(), TYPED, STARTED, ADDED, minute, WORDS, DONE)
    clocked.wait(5)
    clocked.post(SPEECH, e.PlaybackInterrupted(item_id="a1", played_ms=5_000, received_ms=60_000))
    clocked.post(e.SpeechStopped(item_id="u1"), COMMITTED)
    clocked.wait(2)
    clocked.post(e.InterruptionUndone(item_id="u1", replies=("a1",), why="short"))
    clocked.wait(54)
    assert clocked.state is State.SPEAKING
    assert not any(isinstance(event, e.PlaybackOverdue) for event in clocked.events)


def test_a_pause_of_a_reply_does_not_count_as_its_end() -> None:
    clocked = Clocked(TYPED, STARTED, ADDED, replace(AUDIO, audio_ms=30_000), WORDS, DONE)
    clocked.post(e.PlaybackPaused())
    clocked.wait(100)
    clocked.post(e.PlaybackResumed())
    clocked.wait(29)
    assert clocked.state is State.SPEAKING


# ── functions ───────────────────────────────────────────────────────────────────────────────


def call(number: int) -> e.ToolCalled:
    return e.ToolCalled(item_id=f"f{number}", call_id=f"c{number}", tool="look", arguments="{}")


def answer(number: int) -> e.ToolAnswered:
    return e.ToolAnswered(item_id=f"o{number}", call_id=f"c{number}", output="[]")


def test_a_function_that_never_answers_is_given_up_and_the_model_is_told() -> None:
    clocked = Clocked(TYPED, STARTED, call(1), DONE)
    told, asked = clocked.wait(WAITS.tool_told_s)
    assert isinstance(told, x.TellToolRuns)
    assert asked == CREATE
    clocked.post(replace(STARTED, response_id="r2"), replace(DONE, response_id="r2"))
    refused, last = clocked.wait(WAITS.tool_s)
    assert isinstance(refused, x.AnswerTool)
    assert last == CREATE
    [overdue] = [event for event in clocked.events if isinstance(event, e.ToolOverdue)]
    assert overdue.call_ids == ("c1",)
    clocked.post(answer(1), answer(1))
    assert [turn.id for turn in clocked.conversation.ledger.turns] == ["t1", "f1", "run_c1", "o1"]


def test_a_function_call_that_is_reported_twice_runs_once() -> None:
    clocked = Clocked(TYPED, STARTED)
    assert len(clocked.post(call(1), call(1))) == 1


def test_a_model_that_calls_functions_without_end_is_stopped() -> None:
    """After a few calls it has to answer without them; after that, nothing more is asked for."""
    clocked = Clocked(TYPED)
    run: list[bool] = []
    created: list[x.CreateResponse] = []
    for number in range(1, 100):
        effects = clocked.post(e.ResponseStarted(response_id=f"r{number}"), call(number))
        [asked] = [one for one in effects if isinstance(one, x.AnswerTool)]
        run.append(not asked.refusal)
        effects = clocked.post(e.ResponseDone(response_id=f"r{number}"), answer(number))
        found = [one for one in effects if isinstance(one, x.CreateResponse)]
        created += found
        if not found:
            break
    assert run == [True] * MAX_CALLS + [False] * 2
    assert [one.without_tools for one in created] == [False] * MAX_CALLS + [True]
    assert clocked.state is State.IDLE
    assert len([text for text in clocked.notices() if "functions" in text]) == 1
    clocked.post(e.TextSubmitted(item_id="t2", text="Again."))
    [asked] = clocked.post(e.ResponseStarted(response_id="n"), call(200))
    assert isinstance(asked, x.AnswerTool)
    assert not asked.refusal, "the next reply may call functions again"


# ── any order of events ─────────────────────────────────────────────────────────────────────

LONGEST_S = WAITS.listening_s + 2 * WAITS.reply_s + WAITS.tool_s + WAITS.turn_s + 600
"""Seconds after which the state is idle if nothing more comes, whatever came before. The longest
audio that the events below announce takes 600 s."""

users = st.sampled_from(["u1", "u2", "u3"])
replies = st.sampled_from(["a1", "a2", "a3"])
responses = st.sampled_from(["r1", "r2", "r3", ""])
ANY_EVENT: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.SpeechStarted, item_id=users),
    st.builds(e.SpeechGrew, item_id=users, audio_ms=st.just(1_000)),
    st.builds(e.SpeechStopped, item_id=users, audio_ms=st.just(900)),
    st.builds(e.SpeechCommitted, item_id=users),
    st.builds(e.SpeechDiscarded, item_id=st.sampled_from(["u1", "u2", ""])),
    st.builds(e.TurnAdded, item_id=users, role=st.just("user")),
    st.builds(e.TurnAdded, item_id=replies, role=st.just("assistant")),
    st.builds(e.TranscriptGrew, item_id=users | replies, text=st.just("so ")),
    st.builds(e.TranscriptDone, item_id=users | replies, text=st.just("so it is")),
    st.builds(e.TranscriptFailed, item_id=users),
    st.builds(e.ResponseStarted, response_id=responses),
    st.builds(
        e.AudioReceived,
        item_id=replies,
        response_id=responses,
        audio_ms=st.sampled_from([100, 5_000, 600_000]),
    ),
    st.builds(
        e.ResponseDone,
        response_id=responses,
        status=st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
    ),
    st.builds(
        e.ResponseRefused, code=st.sampled_from([e.ALREADY_ACTIVE, "other"]), message=st.just("no")
    ),
    st.just(e.CancelRefused()),
    st.builds(e.PlaybackFinished, item_id=replies),
    st.builds(e.PlaybackInterrupted, item_id=replies, played_ms=st.sampled_from([0, 50])),
    st.builds(e.LoudspeakerChanged, available=st.booleans()),
    st.builds(call, st.integers(1, 3)),
    st.builds(answer, st.integers(1, 3)),
    st.just(e.ConnectionLost(reason="cut", retry_in=1.0)),
    st.just(e.ConnectionOpened()),
    st.builds(e.TalkPressed, manual=st.booleans()),
    st.just(e.TalkReleased()),
    st.builds(e.MuteChanged, muted=st.booleans()),
    st.just(e.StopPressed()),
    st.builds(e.TextSubmitted, item_id=st.sampled_from(["t8", "t9"]), text=st.just("well")),
)
"""What a server, a loudspeaker, a connection and a user may bring: in any order, late, twice, or
not at all."""


@given(st.lists(st.tuples(ANY_EVENT, st.sampled_from([0.0, 0.25, 2.0, 20.0])), max_size=30))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_after_any_order_of_events_the_state_becomes_idle_and_a_typed_turn_is_answered(
    happened: list[tuple[e.Event, float]],
) -> None:
    clocked = Clocked()
    for event, seconds in happened:
        clocked.post(event)
        clocked.wait(seconds)
        microphone = clocked.conversation.situation.microphone
        assert microphone.open or not microphone.muted
    if clocked.conversation.ledger.connection.status != "online":
        clocked.post(e.ConnectionOpened())
    clocked.wait(LONGEST_S)
    assert clocked.state is State.IDLE, clocked.conversation.situation
    effects = clocked.post(TYPED) + clocked.wait(WAITS.cancel_s)
    assert effects.count(CREATE) == 1
    assert x.CreateItem(item_id="t1", role="user", text="Hello?") in effects
    reply = (replace(STARTED, response_id="r9"), replace(ADDED, item_id="a9"))
    clocked.post(*reply, replace(WORDS, item_id="a9"), replace(DONE, response_id="r9"))
    assert clocked.state is State.IDLE
    turns = [turn.id for turn in clocked.conversation.ledger.turns]
    assert turns[-2:] == ["t1", "a9"]
    assert len(turns) == len(set(turns))
